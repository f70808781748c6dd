import Tensor

/// MGVQ's encoder (arXiv 2507.07997, released code): a picture `[3, M, M]` in [−1, 1] to `[C, h, w]` before
/// `quant_conv`.
struct MGVQEncoder: Sendable {
  /// The first layer: a convolution at full resolution, or one that halves it.
  private enum Input: Sendable {
    case convolution(Conv2D)
    case halving(DownBlock)
  }

  private struct Stage: Sendable {
    var blocks: [MGVQBlock]
    var down: DownBlock?
  }

  private let input: Input
  private let stages: [Stage]
  private let output: Conv2D
  private let latentChannels: Int

  /// Reads `encoder.*` below `weights`.
  init(_ weights: WeightReader, _ shape: MGVQNetworkShape) throws(ModelError) {
    input =
      shape.skipsFirstStage
      ? .halving(
        try DownBlock(weights, "project_in.conv.conv", inputs: 3, outputs: shape.pictureWidth, shortcut: false))
      : .convolution(try weights.convolution("project_in.conv", inputs: 3, outputs: shape.pictureWidth, kernel: 3))
    var stages: [Stage] = []
    for stage in 0...shape.last {
      let operations = weights.under("stages.\(stage)")
      var blocks: [MGVQBlock] = []
      for index in 0..<shape.stages[stage].depth {
        blocks.append(try MGVQBlock(operations.under("op_list.\(index)"), shape.block(stage)))
      }
      let down =
        shape.resamples(stage)
        ? try DownBlock(
          operations, "op_list.\(shape.stages[stage].depth).main.conv.conv", inputs: shape.stages[stage].width,
          outputs: shape.stages[stage + 1].width, shortcut: true) : nil
      stages.append(Stage(blocks: blocks, down: down))
    }
    self.stages = stages
    latentChannels = shape.latentChannels
    output = try weights.convolution(
      "project_out.main.op_list.0.conv", inputs: shape.stages[shape.last].width, outputs: latentChannels, kernel: 3)
  }

  func callAsFunction(_ picture: Tensor, step: () throws -> Void) rethrows -> Tensor {
    var x: Tensor
    switch input {
    case .convolution(let convolution): x = convolution(picture)
    case .halving(let block): x = block(picture)
    }
    try step()
    for stage in stages {
      for block in stage.blocks {
        x = block(x)
        try step()
      }
      if let down = stage.down {
        x = down(x)
        try step()
      }
    }
    let latent = output(x) + meanChannelGroups(x, groups: latentChannels)
    try step()
    return latent
  }
}

/// MGVQ's decoder (arXiv 2507.07997, released code): `[C, h, w]` after `post_quant_conv` to a picture `[3, M, M]`,
/// nominally in [−1, 1], unclipped.
struct MGVQDecoder: Sendable {
  /// The last layer: a convolution at full resolution, or one that doubles it.
  private enum Output: Sendable {
    case convolution(Conv2D)
    case doubling(UpBlock)
  }

  private struct Stage: Sendable {
    var up: UpBlock?
    var blocks: [MGVQBlock]
  }

  private let input: Conv2D
  private let inputRepeats: Int
  /// Deep to shallow.
  private let stages: [Stage]
  private let outputNorm: MGVQNorm
  private let output: Output

  /// Reads `decoder.*` below `weights`.
  init(_ weights: WeightReader, _ shape: MGVQNetworkShape) throws(ModelError) {
    let deepest = shape.stages[shape.last].width
    input = try weights.convolution(
      "project_in.main.conv", inputs: shape.latentChannels, outputs: deepest, kernel: 3)
    inputRepeats = deepest / shape.latentChannels
    var stages: [Stage] = []
    for stage in 0...shape.last {
      let operations = weights.under("stages.\(stage)")
      let up =
        shape.resamples(stage)
        ? try UpBlock(
          operations, "op_list.0.main.conv.conv", inputs: shape.stages[stage + 1].width,
          outputs: shape.stages[stage].width,
          shortcut: true) : nil
      var blocks: [MGVQBlock] = []
      for index in 0..<shape.stages[stage].depth {
        let position = up == nil ? index : index + 1
        blocks.append(try MGVQBlock(operations.under("op_list.\(position)"), shape.block(stage)))
      }
      stages.append(Stage(up: up, blocks: blocks))
    }
    self.stages = stages.reversed()
    let final = weights.under("project_out.op_list")
    outputNorm = try MGVQNorm(final, "0", .rmsNorm2D, channels: shape.pictureWidth)
    output =
      shape.skipsFirstStage
      ? .doubling(try UpBlock(final, "2.conv.conv", inputs: shape.pictureWidth, outputs: 3, shortcut: false))
      : .convolution(try final.convolution("2.conv", inputs: shape.pictureWidth, outputs: 3, kernel: 3))
  }

  func callAsFunction(_ latent: Tensor, step: () throws -> Void) rethrows -> Tensor {
    var x = input(latent) + repeatInterleaveChannels(latent, times: inputRepeats)
    try step()
    for stage in stages {
      if let up = stage.up {
        x = up(x)
        try step()
      }
      for block in stage.blocks {
        x = block(x)
        try step()
      }
    }
    x = Activation.relu(outputNorm(x))
    switch output {
    case .convolution(let convolution): x = convolution(x)
    case .doubling(let block): x = block(x)
    }
    try step()
    return x
  }
}

/// Halves the resolution: 3×3 convolution to a quarter of the outputs and pixel-unshuffle by 2, plus, after the first
/// layer, the input itself, unshuffled and averaged over consecutive channel groups (DC-AE, arXiv 2410.10733).
struct DownBlock: Sendable {
  let convolution: Conv2D
  let outputs: Int
  let hasShortcut: Bool

  init(_ weights: WeightReader, _ key: String, inputs: Int, outputs: Int, shortcut: Bool) throws(ModelError) {
    convolution = try weights.convolution(key, inputs: inputs, outputs: outputs / 4, kernel: 3)
    self.outputs = outputs
    hasShortcut = shortcut
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let main = pixelUnshuffle(convolution(x), 2)
    return hasShortcut ? main + meanChannelGroups(pixelUnshuffle(x, 2), groups: outputs) : main
  }
}

/// Doubles the resolution: 3×3 convolution to four times the outputs and pixel-shuffle by 2, plus, before the last
/// layer, the input with its channels repeated and shuffled.
struct UpBlock: Sendable {
  let convolution: Conv2D
  let inputs: Int
  let outputs: Int
  let hasShortcut: Bool

  init(_ weights: WeightReader, _ key: String, inputs: Int, outputs: Int, shortcut: Bool) throws(ModelError) {
    convolution = try weights.convolution(key, inputs: inputs, outputs: outputs * 4, kernel: 3)
    self.inputs = inputs
    self.outputs = outputs
    hasShortcut = shortcut
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let main = pixelShuffle(convolution(x), 2)
    return hasShortcut ? main + pixelShuffle(repeatInterleaveChannels(x, times: outputs * 4 / inputs), 2) : main
  }
}

/// The stages of an MGVQ encoder or decoder as the configuration's lists give them, shallow to deep: an entry is a
/// stage, and a stage after the first works at half the resolution of the one before it.
struct MGVQNetworkShape: Sendable, Hashable {
  let stages: [MGVQConfiguration.Stage]
  let latentChannels: Int

  var last: Int { stages.count - 1 }

  /// With no block in the first stage, the picture goes straight to half the resolution and the second stage's width.
  var skipsFirstStage: Bool { stages[0].depth == 0 }

  /// Channels after the encoder's `project_in` and before the decoder's `project_out`.
  var pictureWidth: Int { stages[skipsFirstStage ? 1 : 0].width }

  /// Whether stage `stage` ends (encoder) or begins (decoder) with a change of resolution.
  func resamples(_ stage: Int) -> Bool { stage < last && stages[stage].depth > 0 }

  /// The shape of a block of stage `stage`.
  func block(_ stage: Int) -> MGVQBlockShape {
    let own = stages[stage]
    return MGVQBlockShape(
      kind: own.block, channels: own.width, norm: own.norm, activation: own.activation == .relu ? .relu : .silu)
  }

  /// Steps of a forward pass: each block and change of resolution, the first layer and the last.
  var steps: Int { 2 + (0...last).reduce(0) { $0 + stages[$1].depth + (resamples($1) ? 1 : 0) } }

  /// Throws `ModelError.configuration` if the widths of `name` (`encoder` or `decoder`) do not fit together.
  init(_ name: String, _ stages: [MGVQConfiguration.Stage], latentChannels: Int) throws(ModelError) {
    self.stages = stages
    self.latentChannels = latentChannels
    let widths = stages.map(\.width)
    func fail(_ expected: String) -> ModelError {
      .configuration(key: "mgvq_config.\(name)_width_list", found: "\(widths)", expected: expected)
    }
    for stage in (skipsFirstStage ? 1 : 0)..<last {
      let (own, next) = (widths[stage], widths[stage + 1])
      guard resamples(stage) else {
        guard own == next else { throw fail("equal widths around the empty stage \(stage)") }
        continue
      }
      guard next % 4 == 0, own * 4 % next == 0 else {
        throw fail("each width a multiple of 4 and a divisor of four times the one before it")
      }
    }
    guard !skipsFirstStage || pictureWidth % 4 == 0 else { throw fail("a second width that is a multiple of 4") }
    for stage in stages where stage.depth > 0 && stage.block == .eViTGLU {
      guard stage.width >= LinearAttention.headSize else {
        throw fail("at least \(LinearAttention.headSize) channels in an EViT_GLU stage")
      }
    }
    guard widths[last] % latentChannels == 0 else {
      throw fail("a last width that is a multiple of latent_channels (\(latentChannels))")
    }
  }

  static func encoder(_ configuration: MGVQConfiguration) throws(ModelError) -> MGVQNetworkShape {
    try MGVQNetworkShape("encoder", configuration.encoder, latentChannels: configuration.latentChannels)
  }

  static func decoder(_ configuration: MGVQConfiguration) throws(ModelError) -> MGVQNetworkShape {
    try MGVQNetworkShape("decoder", configuration.decoder, latentChannels: configuration.latentChannels)
  }
}

import Tensor

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

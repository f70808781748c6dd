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

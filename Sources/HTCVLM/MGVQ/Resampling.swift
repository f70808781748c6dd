import Tensor

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

import Tensor

/// 1×1 to 2·4·C with activation, depthwise 3×3, split into halves a and g, a·act(g), 1×1 back and a norm: upstream's
/// `GLUMBConv` (DC-AE, arXiv 2410.10733).
struct GatedInvertedBottleneck: Sendable {
  /// Upstream's `expand_ratio`.
  static let expansion = 4

  let inverted: Conv2D
  let depthwise: Conv2D
  let pointwise: Conv2D
  let norm: MGVQNorm
  let activation: Activation

  init(_ weights: WeightReader, _ shape: MGVQBlockShape) throws(ModelError) {
    let inner = shape.channels * Self.expansion
    inverted = try weights.convolution("inverted_conv.conv", inputs: shape.channels, outputs: 2 * inner, kernel: 1)
    depthwise = try weights.convolution(
      "depth_conv.conv", inputs: 2 * inner, outputs: 2 * inner, kernel: 3, groups: 2 * inner)
    pointwise = try weights.convolution(
      "point_conv.conv", inputs: inner, outputs: shape.channels, kernel: 1, bias: false)
    norm = try MGVQNorm(weights, "point_conv.norm", shape.norm, channels: shape.channels)
    activation = shape.activation
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let wide = depthwise(activation(inverted(x)))
    let half = wide.shape[0] / 2
    return norm(pointwise(wide[rows: 0..<half] * activation(wide[rows: half..<2 * half])))
  }
}

import Tensor
import WeightFormats

/// LLaVA-1.5's `mm_projector`: vision features `[P, Dv]` to the decoder's width `[P, D]`.
enum VisionProjector: Sendable {
  static let prefix = "model.mm_projector"

  case linear(Linear)
  /// Linear, exact GELU, Linear.
  case perceptron(Linear, Linear)

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    let (inputs, outputs) = (configuration.vision.hiddenSize, configuration.hiddenSize)
    switch configuration.projectorType {
    case .linear:
      self = .linear(try weights.linear(Self.prefix, inputs: inputs, outputs: outputs))
    case .mlp2xGELU:
      self = .perceptron(
        try weights.linear("\(Self.prefix).0", inputs: inputs, outputs: outputs),
        try weights.linear("\(Self.prefix).2", inputs: outputs, outputs: outputs))
    }
  }

  static func list(_ list: inout TensorList, _ configuration: HTCVLMConfiguration) {
    let (inputs, outputs) = (configuration.vision.hiddenSize, configuration.hiddenSize)
    switch configuration.projectorType {
    case .linear:
      list.linear(prefix, inputs: inputs, outputs: outputs)
    case .mlp2xGELU:
      list.linear("\(prefix).0", inputs: inputs, outputs: outputs)
      list.linear("\(prefix).2", inputs: outputs, outputs: outputs)
    }
  }

  func callAsFunction(_ features: Tensor) -> Tensor {
    switch self {
    case .linear(let layer): layer(features)
    case .perceptron(let first, let second): second(Activation.gelu(first(features)))
    }
  }
}

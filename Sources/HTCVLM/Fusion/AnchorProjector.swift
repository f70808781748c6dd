import Tensor
import WeightFormats

/// HTC-VLM's anchor projector (arXiv 2512.08240): v_d = GELU(W₂ · GELU(W₁ · vec(q) + b₁) + b₂), as A rows of width D.
struct AnchorProjector: Sendable {
  static let prefix = "model.anchor_projector"

  let first: Linear
  /// W₁ `[hidden, C·h·w]` as it lies in its file, for what its columns do alone.
  let firstWeight: StoredTensor
  let second: Linear
  let flatten: HTCVLMConfiguration.AnchorFlatten
  private let anchors: Int

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    let own = weights.under(Self.prefix)
    let hidden = configuration.anchorProjectorHiddenSize
    firstWeight = try own.stored("fc1.weight", [hidden, Self.inputs(configuration)])
    first = try own.linear("fc1", inputs: Self.inputs(configuration), outputs: hidden)
    second = try own.linear(
      "fc2", inputs: hidden, outputs: configuration.anchorTokens * configuration.hiddenSize)
    flatten = configuration.anchorFlatten
    anchors = configuration.anchorTokens
  }

  static func list(_ list: inout TensorList, _ configuration: HTCVLMConfiguration) {
    let inputs = inputs(configuration)
    let hidden = configuration.anchorProjectorHiddenSize
    list.under(prefix) { own in
      own.linear("fc1", inputs: inputs, outputs: hidden)
      own.linear("fc2", inputs: hidden, outputs: configuration.anchorTokens * configuration.hiddenSize)
    }
  }

  /// The length of vec(q).
  private static func inputs(_ configuration: HTCVLMConfiguration) -> Int {
    configuration.mgvq.map { $0.latentChannels * $0.latentSize * $0.latentSize } ?? 0
  }

  /// `quantized` `[C, h, w]` → `[A, D]`. Throws `ModelError.notFinite`.
  func checked(_ quantized: Tensor) throws(ModelError) -> Tensor {
    let anchors = self(quantized)
    try requireFinite(anchors, "anchors", weights: [first, second])
    return anchors
  }

  /// `quantized` `[C, h, w]` → `[A, D]`.
  func callAsFunction(_ quantized: Tensor) -> Tensor {
    let output = Activation.gelu(second(Activation.gelu(beforeActivation(quantized))))
    return output.reshaped([anchors, output.count / anchors])
  }

  /// W₁ · vec(q) + b₁, `[1, hidden]`.
  func beforeActivation(_ quantized: Tensor) -> Tensor {
    let vector: Tensor
    switch flatten {
    case .chw: vector = quantized
    case .hwc: vector = quantized.permuted([1, 2, 0])
    }
    return first(vector.reshaped([1, vector.count]))
  }
}

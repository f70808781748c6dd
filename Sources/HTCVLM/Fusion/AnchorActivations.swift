package import Tensor

extension AnchorProjector {
  /// What stands before the first and before the second GELU, `[1, hidden]` and `[1, A·D]`.
  func beforeActivations(_ quantized: Tensor) -> [Tensor] {
    let first = beforeActivation(quantized)
    return [first, second(Activation.gelu(first))]
  }
}

extension MGVQModel {
  /// What stands before the anchor projector's two activations, for code vectors `[C, h, w]`; empty without a projector.
  package func anchorPreActivations(_ quantized: Tensor) -> [Tensor] { projector?.beforeActivations(quantized) ?? [] }
}

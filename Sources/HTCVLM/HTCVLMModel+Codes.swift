package import Tensor
package import Trace

extension HTCVLMModel {
  /// The code vectors of a grid, `[C, h, w]`.
  package func codeVectors(_ codes: CodeGrid) throws -> Tensor { try quantizer().codebook().vectors(codes) }

  /// The picture `[3, M, M]` of code vectors `[C, h, w]`, unclipped.
  package func decode(_ vectors: Tensor, run: RunContext = RunContext()) throws -> Tensor {
    try quantizer().decode(vectors, step: run.checkCancellation)
  }

  /// The picture with other codes: new vectors and anchors, the vision tower's features as they are.
  package func replacing(codes: CodeGrid, in visual: VisualEncoding) throws -> VisualEncoding {
    guard let before = visual.mgvq else { throw ModelError.noQuantizer(family: configuration.family) }
    let quantized = try codeVectors(codes)
    let mgvq = MGVQTrace(pixelValues: before.pixelValues, latent: before.latent, codes: codes, quantized: quantized)
    return VisualEncoding(mgvq: mgvq, anchors: projected(quantized), vision: visual.vision, cls: visual.cls)
  }

  /// The anchors `[A, D]` of code vectors `[C, h, w]`; A is 0 in a model without anchors.
  package func projected(_ vectors: Tensor) -> Tensor {
    anchorProjector.map { $0(vectors) } ?? .zeros([0, configuration.hiddenSize])
  }

  /// How much each anchor changes without a latent cell or a group.
  package func anchorAblation(_ visual: VisualEncoding) throws(ModelError) -> AnchorAblation {
    guard let mgvq = visual.mgvq, let anchorProjector else { throw .noQuantizer(family: configuration.family) }
    return AnchorAblation(anchorProjector, quantized: mgvq.quantized, groups: mgvq.codes.groups)
  }
}

package import Tensor
package import Trace

extension HTCVLMModel {
  /// The code vectors of a grid, `[C, h, w]`.
  package func codeVectors(_ codes: CodeGrid) throws -> Tensor { try mgvq.codebook().vectors(codes) }

  /// The picture `[3, M, M]` of code vectors `[C, h, w]`, unclipped.
  package func decode(_ vectors: Tensor, run: RunContext = RunContext()) throws -> Tensor {
    try mgvq.decode(vectors, step: run.checkCancellation)
  }

  /// The picture with other codes: new vectors and anchors, the vision tower's features as they are.
  package func replacing(codes: CodeGrid, in visual: VisualEncoding) throws -> VisualEncoding {
    let quantized = try codeVectors(codes)
    let mgvq = MGVQTrace(
      pixelValues: visual.mgvq.pixelValues, latent: visual.mgvq.latent, codes: codes, quantized: quantized)
    return VisualEncoding(mgvq: mgvq, anchors: anchorProjector(quantized), vision: visual.vision)
  }

  /// The anchors `[A, D]` of code vectors `[C, h, w]`.
  package func projected(_ vectors: Tensor) -> Tensor { anchorProjector(vectors) }

  /// How much each anchor changes without a latent cell or a group.
  package func anchorAblation(_ visual: VisualEncoding) -> AnchorAblation {
    AnchorAblation(anchorProjector, quantized: visual.mgvq.quantized, groups: visual.mgvq.codes.groups)
  }
}

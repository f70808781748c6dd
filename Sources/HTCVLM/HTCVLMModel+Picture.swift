import ImageLoading
package import Tensor
package import Trace

extension HTCVLMModel {
  /// Codes, anchors, features and patches of a picture: the stages `mgvq`, `anchors` and `vision`, in this order, so
  /// that the codes are on screen while the tower runs.
  package func encode(_ image: Picture, run: RunContext = RunContext()) throws -> VisualEncoding {
    let mgvq = try codes(of: image, run: run)
    let anchors = try self.anchors(mgvq, run: run)
    let vision = try run.stage(.vision, steps: vision.steps + 1) { step in
      let pixels = try preprocessor.pixelValues(image)
      try requireFinite(pixels, "pixel values")
      let rows = try self.vision(pixels, step: step)
      let features = rows[rows: 1..<rows.shape[0]]
      let patches = try projector(features)
      let cls = configuration.keepsCLS ? try projector(rows[rows: 0..<1]) : nil
      try step()
      return (trace: VisionTrace(pixelValues: pixels, features: features, patches: patches), cls: cls)
    }
    VisualEncoding.report(vision.trace, to: run.observer)
    releaseWeightPages()
    return VisualEncoding(mgvq: mgvq, anchors: anchors, vision: vision.trace, cls: vision.cls)
  }

  /// The stage `mgvq`; nil in a model without a quantizer.
  private func codes(of image: Picture, run: RunContext) throws -> MGVQTrace? {
    guard let quantizer = mgvq, let side = configuration.mgvq?.imageSize else { return nil }
    let mgvq = try run.stage(.mgvq, steps: quantizer.encodingSteps) { step in
      let pixels = preprocessor.mgvqPixelValues(image, size: side)
      let codes = try quantizer.encode(pixels, step: step)
      return MGVQTrace(pixelValues: pixels, latent: codes.latent, codes: codes.grid, quantized: codes.quantized)
    }
    VisualEncoding.report(mgvq, to: run.observer)
    return mgvq
  }

  /// The stage `anchors`; `[0, D]` in a model without anchors.
  private func anchors(_ mgvq: MGVQTrace?, run: RunContext) throws -> Tensor {
    guard let mgvq, let anchorProjector else { return .zeros([0, configuration.hiddenSize]) }
    let anchors = try run.stage(.anchors, steps: 1) { step in
      let anchors = try anchorProjector.checked(mgvq.quantized)
      try step()
      return anchors
    }
    run.observer?.observe(.anchors, layer: nil, tensor: anchors)
    return anchors
  }

  /// The quantizer; throws `ModelError.noQuantizer` in a model without one.
  func quantizer() throws(ModelError) -> MGVQTokenizer {
    guard let mgvq else { throw .noQuantizer(family: configuration.family) }
    return mgvq
  }

  /// The picture `[3, M, M]` of a grid of codes, unclipped: the stage `reconstruction`.
  ///
  /// Groups outside `groups` are left out, their channels zero.
  package func reconstruct(
    _ codes: CodeGrid, groups: Range<Int>? = nil, run: RunContext = RunContext()
  ) throws -> Tensor {
    let mgvq = try quantizer()
    let picture = try run.stage(.reconstruction, steps: mgvq.decodingSteps) { step in
      try mgvq.decode(try mgvq.codebook().vectors(codes, keeping: groups), step: step)
    }
    if groups == nil { run.observer?.observe(.mgvqReconstruction, layer: nil, tensor: picture) }
    return picture
  }

  /// The codebooks: normalized codes, for neighbours, margins and usage.
  package func codebook() throws -> GroupQuantizer { try quantizer().codebook() }
}

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

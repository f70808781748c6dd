import Trace

extension HTCVLMModel {
  /// A picture that a model with the same vision tower and quantizer encoded, with this model's own anchors and patches:
  /// only the projectors run. Throws `ModelError.notFinite`.
  package func reprojected(_ visual: VisualEncoding) throws -> VisualEncoding {
    VisualEncoding(
      mgvq: visual.mgvq, anchors: visual.mgvq.map { projected($0.quantized) } ?? visual.anchors,
      vision: VisionTrace(
        pixelValues: visual.vision.pixelValues, features: visual.vision.features,
        patches: try projector(visual.vision.features)), cls: visual.cls)
  }
}

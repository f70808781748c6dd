import Trace

extension HTCVLMModel {
  /// A picture that a model with the same vision tower, projector and quantizer encoded, with this model's own anchors:
  /// only the anchor projector runs.
  package func reprojected(_ visual: VisualEncoding) -> VisualEncoding {
    VisualEncoding(mgvq: visual.mgvq, anchors: anchorProjector(visual.mgvq.quantized), vision: visual.vision)
  }
}

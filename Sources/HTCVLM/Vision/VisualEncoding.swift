package import Tensor
package import Trace

/// One picture on its way to the decoder: what depends neither on the sequence nor on the prompt.
package struct VisualEncoding: Sendable {
  /// nil in a model without a quantizer.
  package let mgvq: MGVQTrace?
  /// `[A, D]`; A is 0 in a model without anchors.
  package let anchors: Tensor
  package let vision: VisionTrace
  /// `[1, D]`: the tower's CLS after the projector; nil where it is dropped.
  package let cls: Tensor?

  package init(mgvq: MGVQTrace?, anchors: Tensor, vision: VisionTrace, cls: Tensor? = nil) {
    self.mgvq = mgvq
    self.anchors = anchors
    self.vision = vision
    self.cls = cls
  }

  func report(to observer: (any ActivationObserver)?) {
    guard let observer else { return }
    if let mgvq { Self.report(mgvq, to: observer) }
    if anchors.shape[0] > 0 { observer.observe(.anchors, layer: nil, tensor: anchors) }
    Self.report(vision, to: observer)
  }

  static func report(_ mgvq: MGVQTrace, to observer: (any ActivationObserver)?) {
    observer?.observe(.mgvqPixelValues, layer: nil, tensor: mgvq.pixelValues)
    observer?.observe(.mgvqLatent, layer: nil, tensor: mgvq.latent)
    observer?.observe(codes: mgvq.codes)
    observer?.observe(.mgvqQuantized, layer: nil, tensor: mgvq.quantized)
  }

  static func report(_ vision: VisionTrace, to observer: (any ActivationObserver)?) {
    observer?.observe(.visionPixelValues, layer: nil, tensor: vision.pixelValues)
    observer?.observe(.visionFeatures, layer: nil, tensor: vision.features)
    observer?.observe(.patches, layer: nil, tensor: vision.patches)
  }
}

package import Tensor
package import Trace

/// LLaVA-1.5's `mm_projector`: vision features `[P, Dv]` to the decoder's width `[P, D]`; an M3 model then averages
/// squares of patches.
struct VisionProjector: Sendable {
  static let prefix = "model.mm_projector"

  private let layers: [Linear]
  private let activation: Activation
  private let pooling: Int

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    var layers: [Linear] = []
    for layer in Self.layers(configuration) {
      layers.append(
        try weights.linear(
          layer.key, inputs: layer.inputs, outputs: configuration.hiddenSize, bias: configuration.projectorHasBias))
    }
    self.layers = layers
    activation =
      switch configuration.projectorActivation {
      case .gelu: .gelu
      case .quickGELU: .quickGELU
      case .silu: .silu
      case .relu: .relu
      }
    pooling = configuration.visualTokenPooling
  }

  /// The linear layers' keys and widths: an activation takes every other place of LLaVA's `nn.Sequential`.
  private static func layers(_ configuration: HTCVLMConfiguration) -> [(key: String, inputs: Int)] {
    switch configuration.projectorType {
    case .identity: []
    case .linear: [(prefix, configuration.visionFeatureSize)]
    case .perceptron(let count):
      (0..<count).map { ("\(prefix).\(2 * $0)", $0 == 0 ? configuration.visionFeatureSize : configuration.hiddenSize) }
    }
  }

  /// Throws `ModelError.notFinite` naming the layer.
  func callAsFunction(_ features: Tensor) throws(ModelError) -> Tensor {
    var x = features
    for (index, layer) in layers.enumerated() {
      x = layer(index == 0 ? x : activation(x))
      try requireFinite(x, "patch tokens after layer \(index) of the projector", weights: [layer])
    }
    return pooling == 1 ? x : Self.pooled(x, side: pooling)
  }

  /// The mean of each square of `side` × `side` patches, as M3's `avg_pool2d` over the projected grid has it.
  private static func pooled(_ patches: Tensor, side: Int) -> Tensor {
    let width = patches.shape[1]
    let grid = Int(Double(patches.shape[0]).squareRoot())
    let pooled = grid / side
    return Tensor(shape: [pooled * pooled, width]) { output in
      output.update(repeating: 0)
      for row in 0..<pooled * side {
        for column in 0..<pooled * side {
          let (from, to) = ((row * grid + column) * width, (row / side * pooled + column / side) * width)
          for channel in 0..<width { output[to + channel] += patches.values[from + channel] / Float(side * side) }
        }
      }
    }
  }
}

/// The codes and anchors of a picture, which no precision rounds.
package struct KnownCodes: Sendable {
  let mgvq: MGVQTrace
  let anchors: Tensor

  /// As stages whose results were there already.
  func report(to run: RunContext) {
    run.reused(.mgvq)
    VisualEncoding.report(mgvq, to: run.observer)
    run.reused(.anchors)
    if anchors.shape[0] > 0 { run.observer?.observe(.anchors, layer: nil, tensor: anchors) }
  }
}

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

  /// What `HTCVLMModel.reprojected` reads; pixel values, latent, codes and patches are empty.
  ///
  /// - Parameters:
  ///   - features: `[P, Dv]`, the tower's.
  ///   - quantized: `[C, h, w]`, code vectors; nil in a model without a quantizer.
  package init(features: Tensor, quantized: Tensor?, anchors: Tensor, cls: Tensor?) {
    let empty = Tensor(shape: [0], values: [])
    self.init(
      mgvq: quantized.map {
        MGVQTrace(
          pixelValues: empty, latent: empty, codes: CodeGrid(groups: 0, height: 0, width: 0, indices: []),
          quantized: $0)
      }, anchors: anchors, vision: VisionTrace(pixelValues: empty, features: features, patches: empty), cls: cls)
  }

  /// The same picture with no more than the projectors read.
  package var forProjectors: VisualEncoding {
    VisualEncoding(features: vision.features, quantized: mgvq?.quantized, anchors: anchors, cls: cls)
  }

  /// Bytes of all its tensors.
  package var byteCount: Int {
    var tensors = [anchors, vision.pixelValues, vision.features, vision.patches]
    if let cls { tensors.append(cls) }
    if let mgvq { tensors += [mgvq.pixelValues, mgvq.latent, mgvq.quantized] }
    return tensors.reduce(0) { $0 + $1.count * MemoryLayout<Float>.size }
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

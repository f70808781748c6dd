package import Tensor
import Trace

extension HTCVLMModel {
  /// A picture that a model with the same vision tower, projector and quantizer encoded, with this model's own anchors:
  /// only the anchor projector runs.
  package func reprojected(_ visual: VisualEncoding) -> VisualEncoding {
    VisualEncoding(
      mgvq: visual.mgvq, anchors: visual.mgvq.map { projected($0.quantized) } ?? visual.anchors, vision: visual.vision,
      cls: visual.cls)
  }

  /// The anchors `[A, D]` that a picture's codes make when each group's are put in random places of its grid: which
  /// codes there are stays, where they stand does not.
  package func shuffledAnchors(_ visual: VisualEncoding, using generator: inout some RandomNumberGenerator) -> Tensor {
    guard let mgvq = visual.mgvq else { return visual.anchors }
    let quantized = mgvq.quantized
    let positions = quantized.shape[1] * quantized.shape[2]
    let channels = quantized.shape[0] / mgvq.codes.groups
    var values = quantized.values
    for group in 0..<mgvq.codes.groups {
      let places = Array(0..<positions).shuffled(using: &generator)
      for channel in group * channels..<(group + 1) * channels {
        for (position, place) in places.enumerated() {
          values[channel * positions + place] = quantized.values[channel * positions + position]
        }
      }
    }
    return projected(Tensor(shape: quantized.shape, values: values))
  }
}

import ImageLoading
package import Tensor

extension HTCVLMModel {
  /// The anchors `[A, D]` of a picture; A is 0 in a model without them. The vision tower does not run.
  package func anchors(of image: Picture, run: RunContext = RunContext()) throws -> Tensor {
    guard let mgvq, let side = configuration.mgvq?.imageSize else { return .zeros([0, configuration.hiddenSize]) }
    let pixels = preprocessor.mgvqPixelValues(image, size: side)
    return projected(try mgvq.encode(pixels, step: run.checkCancellation).quantized)
  }
}

package import Trace
import WeightFormats

extension HTCVLMConfiguration {
  /// What a trace says of the model.
  package var modelDescription: ModelDescription {
    ModelDescription(
      layers: layers, heads: heads, keyValueHeads: keyValueHeads, hiddenSize: hiddenSize,
      vocabularySize: vocabularySize, anchors: anchorTokens, patchGrid: patchGrid,
      visionImageSize: vision.imageSize, mgvqImageSize: mgvq?.imageSize ?? 0, groups: mgvq?.groups ?? 0,
      codesPerGroup: mgvq?.codesPerGroup ?? 0, vocoTokens: vocoTokens, visualMask: visualMask,
      imageAspectRatio: imageAspectRatio, precision: .own(.exact), untrainedParts: untrainedParts)
  }

  /// Bytes of the keys and values of `rows` positions in all layers.
  package func keyValueBytes(rows: Int, bytesPerElement: Int = 4) -> Int {
    2 * layers * keyValueHeads * headDim * bytesPerElement * rows
  }
}

package import Trace
import WeightFormats

extension HTCVLMConfiguration {
  /// `sequence` in the trace's words.
  var segmentKinds: [SegmentKind] {
    sequence.flatMap { segment -> [SegmentKind] in
      switch segment {
      case .bos: [.bos]
      case .anchors: [.anchors]
      case .patches: keepsCLS ? [.cls, .patches] : [.patches]
      case .newline: [.newline]
      case .voco: [.voco]
      case .text: [.text]
      }
    }
  }

  /// What a trace says of the model.
  package var modelDescription: ModelDescription {
    ModelDescription(
      layers: layers, heads: heads, keyValueHeads: keyValueHeads, hiddenSize: hiddenSize,
      vocabularySize: vocabularySize, anchors: anchorTokens, patchGrid: patchGrid,
      visionImageSize: vision.imageSize, mgvqImageSize: mgvq?.imageSize ?? 0, groups: mgvq?.groups ?? 0,
      codesPerGroup: mgvq?.codesPerGroup ?? 0, vocoTokens: vocoTokens, visualMask: visualMask.rawValue,
      imageAspectRatio: imageAspectRatio.rawValue, precision: "exact", untrainedParts: untrainedParts)
  }

  /// Bytes of the keys and values of `rows` positions in all layers.
  package func keyValueBytes(rows: Int, bytesPerElement: Int = 4) -> Int {
    2 * layers * keyValueHeads * headDim * bytesPerElement * rows
  }
}

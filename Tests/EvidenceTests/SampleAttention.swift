import Evidence
import Tensor
import Trace

/// Hand-made traces: bos, `anchors` anchors, a `grid`×`grid` picture, voco, two text tokens.
struct SampleAttention {
  var anchors = 2
  var grid = 2
  var layers = 2
  var heads = 2
  var untrainedParts: [String] = []
  /// Anchors behind the patches.
  var anchorsLast = false

  var patches: Int { grid * grid }
  var vocoPosition: Int { 1 + anchors + patches }
  var length: Int { vocoPosition + 3 }
  var anchorStart: Int { anchorsLast ? 1 + patches : 1 }
  var patchStart: Int { anchorsLast ? 1 : 1 + anchors }

  var sequence: SequenceTrace {
    var mask = [UInt8](repeating: 0, count: length * length)
    for row in 0..<length {
      for column in 0...row where row <= vocoPosition || column >= vocoPosition { mask[row * length + column] = 1 }
    }
    let visual = [
      SequenceSpan(kind: .anchors, start: anchorStart, count: anchors),
      SequenceSpan(kind: .patches, start: patchStart, count: patches),
    ]
    return SequenceTrace(
      spans: [SequenceSpan(kind: .bos, start: 0, count: 1)] + visual.sorted { $0.start < $1.start } + [
        SequenceSpan(kind: .voco, start: vocoPosition, count: 1),
        SequenceSpan(kind: .text, start: vocoPosition + 1, count: 2),
      ],
      tokenIDs: [Int32](repeating: 7, count: length), pieces: [String](repeating: "x", count: length),
      embeddings: .zeros([length, 4]), mask: mask)
  }

  /// A trace with `rows(layer, head)` `[S]` as the voco rows.
  func trace(
    valueNorms: ((Int, Int) -> [Float])? = nil, rollout: [[Float]]? = nil, rows: (Int, Int) -> [Float]
  ) -> Trace {
    let provenance = Provenance(
      version: "0", imageName: "sample.png", imageWidth: 4, imageHeight: 4, imageSHA256: "", modelName: "sample",
      configSHA256: "", weightsSHA256: "", prompt: "")
    let model = ModelDescription(
      layers: layers, heads: heads, keyValueHeads: heads, hiddenSize: 4, vocabularySize: 8, anchors: anchors,
      patchGrid: grid, visionImageSize: 4, mgvqImageSize: 4, groups: 1, codesPerGroup: 4, vocoTokens: 1,
      visualMask: .star, imageAspectRatio: .pad, precision: .own(.exact), untrainedParts: untrainedParts)
    var trace = Trace(provenance: provenance, model: model)
    trace.sequence = sequence
    let stacked = { (row: (Int, Int) -> [Float]) in
      Tensor(
        shape: [layers, heads, length],
        values: (0..<layers).flatMap { layer in (0..<heads).flatMap { row(layer, $0) } })
    }
    trace.language = LanguageTrace(
      attentionVoco: stacked(rows), attentionLast: .zeros([layers, heads, length]),
      hiddenVoco: .zeros([layers + 1, 4]),
      logits: .zeros([8]), valueNorms: valueNorms.map(stacked),
      rolloutVoco: rollout.map { Tensor(shape: [layers, length], values: $0.flatMap { $0 }) })
    return trace
  }
}

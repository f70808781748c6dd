internal import Tensor
internal import WeightFormats

/// Reads the decoder's input and checks that spans, token ids, pieces and mask tell one story.
struct SequenceReader {
  let tensors: CheckedTensors
  let metadata: TraceMetadata

  func sequence() throws(CheckpointError) -> SequenceTrace? {
    let (ids, embeddings) = (TraceTensorName.sequenceTokenIDs, TraceTensorName.sequenceEmbeddings)
    guard tensors.hasAny([ids, embeddings, .mask]) else { return nil }
    let tokenIDs = try tensors.integers(ids, [nil])
    try tensors.check(ids, tokenIDs, lieIn: -2..<Int32(metadata.model.vocabularySize))
    let length = tokenIDs.count
    let mask = try tensors.bytes(.mask, [length, length])
    guard mask.allSatisfy({ $0 <= 1 }) else {
      throw tensors.fault(.mask, "holds other values than 0 and 1")
    }
    let spans = try spans(covering: length)
    try check(spans, against: tokenIDs)
    return SequenceTrace(
      spans: spans, tokenIDs: tokenIDs, pieces: try pieces(length),
      embeddings: try tensors.floats(embeddings, [length, metadata.model.hiddenSize]), mask: mask)
  }

  private func spans(covering length: Int) throws(CheckpointError) -> [SequenceSpan] {
    let expected = "segments that cover the \(length) positions in order"
    guard let spans = metadata.spans else {
      throw .key(path: tensors.path, key: "__metadata__.spans", found: nil, expected: expected)
    }
    var end = 0
    for span in spans {
      guard span.start == end else {
        throw .key(
          path: tensors.path, key: "__metadata__.spans",
          found: "a segment at \(span.start) after one that ends at \(end)",
          expected: expected)
      }
      end += span.count
    }
    guard end == length else {
      throw .key(
        path: tensors.path, key: "__metadata__.spans", found: "segments of \(end) positions", expected: expected)
    }
    return spans
  }

  private func check(_ spans: [SequenceSpan], against tokenIDs: [Int32]) throws(CheckpointError) {
    let model = metadata.model
    for span in spans {
      let sizes: [SegmentKind: Int] = [
        .anchors: model.anchors, .patches: model.patchRows * model.patchGrid, .voco: model.vocoTokens,
      ]
      if let size = sizes[span.kind], span.count != size {
        throw .key(
          path: tensors.path, key: "__metadata__.spans", found: "\(span.count) positions of \(span.kind.rawValue)",
          expected: "\(size)")
      }
      for position in span.range {
        let isRight =
          switch span.kind {
          case .anchors: tokenIDs[position] == -2
          case .patches, .cls: tokenIDs[position] == -1
          default: tokenIDs[position] >= 0
          }
        guard isRight else {
          throw tensors.fault(
            .sequenceTokenIDs,
            "holds \(tokenIDs[position]) at position \(position), which the spans call \(span.kind.rawValue)")
        }
      }
    }
  }

  private func pieces(_ length: Int) throws(CheckpointError) -> [String] {
    guard let pieces = metadata.pieces, pieces.count == length else {
      throw .key(
        path: tensors.path, key: "__metadata__.pieces", found: metadata.pieces.map { "a list of \($0.count)" },
        expected: "\(length) texts, one a position")
    }
    return pieces
  }
}

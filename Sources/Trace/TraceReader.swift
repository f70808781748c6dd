import Safetensors
import Tensor

/// Turns a file's tensors into a trace, checking each against the model's description and the others.
struct TraceReader {
  let tensors: CheckedTensors
  let metadata: TraceMetadata

  init(file: SafetensorsFile, metadata: TraceMetadata) {
    tensors = CheckedTensors(file: file)
    self.metadata = metadata
  }

  private var model: ModelDescription { metadata.model }

  func trace() throws(CheckpointError) -> Trace {
    var trace = Trace(provenance: metadata.provenance, model: model)
    trace.vision = try vision()
    trace.mgvq = try mgvq()
    trace.anchors =
      tensors.has(.anchors)
      ? try tensors.floats(.anchors, [model.anchors, model.hiddenSize]) : nil
    trace.sequence = try SequenceReader(tensors: tensors, metadata: metadata).sequence()
    trace.language = try language(in: trace.sequence)
    trace.generation = try generation()
    return trace
  }

  private func vision() throws(CheckpointError) -> VisionTrace? {
    let names = [TraceTensorName.visionPixelValues, TraceTensorName.visionFeatures, TraceTensorName.patches]
    guard tensors.hasAny(names) else { return nil }
    let patches = model.patchRows * model.patchGrid
    // Each extent is below 2¹³, so that the product cannot overflow.
    let features = patches * model.visualTokenPooling * model.visualTokenPooling
    return VisionTrace(
      pixelValues: try tensors.floats(names[0], [3, model.visionImageHeight, model.visionImageSize]),
      features: try tensors.floats(names[1], [features, nil]),
      patches: try tensors.floats(names[2], [patches, model.hiddenSize]))
  }

  private func mgvq() throws(CheckpointError) -> MGVQTrace? {
    let pixelValues = TraceTensorName.mgvqPixelValues
    let latentName = TraceTensorName.mgvqLatent
    let reconstruction = TraceTensorName.mgvqReconstruction
    guard
      tensors.hasAny([
        pixelValues, latentName, .mgvqCodes, .mgvqQuantized, reconstruction,
      ])
    else { return nil }
    let side = model.mgvqImageSize
    let latent = try tensors.floats(latentName, [nil, nil, nil])
    let (height, width) = (latent.shape[1], latent.shape[2])
    let codes = try tensors.integers(.mgvqCodes, [model.groups, height, width])
    try tensors.check(.mgvqCodes, codes, lieIn: 0..<Int32(model.codesPerGroup))
    return MGVQTrace(
      pixelValues: try tensors.floats(pixelValues, [3, side, side]),
      latent: latent,
      codes: CodeGrid(groups: model.groups, height: height, width: width, indices: codes),
      quantized: try tensors.floats(.mgvqQuantized, latent.shape),
      reconstruction: tensors.has(reconstruction) ? try tensors.floats(reconstruction, [3, side, side]) : nil)
  }

  private func language(in sequence: SequenceTrace?) throws(CheckpointError) -> LanguageTrace? {
    let (last, hasVoco) = (TraceTensorName.attentionLast, model.vocoTokens > 0)
    let voco = hasVoco ? TraceTensorName.attentionVoco : last
    let hidden = hasVoco ? TraceTensorName.hiddenVoco : TraceTensorName.hiddenLast
    let norms = hasVoco ? TraceTensorName.valueNormsVoco : TraceTensorName.valueNormsLast
    let rollout = hasVoco ? TraceTensorName.rolloutVoco : TraceTensorName.rolloutLast
    guard tensors.hasAny([voco, last, hidden, TraceTensorName.logits, norms, rollout]) else {
      return nil
    }
    guard let sequence else {
      throw tensors.fault(.sequenceTokenIDs, "is missing, though \(voco.rawValue) or its like is there")
    }
    let (layers, heads, length) = (model.layers, model.heads, sequence.length)
    let language = LanguageTrace(
      attentionVoco: try tensors.floats(voco, [layers, heads, length]),
      attentionLast: try tensors.floats(last, [layers, heads, length]),
      hiddenVoco: try tensors.floats(hidden, [layers + 1, model.hiddenSize]),
      logits: try tensors.floats(.logits, [model.vocabularySize]),
      valueNorms: tensors.has(norms) ? try tensors.floats(norms, [layers, heads, length]) : nil,
      rolloutVoco: tensors.has(rollout) ? try tensors.floats(rollout, [layers, length]) : nil)
    try tensors.check(voco, language.attentionVoco, isAttentionOf: sequence.inspectedPosition, in: sequence)
    try tensors.check(last, language.attentionLast, isAttentionOf: length - 1, in: sequence)
    if let rows = language.rolloutVoco { try tensors.check(rollout, isShareOf: rows) }
    return language
  }

  private func generation() throws(CheckpointError) -> GenerationTrace? {
    let name = TraceTensorName.generatedTokenIDs
    guard tensors.has(name) || metadata.generatedText != nil else { return nil }
    let tokenIDs = try tensors.integers(name, [nil])
    try tensors.check(name, tokenIDs, lieIn: 0..<Int32(model.vocabularySize))
    guard let text = metadata.generatedText else {
      throw .key(
        path: tensors.path, key: "__metadata__.generated_text", found: nil, expected: "the text of \(name.rawValue)")
    }
    return GenerationTrace(tokenIDs: tokenIDs, text: text)
  }
}

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

/// A file's tensors, handed out only in the type and shape that was asked for.
struct CheckedTensors {
  let file: SafetensorsFile

  var path: String { file.path }

  func has(_ name: TraceTensorName) -> Bool { file.tensors[name.rawValue] != nil }

  func hasAny(_ names: [TraceTensorName]) -> Bool { names.contains(where: has) }

  func fault(_ name: TraceTensorName, _ problem: String) -> CheckpointError {
    .tensor(path: path, name: name.rawValue, problem: problem)
  }

  /// An F32 tensor of `shape`, where nil is any extent above zero, all of whose values are finite.
  func floats(_ name: TraceTensorName, _ shape: [Int?]) throws(CheckpointError) -> Tensor {
    let tensor = try stored(name, .f32, shape).float32()
    if let value = tensor.firstNotFinite() { throw fault(name, value.problem) }
    return tensor
  }

  /// An I32 tensor; an extent may be zero.
  func integers(_ name: TraceTensorName, _ shape: [Int?]) throws(CheckpointError) -> [Int32] {
    try stored(name, .i32, shape, mayBeEmpty: true).int32()
  }

  /// A U8 tensor.
  func bytes(_ name: TraceTensorName, _ shape: [Int?]) throws(CheckpointError) -> [UInt8] {
    try stored(name, .u8, shape, mayBeEmpty: true).withUnsafeBytes { Array($0) }
  }

  func check(_ name: TraceTensorName, _ values: [Int32], lieIn range: Range<Int32>) throws(CheckpointError) {
    if let value = values.first(where: { !range.contains($0) }) {
      throw fault(name, "holds \(value), which is not in \(range.lowerBound)…\(range.upperBound - 1)")
    }
  }

  /// Whether every value is a share of one, within rounding.
  func check(_ name: TraceTensorName, isShareOf tensor: Tensor) throws(CheckpointError) {
    if let value = tensor.values.first(where: { $0 < 0 || $0 > 1.001 }) {
      throw fault(name, "holds \(value), which is no share of attention")
    }
  }

  /// The most attention at a key that the mask hides: a softmax gives such a key none, in any arithmetic.
  static let hiddenShare: Float = 1e-6

  /// Whether each row of `tensor` `[L, H, S]` is attention's of the query at `position`: shares of one, which sum to one
  /// and lie where the file's own mask lets that query look.
  func check(
    _ name: TraceTensorName, _ tensor: Tensor, isAttentionOf position: Int, in sequence: SequenceTrace
  ) throws(CheckpointError) {
    try check(name, isShareOf: tensor)
    let width = sequence.length
    let hidden = (0..<width).filter { !sequence.allows(row: position, column: $0) }
    for row in 0..<(width == 0 ? 0 : tensor.count / width) {
      if let key = hidden.first(where: { tensor.values[row * width + $0] > Self.hiddenShare }) {
        let place = NotFinite.index(of: row, in: Array(tensor.shape.dropLast()))
        let share = tensor.values[row * width + key]
        let found = "\(share) at \(place + [key]), layer \(place[0] + 1) head \(place[1] + 1)"
        let hides = "mask hides key \(key) (\(sequence.pieces[key])) from row \(position)"
        throw fault(name, "holds \(found); expected at most \(Self.hiddenShare), for \(hides)")
      }
      let sum = tensor.values[row * width..<(row + 1) * width].reduce(0.0) { $0 + Double($1) }
      if abs(sum - 1) > 0.001 {
        let index = NotFinite.index(of: row, in: Array(tensor.shape.dropLast()))
        throw fault(name, "holds a row \(index) that sums to \(sum), and attention's rows sum to 1")
      }
    }
  }

  private func stored(
    _ name: TraceTensorName, _ dtype: DType, _ shape: [Int?], mayBeEmpty: Bool = false
  ) throws(CheckpointError) -> StoredTensor {
    let wanted = "\(dtype.rawValue) [\(shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))]"
    guard let tensor = file.tensors[name.rawValue] else { throw fault(name, "is missing; expected \(wanted)") }
    let agrees =
      tensor.dtype == dtype && tensor.shape.count == shape.count
      && zip(tensor.shape, shape).allSatisfy { found, wanted in
        wanted.map { $0 == found } ?? (found > 0 || mayBeEmpty)
      }
    guard agrees else { throw fault(name, "is \(tensor.dtype.rawValue) \(tensor.shape); expected \(wanted)") }
    return tensor
  }
}

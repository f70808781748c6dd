import JSON
import Safetensors
import Tensor

/// The strings of a trace file's `__metadata__`.
struct TraceMetadata {
  var provenance: Provenance
  var model: ModelDescription
  var spans: [SequenceSpan]?
  var pieces: [String]?
  var generatedText: String?

  init(_ trace: Trace) {
    provenance = trace.provenance
    model = trace.model
    spans = trace.sequence?.spans
    pieces = trace.sequence?.pieces
    generatedText = trace.generation?.text
  }

  var strings: [String: String] {
    var strings = [
      "format": TraceFile.format,
      "version": provenance.version,
      "image_name": provenance.imageName,
      "image_width": String(provenance.imageWidth),
      "image_height": String(provenance.imageHeight),
      "image_sha256": provenance.imageSHA256,
      "model_name": provenance.modelName,
      "config_sha256": provenance.configSHA256,
      "weights_sha256": provenance.weightsSHA256,
      "prompt": provenance.prompt,
      "model": model.json.line,
    ]
    strings["spans"] = spans.map { JSONValue.array($0.map(\.json)).line }
    strings["pieces"] = pieces.map { JSONValue.array($0.map(JSONValue.string)).line }
    strings["generated_text"] = generatedText
    strings["edits"] = provenance.edits.isEmpty ? nil : provenance.edits
    for (name, value) in provenance.computation?.named ?? [] { strings[name] = value }
    return strings
  }

  /// The metadata of `file`.
  init(reading file: SafetensorsFile) throws(CheckpointError) {
    let reader = JSONReader(
      path: file.path, prefix: "__metadata__.",
      object: .object(file.metadata.map { JSONMember($0.key, .string($0.value)) }))
    provenance = Provenance(
      version: try reader.requiredString("version"), imageName: try reader.requiredString("image_name"),
      imageWidth: try Self.size(reader, "image_width"), imageHeight: try Self.size(reader, "image_height"),
      imageSHA256: try Self.digest(reader, "image_sha256"), modelName: try reader.requiredString("model_name"),
      configSHA256: try Self.digest(reader, "config_sha256"),
      weightsSHA256: try Self.digest(reader, "weights_sha256"), prompt: try reader.requiredString("prompt"),
      edits: try reader.string("edits") ?? "", computation: try Self.computation(reader))
    guard let description = try reader.embedded("model") else {
      throw reader.fault("model", nil, expected: "a description of the model")
    }
    model = try ModelDescription(JSONReader(path: file.path, prefix: "__metadata__.model.", object: description))
    spans = try Self.spans(reader)
    pieces = try Self.pieces(reader)
    generatedText = try reader.string("generated_text")
  }

  private static func size(_ reader: JSONReader, _ key: String) throws(CheckpointError) -> Int {
    let text = try reader.requiredString(key)
    guard let size = Int(text), 1...(1 << 20) ~= size else {
      throw reader.fault(key, .string(text), expected: "a number of pixels")
    }
    return size
  }

  /// nil where `kernel` is missing, as in traces of other programs; of the others none may be missing then.
  private static func computation(_ reader: JSONReader) throws(CheckpointError) -> Computation? {
    guard let kernel = try reader.string("kernel") else { return nil }
    func number<Number: LosslessStringConvertible>(
      _ key: String, _ expected: String, _ fits: (Number) -> Bool
    ) throws(CheckpointError) -> Number {
      let text = try reader.requiredString(key)
      guard let number = Number(text), fits(number) else { throw reader.fault(key, .string(text), expected: expected) }
      return number
    }
    return Computation(
      kernel: kernel, threads: try number("threads", "a number from 1") { $0 >= 1 },
      temperature: try number("temperature", "a finite number from 0") { $0 >= 0 && $0.isFinite },
      topP: try number("top_p", "a number above 0 and at most 1") { $0 > 0 && $0 <= 1 },
      seed: try number("seed", "a number of 64 bits") { _ in true })
  }

  private static func digest(_ reader: JSONReader, _ key: String) throws(CheckpointError) -> String {
    let text = try reader.requiredString(key)
    let isDigest = text.utf8.count == 64 && text.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit)
    guard isDigest else { throw reader.fault(key, .string(text), expected: "64 hexadecimal digits") }
    return text
  }

  private static func spans(_ reader: JSONReader) throws(CheckpointError) -> [SequenceSpan]? {
    guard let document = try reader.embedded("spans") else { return nil }
    guard case .array(let elements) = document, elements.count <= 64 else {
      throw reader.fault("spans", document, expected: "a list of up to 64 spans")
    }
    var spans: [SequenceSpan] = []
    for (index, element) in elements.enumerated() {
      spans.append(
        try SequenceSpan(JSONReader(path: reader.path, prefix: "\(reader.prefix)spans[\(index)].", object: element)))
    }
    return spans
  }

  private static func pieces(_ reader: JSONReader) throws(CheckpointError) -> [String]? {
    guard let document = try reader.embedded("pieces") else { return nil }
    let wrapped = JSONReader(
      path: reader.path, prefix: reader.prefix, object: .object([JSONMember("pieces", document)]))
    return try wrapped.strings("pieces", longest: largestSize)
  }
}

extension SequenceSpan {
  var json: JSONValue {
    .object([
      JSONMember("kind", .string(kind.rawValue)), JSONMember("start", .integer(start)),
      JSONMember("count", .integer(count)),
    ])
  }

  init(_ reader: JSONReader) throws(CheckpointError) {
    self.init(
      kind: try reader.choice("kind"), start: try reader.integer("start", in: 0...largestSize),
      count: try reader.integer("count", in: 0...largestSize))
  }
}

extension ModelDescription {
  /// The members under the names of the configuration's keys where it has them.
  var json: JSONValue {
    .object(
      [
        JSONMember("num_hidden_layers", .integer(layers)),
        JSONMember("num_attention_heads", .integer(heads)),
        JSONMember("num_key_value_heads", .integer(keyValueHeads)),
        JSONMember("hidden_size", .integer(hiddenSize)),
        JSONMember("vocab_size", .integer(vocabularySize)),
        JSONMember("num_anchor_tokens", .integer(anchors)),
        JSONMember("patch_grid", Self.extents(patchRows, patchGrid)),
        JSONMember("vision_image_size", Self.extents(visionImageHeight, visionImageSize)),
        JSONMember("mgvq_image_size", .integer(mgvqImageSize)),
        JSONMember("codebook_groups", .integer(groups)),
        JSONMember("codes_per_group", .integer(codesPerGroup)),
        JSONMember("num_voco_tokens", .integer(vocoTokens)),
        JSONMember("visual_mask", .string(visualMask.rawValue)),
        JSONMember("image_aspect_ratio", .string(imageAspectRatio.rawValue)),
        JSONMember("precision", .string(precision.rawValue)),
        JSONMember("untrained_parts", .array(untrainedParts.map(JSONValue.string))),
        JSONMember("image_mean", .array(imageMean.map(JSONValue.number))),
        JSONMember("image_std", .array(imageStd.map(JSONValue.number))),
      ] + (visualTokenPooling == 1 ? [] : [JSONMember("visual_token_pooling", .integer(visualTokenPooling))]))
  }

  /// One number for a square, `[rows, columns]` for other shapes.
  private static func extents(_ rows: Int, _ columns: Int) -> JSONValue {
    rows == columns ? .integer(columns) : .array([.integer(rows), .integer(columns)])
  }

  private static func extents(
    _ reader: JSONReader, _ key: String
  ) throws(CheckpointError) -> (rows: Int, columns: Int) {
    guard case .array? = reader.value(key) else {
      let side = try reader.integer(key, in: 0...4096)
      return (side, side)
    }
    let extents = try reader.integers(key, in: 0...4096)
    guard extents.count == 2 else { throw reader.fault(key, reader.value(key), expected: "rows and columns") }
    return (extents[0], extents[1])
  }

  /// Three numbers, or none.
  private static func channels(_ reader: JSONReader, _ key: String) throws(CheckpointError) -> [Double] {
    let numbers = try reader.list(key)?.compactMap { value -> Double? in
      switch value {
      case .number(let number) where number.isFinite: number
      case .integer(let number): Double(number)
      default: nil
      }
    }
    guard let numbers, !numbers.isEmpty else { return [] }
    guard numbers.count == 3 else { throw reader.fault(key, reader.value(key), expected: "three numbers") }
    return numbers
  }

  init(_ reader: JSONReader) throws(CheckpointError) {
    let grid = try Self.extents(reader, "patch_grid")
    let picture = try Self.extents(reader, "vision_image_size")
    self.init(
      layers: try reader.integer("num_hidden_layers", in: 1...1024),
      heads: try reader.integer("num_attention_heads", in: 1...4096),
      keyValueHeads: try reader.integer("num_key_value_heads", in: 1...4096),
      hiddenSize: try reader.integer("hidden_size"),
      vocabularySize: try reader.integer("vocab_size"),
      anchors: try reader.integer("num_anchor_tokens", in: 0...4096),
      patchGrid: grid.columns, patchRows: grid.rows, visionImageSize: picture.columns, visionImageHeight: picture.rows,
      mgvqImageSize: try reader.integer("mgvq_image_size", in: 0...4096),
      groups: try reader.integer("codebook_groups", in: 0...65536),
      codesPerGroup: try reader.integer("codes_per_group", in: 0...largestSize),
      vocoTokens: try reader.integer("num_voco_tokens", in: 0...4096),
      visualMask: try reader.choice("visual_mask"), imageAspectRatio: try reader.choice("image_aspect_ratio"),
      precision: ComputedPrecision(rawValue: try reader.requiredString("precision")),
      untrainedParts: try reader.strings("untrained_parts"))
    imageMean = try Self.channels(reader, "image_mean")
    imageStd = try Self.channels(reader, "image_std")
    visualTokenPooling = try reader.integer("visual_token_pooling", in: 1...4096, default: 1)
  }
}

internal import JSON
import Safetensors

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
      edits: try reader.string("edits") ?? "")
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

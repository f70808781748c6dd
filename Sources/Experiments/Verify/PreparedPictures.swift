package import Evidence
import Files
import Foundation
import HTCVLM
import Safetensors
import Tensor
import Trace

/// What every part of a `verify` run needs of all pictures, each worked out by one part and left in a directory that all
/// parts see: the answers, from which donors are drawn; the attention that chooses heads; and what tower and quantizer made
/// of a picture, which lends to those of other parts.
///
/// A file of lines for each part that prepares, which only that part appends to, and one of tensors for each picture, named
/// by its SHA-256. A line is written after its picture's tensors are there.
package struct PreparedPictures {
  private let directory: String
  private let run: EvidenceRun
  private let pictures: [String: Record]

  struct Record: Codable, Sendable, Equatable {
    /// SHA-256 of the picture's bytes.
    var key: String
    /// The greedy answers, a prompt.
    var tokens: [[Int32]]
    /// Same-position logarithms `[vocos][live layers · H]` of a picture that chooses heads.
    var cells: [[Double]]?
    /// What decoding found odd.
    var warning: String?
  }

  private struct Head: Codable {
    var format: String
    var run: EvidenceRun
  }

  private static let lines = RecordLines(format: "vocoscope-prepared-1", command: "vocoscope verify --prepare")

  /// Reads what parts left in `directory` so far.
  ///
  /// - Throws: `ExperimentError` naming the file that is of another run, or damaged, or that there is none.
  package init(_ directory: String, run: EvidenceRun) throws {
    try self.init(reading: directory, run: run)
    guard !pictures.isEmpty else {
      throw ExperimentError("\(directory): holds nothing that '\(Self.lines.command)' left")
    }
  }

  private init(reading directory: String, run: EvidenceRun) throws {
    (self.directory, self.run) = (directory, run)
    var pictures: [String: Record] = [:]
    for name in try Directory.names(directory) where name.hasPrefix(Self.prefix) && name.hasSuffix(Self.ending) {
      _ = try Self.read(Self.path(directory, name), run: run) { record in
        // Where two parts prepared a picture, one may have had no use for its attention.
        if let other = pictures[record.key], other.tokens != record.tokens {
          throw EvidenceFault("tokens", "another than in a file before it", expected: "one answer a picture")
        }
        if pictures[record.key]?.cells == nil { pictures[record.key] = record }
      }
    }
    self.pictures = pictures
  }

  private static func read(
    _ path: String, run: EvidenceRun, _ record: (Record) throws -> Void
  ) throws -> Int {
    try lines.read(path) { (head: Head) in
      if let difference = head.run.difference(run) { throw ExperimentError("is of another run: \(difference)") }
    } record: { (read: Record) in
      try run.check(answers: read.tokens)
      if let cells = read.cells { try run.check(cells: cells) }
      try record(read)
    }
  }

  private static let (prefix, ending) = ("prepared-", ".jsonl")

  private static func path(_ directory: String, _ name: String) -> String {
    URL(fileURLWithPath: directory).appendingPathComponent(name).path
  }

  subscript(key: String) -> Record? { pictures[key] }

  /// Whether a picture was prepared, and what decoding it found odd then.
  func warning(of key: String) -> (isKnown: Bool, text: String?) {
    (pictures[key] != nil, pictures[key]?.warning)
  }

  /// Those of the pictures that no part prepared, in words; nil if all are there.
  func missing(of keys: [String]) -> String? {
    let count = keys.count { pictures[$0] == nil }
    guard count > 0 else { return nil }
    return "\(directory): holds \(keys.count - count) of \(keys.count) pictures; the others are worked out here."
  }
}

extension PreparedPictures {
  private static let (features, quantized, cls) = ("vision.features", "mgvq.quantized", "vision.cls")

  /// A prepared picture's encoding, of which the projectors run here; nil if its file is not there.
  ///
  /// Pixel values, latent and codes are not kept, since nothing that `verify` measures reads them: they are empty.
  ///
  /// - Throws: `ExperimentError` naming the file and the tensor that is of another model or shape, or not finite.
  func encoding(_ key: String, _ model: HTCVLMModel) throws -> VisualEncoding? {
    let path = Self.encodingPath(directory, key)
    guard pictures[key] != nil, FileManager.default.fileExists(atPath: path) else { return nil }
    let file = try SafetensorsFile(path: path)
    for (name, value) in Self.metadata(run).sorted(by: { $0.key < $1.key }) where file.metadata[name] != value {
      throw ExperimentError("\(path): \(name) is \(file.metadata[name] ?? "missing"), expected \(value)")
    }
    let shapes = model.encodingShapes
    func tensor(_ name: String, _ shape: [Int]?) throws -> Tensor? {
      guard let shape else { return nil }
      guard let stored = file.tensors[StoredTensor.key(name)], stored.dtype == .f32, stored.shape == shape else {
        let found = file.tensors[StoredTensor.key(name)].map { "\($0.dtype.rawValue) \($0.shape)" }
        throw ExperimentError("\(path): \(name) is \(found ?? "missing"), expected F32 \(shape)")
      }
      let tensor = stored.float32()
      guard tensor.firstNotFinite() == nil else {
        throw ExperimentError("\(path): \(name) holds a number that is not finite")
      }
      return tensor
    }
    guard let features = try tensor(Self.features, shapes.features) else { return nil }
    return try model.reprojected(
      VisualEncoding(
        features: features, quantized: try tensor(Self.quantized, shapes.quantized),
        anchors: .zeros([0, model.configuration.hiddenSize]), cls: try tensor(Self.cls, shapes.cls)))
  }

  private static func encodingPath(_ directory: String, _ key: String) -> String {
    path(directory, "\(key).safetensors")
  }

  /// What an encoding depends on beside its picture.
  private static func metadata(_ run: EvidenceRun) -> [String: String] {
    [
      "version": run.version, "config_sha256": run.configSHA256, "weights_sha256": run.weightsSHA256,
      "precision": run.precision ?? "",
    ]
  }

  /// Puts what one part prepares where the others find it.
  struct Writer {
    /// What all parts had left when it began.
    let before: PreparedPictures
    private let lines: RecordWriter

    /// Goes on with the file of a part that was stopped, or starts it.
    init(_ directory: String, run: EvidenceRun, shard: Shard) throws {
      do {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      } catch { throw ExperimentError("\(directory): cannot be made: \(error.localizedDescription)") }
      before = try PreparedPictures(reading: directory, run: run)
      let path = PreparedPictures.path(directory, "\(prefix)\(shard.number)-of-\(shard.count)\(ending)")
      lines =
        try FileManager.default.fileExists(atPath: path)
        ? RecordWriter(path, continuingAt: read(path, run: run) { _ in })
        : RecordWriter(path, head: Head(format: PreparedPictures.lines.format, run: run))
    }

    func append(_ record: Record, _ visual: VisualEncoding) throws {
      var entries = [SafetensorsEntry(features, visual.vision.features)]
      if let mgvq = visual.mgvq { entries.append(SafetensorsEntry(quantized, mgvq.quantized)) }
      if let projected = visual.cls { entries.append(SafetensorsEntry(cls, projected)) }
      try SafetensorsWriter.write(
        entries, metadata: metadata(before.run), to: encodingPath(before.directory, record.key))
      try lines.append(record)
    }
  }
}

extension HTCVLMModel {
  /// Shapes of what `reprojected` reads: the features `[P, Dv · selected layers]`, with a quantizer its vectors `[C, h, w]`,
  /// and the projected CLS `[1, D]` where it is kept.
  fileprivate var encodingShapes: (features: [Int], quantized: [Int]?, cls: [Int]?) {
    let vision = configuration.vision
    return (
      [vision.patches, vision.hiddenSize * configuration.visionDepths.count],
      configuration.mgvq.map { [$0.latentChannels, $0.latentSize, $0.latentSize] },
      configuration.keepsCLS ? [1, configuration.hiddenSize] : nil
    )
  }
}

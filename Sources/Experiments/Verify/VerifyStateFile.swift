import Evidence
import Files
import Foundation
import JSON

/// A state on disk: a line of JSON with the plan, then one for each record, appended as it is measured.
package enum VerifyStateFile {
  private struct Head: Codable {
    var format: String
    var shard: String
    var plan: VerifyPlan
  }

  private static let lines = RecordLines(
    format: "vocoscope-verify-4", olderFormats: ["vocoscope-verify", "vocoscope-verify-2", "vocoscope-verify-3"],
    command: "vocoscope verify --out")

  /// Reads the file at `path`; a last line without its end, which a killed run leaves, is passed over.
  ///
  /// - Returns: the state, and how many bytes of the file hold it.
  /// - Throws: `ExperimentError` naming the file, the line and the field.
  static func read(_ path: String) throws -> (state: VerifyState, byteCount: Int) {
    var read: VerifyState?
    let byteCount = try lines.read(path) { (head: Head) in
      guard let shard = try? Shard(head.shard) else {
        throw EvidenceFault("shard", "“\(head.shard)”", expected: "i/n with 1 ≤ i ≤ n")
      }
      try head.plan.check()
      read = VerifyState(plan: head.plan, shard: shard)
    } record: { (record: VerifyRecord) in
      guard let plan = read?.plan else { return }
      try record.check(plan)
      try read?.add(record)
    }
    guard let read else { preconditionFailure("lines were read without their head") }
    return (read, byteCount)
  }

  /// The state at `path`, for a verdict.
  package static func load(_ path: String) throws -> VerifyState { try read(path).state }

  /// Puts the finished parts of one run together; throws a sentence that names the file at fault.
  package static func merge(_ paths: [String]) throws -> VerifyState {
    let parts = try paths.map { (path: $0, state: try read($0).state) }
    guard let (_, first) = parts.first else { throw ExperimentError("there is no file to merge") }
    var merged = VerifyState(plan: first.plan, shard: .whole)
    var seen: Set<Int> = []
    for (path, state) in parts {
      if let difference = state.plan.difference(first.plan) {
        throw ExperimentError("\(path): is of another run than \(paths[0]): \(difference)")
      }
      guard state.shard.count == first.shard.count, seen.insert(state.shard.number).inserted else {
        throw ExperimentError("\(path): holds part \(state.shard), which does not fit beside the parts before it")
      }
      guard state.isFinished else {
        throw ExperimentError("\(path): is not finished; the same command with --out \(path) goes on with it")
      }
      do { try merged.merge(state) } catch { throw ExperimentError("\(path): \(error)") }
    }
    guard first.shard.count <= paths.count, let missing = (1...first.shard.count).first(where: { !seen.contains($0) })
    else {
      guard first.shard.count > paths.count else { return merged }
      let missing = (1...paths.count + 1).first { !seen.contains($0) } ?? 1
      throw Self.missing(missing, first.shard, paths[0])
    }
    throw Self.missing(missing, first.shard, paths[0])
  }

  private static func missing(_ number: Int, _ shard: Shard, _ path: String) -> ExperimentError {
    ExperimentError("\(path): is one of \(shard.count) parts, and part \(number)/\(shard.count) is missing")
  }

  /// Appends records to a part's file.
  struct Writer {
    private let lines: RecordWriter

    /// Continues the part at `path` if there is one, else starts it there.
    static func open(_ path: String, plan: VerifyPlan, shard: Shard) throws -> (Writer, VerifyState) {
      if FileManager.default.fileExists(atPath: path) {
        let (state, byteCount) = try read(path)
        if let difference = state.plan.difference(plan) {
          throw ExperimentError("\(path): is of another run: \(difference)")
        }
        guard state.shard == shard else {
          throw ExperimentError("\(path): holds part \(state.shard) of the run, not part \(shard)")
        }
        return (Writer(lines: try RecordWriter(path, continuingAt: byteCount)), state)
      }
      let head = Head(format: VerifyStateFile.lines.format, shard: "\(shard)", plan: plan)
      return (Writer(lines: try RecordWriter(path, head: head)), VerifyState(plan: plan, shard: shard))
    }

    func append(_ record: VerifyRecord) throws { try lines.append(record) }
  }
}

/// A file of JSON lines: a head that says what it is, then records, appended as they are made.
struct RecordLines {
  let format: String
  var olderFormats: [String] = []
  /// That writes such files.
  let command: String

  private static let largestFile = 1 << 30

  /// Reads the file at `path`; a last line without its end, which a killed run leaves, is passed over.
  ///
  /// - Returns: how many bytes of the file hold whole lines.
  /// - Throws: `ExperimentError` naming the file and the line, with what `head` and `record` throw of them.
  func read<Head: Decodable, Record: Decodable>(
    _ path: String, head: (Head) throws -> Void, record: (Record) throws -> Void
  ) throws -> Int {
    let bytes = try FileContents.read(path: path, limit: Self.largestFile)
    let newline = UInt8(ascii: "\n")
    for (number, line) in bytes.split(separator: newline).enumerated() {
      do { try JSONValue.checkDensity(line) } catch {
        throw ExperimentError("\(path), line \(number + 1): \(error.problem)")
      }
    }
    let whole = bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
    let lines = bytes[..<whole].split(separator: newline)
    let name = (lines.first ?? bytes.split(separator: newline).first).flatMap { Self.formatName(Data($0)) }
    guard !olderFormats.contains(name ?? "") else {
      throw ExperimentError("\(path), line 1: format is that of an earlier version, expected \(format): measure again")
    }
    guard let first = lines.first, name == format else {
      throw ExperimentError("\(path): is not a file that '\(command)' wrote")
    }
    try Self.take(first, head) { ExperimentError("\(path), line 1: \($0)") }
    for (number, line) in lines.enumerated().dropFirst() {
      try Self.take(line, record) { ExperimentError("\(path), line \(number + 1): \($0)") }
    }
    return whole
  }

  private static func take<Value: Decodable>(
    _ line: ArraySlice<UInt8>, _ body: (Value) throws -> Void, fault: (String) -> ExperimentError
  ) throws {
    let value: Value
    do { value = try JSONDecoder().decode(Value.self, from: Data(line)) } catch { throw fault(words(error)) }
    do { try body(value) } catch { throw fault("\(error)") }
  }

  private static func formatName(_ line: Data) -> String? {
    struct Named: Codable { var format: String }
    return (try? JSONDecoder().decode(Named.self, from: line))?.format
  }

  /// A decoder's complaint: the field's path and what is wrong with it.
  private static func words(_ error: any Error) -> String {
    func path(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.filter { !$0.stringValue.hasPrefix("_") }.map { key in
        key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
      }.joined()
      return keys.isEmpty ? "the line" : keys.hasPrefix(".") ? String(keys.dropFirst()) : keys
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context): "\(path(context)) has no \(key.stringValue)"
    case DecodingError.typeMismatch(let type, let context): "\(path(context)) is not \(type)"
    case DecodingError.valueNotFound(let type, let context): "\(path(context)) is null, expected \(type)"
    case DecodingError.dataCorrupted(let context): "\(path(context)) is damaged: \(context.debugDescription)"
    default: "cannot be read"
    }
  }
}

/// Appends records to a file of JSON lines, each in one write of one line.
final class RecordWriter {
  private let handle: FileHandle
  private let path: String

  /// Starts a file with its head.
  init(_ path: String, head: some Encodable) throws {
    try FileContents.write([UInt8](try Self.line(head)), to: path)
    (self.path, handle) = (path, try Self.open(path))
    try handle.seekToEnd()
  }

  /// Goes on with a file of which the first `byteCount` bytes hold whole lines.
  init(_ path: String, continuingAt byteCount: Int) throws {
    InputFiles.forget(path)
    (self.path, handle) = (path, try Self.open(path))
    try handle.truncate(atOffset: UInt64(byteCount))
    try handle.seekToEnd()
  }

  private static func open(_ path: String) throws -> FileHandle {
    guard let handle = FileHandle(forUpdatingAtPath: path) else {
      throw ExperimentError("\(path): cannot be written")
    }
    return handle
  }

  func append(_ record: some Encodable) throws {
    do {
      try handle.write(contentsOf: try Self.line(record))
    } catch {
      throw ExperimentError("\(path): cannot be written: \(error.localizedDescription)")
    }
  }

  private static func line(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes = try encoder.encode(value)
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }
}

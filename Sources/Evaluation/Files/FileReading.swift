import Files
package import Foundation
package import JSON

/// Reads a whole file, mapped where the system can.
package func readFile(_ path: String) throws(EvaluationError) -> Data {
  let data: Data
  do {
    InputFiles.note(path: path)
    data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
  } catch {
    throw .unreadable(file: path, reason: (error as NSError).localizedDescription)
  }
  do {
    try GitLFSPointer.refuse(data, path: path)
  } catch {
    throw .unreadable(file: path, reason: "\(error.reason)")
  }
  return data
}

/// How many bytes of `bytes` a byte order mark takes; throws for UTF-16.
func markLength(_ bytes: some Collection<UInt8>, file: String) throws(EvaluationError) -> Int {
  do {
    return try ByteOrderMark.length(in: bytes, path: file)
  } catch {
    throw .unreadable(file: file, reason: "\(error.reason)")
  }
}

/// The text of a file without its byte order mark.
func readText(_ path: String) throws(EvaluationError) -> String {
  let data = try readFile(path)
  return String(decoding: data.dropFirst(try markLength(data, file: path)), as: UTF8.self)
}

/// The paths in a directory, in the order of their names' bytes, without what systems leave there.
func filesInDirectory(_ path: String) throws(EvaluationError) -> [String] {
  do {
    return try Directory.ownNames(path).map { "\(path)/\($0)" }
  } catch {
    throw .unreadable(file: path, reason: "\(error.reason)")
  }
}

/// Runs `body` on the bytes of `data`, keeping the error's type.
package func withBytes<Result>(
  of data: Data, _ body: (UnsafeBufferPointer<UInt8>) throws(EvaluationError) -> Result
) throws(EvaluationError) -> Result {
  let outcome = data.withUnsafeBytes { raw in
    Swift.Result { () throws(EvaluationError) -> Result in try body(raw.assumingMemoryBound(to: UInt8.self)) }
  }
  return try outcome.get()
}

/// The JSON value `bytes`, which are line `line` and on of `file`.
///
/// An escaped half of a surrogate pair becomes U+FFFD, as one in a caption should not keep a benchmark from being read.
package func parseJSON(
  _ bytes: UnsafeBufferPointer<UInt8>, file: String, line: Int = 1
) throws(EvaluationError) -> JSONValue {
  do {
    return try JSONValue(parsing: bytes, line: line, loneSurrogates: .replaced)
  } catch {
    throw .malformed(file: file, line: error.line, reason: "not JSON: \(error.problem)")
  }
}

/// The one JSON value of a file.
func readJSON(_ path: String) throws(EvaluationError) -> JSONValue {
  try withBytes(of: try readFile(path)) { bytes throws(EvaluationError) in
    try parseJSON(bytes, file: path)
  }
}

/// The one JSON object of a file.
func readJSONObject(_ path: String) throws(EvaluationError) -> RecordReader {
  try RecordReader(file: path, line: 1, value: try readJSON(path))
}

/// The objects of a JSONL file, one per line; blank lines are skipped.
func readJSONLines(_ path: String) throws(EvaluationError) -> [RecordReader] {
  try withBytes(of: try readFile(path)) { bytes throws(EvaluationError) in
    var records: [RecordReader] = []
    var start = try markLength(bytes, file: path)
    var line = 1
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let text = UnsafeBufferPointer(rebasing: bytes[start..<end])
      if !text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
        let value = try parseJSON(text, file: path, line: line)
        records.append(try RecordReader(file: path, line: line, value: value))
      }
      start = end + 1
      line += 1
    }
    return records
  }
}

/// A picture that lies as base64 in a question file; only its place is kept, as such files reach 100 MB.
package struct EmbeddedImage: Sendable, Hashable {
  package let file: String
  package let byteOffset: Int
  package let byteCount: Int

  /// The picture's bytes (JPEG or PNG).
  ///
  /// - Throws: `EvaluationError.unreadable` if the file has changed or the text is not base64.
  package func data() throws(EvaluationError) -> Data {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
      defer { try? handle.close() }
      try handle.seek(toOffset: UInt64(byteOffset))
      let text = try handle.read(upToCount: byteCount) ?? Data()
      guard text.count == byteCount, let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters),
        !data.isEmpty
      else {
        throw EvaluationError.unreadable(
          file: file, reason: "the \(byteCount) bytes at \(byteOffset) are not a base64 picture")
      }
      return data
    } catch let error as EvaluationError {
      throw error
    } catch {
      throw .unreadable(file: file, reason: error.localizedDescription)
    }
  }
}

/// Walks the rows of a tab-separated file as pandas reads it: behind a byte order mark, and a cell that begins with a quotation mark ends at the
/// next single one, and may hold tabs, line breaks and doubled marks.
struct TSV {
  /// Where a cell's text lies, without its quotation marks.
  struct Cell {
    let range: Range<Int>
    let isQuoted: Bool
  }

  struct Row {
    /// Line where the row starts, counted from 1.
    let line: Int
    let cells: [Cell]
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  private var offset = 0
  private var line = 1

  init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) throws(EvaluationError) {
    self.bytes = bytes
    self.file = file
    offset = try markLength(bytes, file: file)
  }

  /// The next row that is not blank; nil at the end.
  mutating func next() throws(EvaluationError) -> Row? {
    while offset < bytes.count, bytes[offset] == 0x0A || bytes[offset] == 0x0D {
      if bytes[offset] == 0x0A { line += 1 }
      offset += 1
    }
    guard offset < bytes.count else { return nil }
    let start = line
    var cells: [Cell] = []
    while true {
      cells.append(try cell())
      guard offset < bytes.count else { return Row(line: start, cells: cells) }
      let separator = bytes[offset]
      offset += 1
      if separator == 0x0A {
        line += 1
        return Row(line: start, cells: cells)
      }
    }
  }

  /// The text of a cell; bytes that are not UTF-8 become U+FFFD.
  func text(_ cell: Cell) -> String {
    let text = String(decoding: bytes[cell.range], as: UTF8.self)
    return cell.isQuoted ? text.replacingOccurrences(of: "\"\"", with: "\"") : text
  }

  /// Reads up to the tab or line break that ends the cell.
  private mutating func cell() throws(EvaluationError) -> Cell {
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") { return try quotedCell() }
    let start = offset
    while offset < bytes.count, bytes[offset] != 0x09, bytes[offset] != 0x0A { offset += 1 }
    let isWindowsEnd = offset > start && bytes[offset - 1] == 0x0D && (offset == bytes.count || bytes[offset] == 0x0A)
    return Cell(range: start..<(isWindowsEnd ? offset - 1 : offset), isQuoted: false)
  }

  private mutating func quotedCell() throws(EvaluationError) -> Cell {
    let opened = line
    offset += 1
    let start = offset
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if byte == 0x0A { line += 1 }
      guard byte == UInt8(ascii: "\"") else { continue }
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
        offset += 1
        continue
      }
      let end = offset - 1
      if offset < bytes.count, bytes[offset] == 0x0D { offset += 1 }
      guard offset == bytes.count || bytes[offset] == 0x09 || bytes[offset] == 0x0A else {
        throw .malformed(file: file, line: line, reason: "text follows a closing quotation mark")
      }
      return Cell(range: start..<end, isQuoted: true)
    }
    throw .malformed(file: file, line: opened, reason: "a quotation mark is not closed")
  }
}

import Foundation

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

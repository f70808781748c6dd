package import Evaluation
import Foundation
import JSON

/// A results file as it was read: a header line, then a line for each answer, in the order they came.
package struct ResultsFile: Sendable, Equatable {
  package let file: String
  package let header: ResultsHeader
  package let records: [ResultRecord]
  /// Bytes up to the end of the last whole line; what follows is a line that an interruption has torn.
  let wholeByteCount: Int

  /// Reads a results file; a torn last line is left out.
  ///
  /// - Throws: `EvaluationError` if another line is damaged, two lines answer one question, or there is no header.
  package static func read(_ path: String) throws(EvaluationError) -> ResultsFile {
    guard let results = try parse(try readFile(path), file: path) else {
      throw .malformed(file: path, line: 1, reason: "it ends before its header does")
    }
    return results
  }

  /// The text of each answered question.
  package var answers: [Int: String] {
    Dictionary(uniqueKeysWithValues: records.map { ($0.index, $0.answer.text) })
  }

  /// Parses a results file's bytes; nil where not even the header was written whole.
  static func parse(_ data: Data, file: String) throws(EvaluationError) -> ResultsFile? {
    try withBytes(of: data) { bytes throws(EvaluationError) in
      guard let end = bytes.firstIndex(of: 0x0A) else {
        try checkIsHeader(bytes, file: file)
        return nil
      }
      let header = try ResultsHeader(try record(bytes[..<end], file: file, line: 1))
      let (records, wholeByteCount) = try records(bytes, from: end + 1, header: header, file: file)
      return ResultsFile(file: file, header: header, records: records, wholeByteCount: wholeByteCount)
    }
  }

  /// Throws unless `bytes` can be the beginning of a header, so that no other file is taken for an interrupted one.
  private static func checkIsHeader(_ bytes: UnsafeBufferPointer<UInt8>, file: String) throws(EvaluationError) {
    let opening = Array("{\"\(ResultsHeader.versionKey)\":".utf8)
    guard bytes.starts(with: opening) || opening.starts(with: bytes) else {
      throw .malformed(file: file, line: 1, reason: "this is not a results file")
    }
  }

  private static func record(_ text: Slice<UnsafeBufferPointer<UInt8>>, file: String, line: Int)
    throws(EvaluationError) -> RecordReader
  {
    let json = try parseJSON(UnsafeBufferPointer(rebasing: text), file: file, line: line)
    return try RecordReader(file: file, line: line, value: json)
  }

  private static func records(
    _ bytes: UnsafeBufferPointer<UInt8>, from first: Int, header: ResultsHeader, file: String
  ) throws(EvaluationError) -> ([ResultRecord], wholeByteCount: Int) {
    let range = header.shard.range(of: header.questionCount)
    var records: [ResultRecord] = []
    var seen: Set<Int> = []
    var start = first
    var line = 2
    while let end = bytes[start...].firstIndex(of: 0x0A) {
      let reader: RecordReader
      do {
        reader = try record(bytes[start..<end], file: file, line: line)
      } catch {
        // A power cut can leave a last line of the right length with the wrong bytes.
        if end + 1 == bytes.count { break }
        throw error
      }
      let record = try ResultRecord(reader, allowed: range)
      guard seen.insert(record.index).inserted else {
        throw .answeredTwice(question: record.id.description, files: [file])
      }
      records.append(record)
      start = end + 1
      line += 1
    }
    return (records, start)
  }
}

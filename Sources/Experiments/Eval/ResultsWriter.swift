package import Evaluation
import Foundation
import JSON

#if canImport(Glibc)
  import Glibc
#endif

/// Appends answers to a results file and takes up one that was interrupted.
///
/// Each answer is one write of one line; a process that dies leaves at most a torn last line, which the next drops.
/// The file is locked, so that two processes do not answer the same questions into it.
package final class ResultsWriter {
  private let handle: FileHandle
  private let file: String
  private let questionCount: Int
  /// The answers that the file already held.
  package let resumed: [ResultRecord]
  private var answered: Set<Int>

  /// Opens or creates the file.
  ///
  /// - Throws: `EvaluationError.headerMismatch` if it was made from other questions, another model or other settings;
  ///   `.resultsInUse` if another process writes it.
  package init(path: String, header: ResultsHeader) throws(EvaluationError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666)
    guard descriptor >= 0 else { throw .unwritable(file: path, reason: String(cString: strerror(errno))) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .unwritable(file: path, reason: "it is not a regular file, which a run could go on from")
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .resultsInUse(file: path) }
    file = path
    questionCount = header.questionCount
    if let found = try ResultsFile.parse(try Self.contents(of: handle, path), file: path) {
      try found.header.check(against: header, file: path)
      resumed = found.records
      answered = Set(found.records.map(\.index))
      try truncate(to: found.wholeByteCount)
    } else {
      resumed = []
      answered = []
      try truncate(to: 0)
      try write(header.json)
    }
  }

  /// Whether the question of this index needs no answer any more.
  package func has(_ index: Int) -> Bool { answered.contains(index) }

  /// Appends one answer; the question must not have one.
  package func append(_ record: ResultRecord) throws(EvaluationError) {
    precondition((0..<questionCount).contains(record.index), "the question is one of the set")
    precondition(answered.insert(record.index).inserted, "a question is answered once")
    try write(record.json)
  }

  private static func contents(of handle: FileHandle, _ path: String) throws(EvaluationError) -> Data {
    do {
      return try handle.readToEnd() ?? Data()
    } catch {
      throw .unreadable(file: path, reason: error.localizedDescription)
    }
  }

  private func truncate(to byteCount: Int) throws(EvaluationError) {
    guard ftruncate(handle.fileDescriptor, off_t(byteCount)) == 0 else {
      throw .unwritable(file: file, reason: String(cString: strerror(errno)))
    }
  }

  private func write(_ json: JSONValue) throws(EvaluationError) {
    do {
      try handle.write(contentsOf: Data((json.line + "\n").utf8))
    } catch {
      throw .unwritable(file: file, reason: error.localizedDescription)
    }
  }
}

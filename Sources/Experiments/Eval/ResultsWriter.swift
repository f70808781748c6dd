package import Evaluation
import Files
import Foundation
import JSON

/// How far an evaluation is.
package struct EvaluationProgress: Sendable, Equatable {
  /// Questions answered, the resumed ones included.
  package let done: Int
  package let total: Int
  /// Questions whose answers the results file already held.
  package let resumed: Int

  package init(done: Int, total: Int, resumed: Int) {
    self.done = done
    self.total = total
    self.resumed = resumed
  }
}

extension QuestionSet {
  /// Asks the questions of a shard that a results file does not yet answer, one by one, and appends each answer.
  ///
  /// - Parameters:
  ///   - path: the results file; created, or taken up where it ends. nil keeps the answers in memory only.
  ///   - header: provenance; its shard says which questions are asked.
  ///   - progress: called before the first answer and after each.
  ///   - picture: SHA-256 of a question's picture as it is now, asked for the questions that are answered already; nil where
  ///     it is not known.
  ///   - answer: asks the model. An error from it ends the run; what was answered before stays in the file.
  /// - Returns: all answers of the shard, in the order of the questions.
  /// - Throws: `EvaluationError` for the file, and what `answer` throws.
  package func evaluate(
    into path: String?, header: ResultsHeader, progress: (EvaluationProgress) -> Void = { _ in },
    picture: (Question) throws -> String? = { _ in nil }, answer: (Question) throws -> ModelAnswer
  ) throws -> [ResultRecord] {
    precondition(header.questionCount == questions.count, "the header describes these questions")
    let writer = try path.map { try ResultsWriter(path: $0, header: header) }
    let resumed = writer?.resumed ?? []
    if let path {
      try check(resumed, file: path)
      try check(resumed, file: path, picture: picture)
    }
    let selected = questions[header.shard.range(of: questions.count)]
    var records = resumed
    func report() {
      progress(EvaluationProgress(done: records.count, total: selected.count, resumed: resumed.count))
    }
    report()
    for question in selected where writer?.has(question.index) != true {
      let record = ResultRecord(index: question.index, id: question.id, answer: try answer(question))
      try writer?.append(record)
      records.append(record)
      report()
    }
    return records.sorted { $0.index < $1.index }
  }

  /// Throws unless `records` of `file` answer these questions, by their IDs.
  private func check(_ records: [ResultRecord], file: String) throws(EvaluationError) {
    for record in records where questions[record.index].id != record.id {
      throw EvaluationError.headerMismatch(
        file: file, field: "question \(record.index + 1) called", found: "\"\(record.id)\"",
        expected: "\"\(questions[record.index].id)\"")
    }
  }

  /// Throws where a picture is another than the one that was answered about: two runs would pass for one.
  private func check(_ records: [ResultRecord], file: String, picture: (Question) throws -> String?) throws {
    for record in records {
      guard let found = record.answer.imageSHA256, let now = try picture(questions[record.index]), found != now else {
        continue
      }
      throw EvaluationError.headerMismatch(
        file: file, field: "a picture of question \(record.id) whose SHA-256 is", found: "\"\(found)\"",
        expected: "\"\(now)\", which its picture \(questions[record.index].image.key) has now")
    }
  }

  /// Reads answers to these questions that an earlier run left, whatever model gave them and how.
  ///
  /// - Parameter sha256: of `identity`, as the header has it.
  /// - Throws: `EvaluationError.headerMismatch` if the file answers other questions.
  package func results(_ path: String, sha256: String) throws(EvaluationError) -> ResultsFile {
    let results = try ResultsFile.read(path)
    var expected = results.header
    expected.benchmark = benchmark
    expected.questionsSHA256 = sha256
    expected.questionCount = questions.count
    try results.header.check(against: expected, file: path)
    try check(results.records, file: path)
    return results
  }
}

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

extension ResultsFile {
  /// Merges the parts of one evaluation into a file of all answers, in the order of the questions.
  ///
  /// - Parameters:
  ///   - questions: where given, names the questions that are missing by their IDs.
  /// - Throws: `EvaluationError.headerMismatch` if the parts are of different evaluations, `.answeredTwice` or
  ///   `.unanswered` naming questions if they overlap or leave gaps.
  package static func merge(_ paths: [String], to path: String, questions: QuestionSet? = nil) throws(EvaluationError)
    -> ResultsFile
  {
    precondition(!paths.isEmpty, "there is something to merge")
    let parts = try paths.map { path throws(EvaluationError) in try read(path) }
    var header = parts[0].header
    header.shard = .whole
    var sources: [Int: String] = [:]
    for part in parts {
      try part.header.check(against: header, file: part.file, ignoringShard: true)
      for record in part.records {
        if let first = sources.updateValue(part.file, forKey: record.index) {
          throw .answeredTwice(question: record.id.description, files: [first, part.file])
        }
      }
    }
    try checkComplete(sources, of: header.questionCount, questions: questions)
    let records = parts.flatMap(\.records).sorted { $0.index < $1.index }
    let text = ([header.json] + records.map(\.json)).map { $0.line + "\n" }.joined()
    do {
      try FileContents.write(Array(text.utf8), to: path)
    } catch {
      throw .unwritable(file: path, reason: "\(error.reason)")
    }
    return ResultsFile(file: path, header: header, records: records, wholeByteCount: text.utf8.count)
  }

  /// How many missing questions an error names.
  private static let named = 10

  private static func checkComplete(
    _ answered: [Int: String], of count: Int, questions: QuestionSet?
  ) throws(EvaluationError) {
    guard answered.count < count else { return }
    var names: [String] = []
    // The count is the file's word, which may be any: no more is looked at than is named.
    for index in 0..<count where answered[index] == nil {
      if let questions, questions.questions.indices.contains(index) {
        names.append(questions.questions[index].id.description)
      } else {
        names.append("number \(index + 1)")
      }
      if names.count == named { break }
    }
    throw .unanswered(count: count - answered.count, of: count, questions: names)
  }
}

import Foundation
import TestSupport
import Testing

@testable import Evaluation
@testable import Experiments

private struct ModelFailure: Error {}

private func header(_ count: Int = 3, shard: Shard = .whole, model: String = "m1") -> ResultsHeader {
  ResultsHeader(
    benchmark: .llava, questions: "llava.jsonl", questionsSHA256: "q1", questionCount: count, model: "demo",
    modelSHA256: model, promptTemplate: "USER: {prompt}\nASSISTANT:", settings: "16 tokens", shard: shard)
}

private func contents(_ path: String) throws -> String {
  String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
}

private func answer(_ question: Question) -> ModelAnswer {
  ModelAnswer(text: "answer \"\(question.id)\"\n", tokens: question.index)
}

@Suite("Results files")
struct ResultsTests {
  private let set: QuestionSet

  init() throws {
    set = try QuestionSet(.llava, path: fixture("llava.jsonl"))
  }

  @Test("A run answers every question once, reports each, and its file reads back")
  func run() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      var progress: [EvaluationProgress] = []
      let records = try set.evaluate(into: path, header: header(), progress: { progress.append($0) }, answer: answer)
      #expect(records.map(\.id) == [.integer(1), .string("2-b"), .integer(3)])
      #expect(progress == (0...3).map { EvaluationProgress(done: $0, total: 3, resumed: 0) })
      let file = try ResultsFile.read(path)
      #expect(file.header == header())
      #expect(file.records == records)
      #expect(file.answers == [0: "answer \"1\"\n", 1: "answer \"2-b\"\n", 2: "answer \"3\"\n"])
    }
  }

  @Test("Without a file, answers are returned and nothing is written")
  func inMemory() throws {
    let records = try set.evaluate(into: nil, header: header(shard: try Shard("2/2")), answer: answer)
    #expect(records.map(\.index) == [1, 2])
  }

  @Test("A picture's hash is kept, and answers to other questions are refused")
  func results() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      _ = try set.evaluate(into: path, header: header(model: "any")) { question in
        ModelAnswer(text: "x", imageSHA256: question.index == 0 ? "abc" : nil)
      }
      let results = try set.results(path, sha256: "q1")
      #expect(results.records.map(\.answer.imageSHA256) == ["abc", nil, nil])
      let error = #expect(throws: EvaluationError.self) { try set.results(path, sha256: "q2") }
      #expect(error?.description == "\(path): was made with questions whose SHA-256 is \"q1\", expected \"q2\"")
      let text = try contents(path).replacing("\"2-b\"", with: "\"other\"")
      let other = try directory.write(text, as: "other.jsonl")
      #expect(throws: EvaluationError.self) { try set.results(other, sha256: "q1") }
    }
  }

  @Test("The questions' identity depends on what is asked, not on where the file lies")
  func identity() throws {
    try withTemporaryDirectory { directory in
      let original = try contents(fixture("llava.jsonl"))
      let moved = try QuestionSet(.llava, path: try directory.write(original, as: "moved.jsonl"))
      #expect(moved.identity == set.identity && set.identity.split(separator: "\n").count == 3)
      let edited = original.replacing("teapot", with: "kettle")
      #expect(try QuestionSet(.llava, path: directory.write(edited, as: "e.jsonl")).identity != set.identity)
      let table = try contents(fixture("mmbench.tsv"))
      let copy = try QuestionSet(.mmbench, path: try directory.write(table, as: "m.tsv"))
      #expect(try copy.identity == QuestionSet(.mmbench, path: fixture("mmbench.tsv")).identity)
    }
  }

  @Test("A run that fails keeps its answers, and the next asks only the rest")
  func resume() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      #expect(throws: ModelFailure.self) {
        try set.evaluate(into: path, header: header()) { question in
          if question.index == 1 { throw ModelFailure() }
          return answer(question)
        }
      }
      var asked: [Int] = []
      var first: EvaluationProgress?
      let records = try set.evaluate(into: path, header: header(), progress: { first = first ?? $0 }) { question in
        asked.append(question.index)
        return answer(question)
      }
      #expect(asked == [1, 2])
      #expect(first == EvaluationProgress(done: 1, total: 3, resumed: 1))
      #expect(records.count == 3)
    }
  }

  @Test("A file torn at any byte is taken up and ends up the same")
  func tornAnywhere() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      _ = try set.evaluate(into: path, header: header(), answer: answer)
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for length in 0..<whole.count {
        try whole.prefix(length).write(to: URL(fileURLWithPath: path))
        _ = try set.evaluate(into: path, header: header(), answer: answer)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole, "torn at \(length)")
      }
    }
  }

  @Test("A last line of the wrong bytes is answered again, another damaged line is an error")
  func damagedLines() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      _ = try set.evaluate(into: path, header: header(), answer: answer)
      let whole = try contents(path)
      var lines = whole.split(separator: "\n").map(String.init)
      let last = lines[3]
      lines[3] = String(repeating: "\0", count: last.count)
      _ = try directory.write(lines.joined(separator: "\n") + "\n", as: "r.jsonl")
      _ = try set.evaluate(into: path, header: header(), answer: answer)
      #expect(try contents(path) == whole)
      lines[3] = last
      lines[2] = "{}x"
      _ = try directory.write(lines.joined(separator: "\n") + "\n", as: "r.jsonl")
      #expect {
        try set.evaluate(into: path, header: header(), answer: answer)
      } throws: { error in
        guard case .malformed(path, 3, _)? = error as? EvaluationError else { return false }
        return true
      }
      lines[2] = lines[1]
      _ = try directory.write(lines.joined(separator: "\n") + "\n", as: "r.jsonl")
      #expect(throws: EvaluationError.answeredTwice(question: "1", files: [path])) { try ResultsFile.read(path) }
    }
  }

  @Test("A file of another model, shard or setting is refused and left alone")
  func mismatch() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      _ = try set.evaluate(into: path, header: header(), answer: answer)
      let before = try contents(path)
      let expected = EvaluationError.headerMismatch(
        file: path, field: "a model whose SHA-256 is", found: "\"m1\"", expected: "\"m2\"")
      #expect(throws: expected) { try set.evaluate(into: path, header: header(model: "m2"), answer: answer) }
      #expect(throws: EvaluationError.self) {
        try set.evaluate(into: path, header: header(shard: Shard("1/2")), answer: answer)
      }
      #expect(try contents(path) == before)
    }
  }

  @Test("A file that is not a results file is refused and left alone", arguments: ["notes", "{\"a\": 1}\n", "x\ny\n"])
  func otherFile(text: String) throws {
    try withTemporaryDirectory { directory in
      let path = try directory.write(text, as: "notes.txt")
      #expect(throws: EvaluationError.self) { try set.evaluate(into: path, header: header(), answer: answer) }
      #expect(try contents(path) == text)
    }
  }

  @Test("A results file is written by one process at a time")
  func lock() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      let writer = try ResultsWriter(path: path, header: header())
      #expect(throws: EvaluationError.resultsInUse(file: path)) { try ResultsWriter(path: path, header: header()) }
      #expect(writer.resumed.isEmpty)
    }
  }
}

@Suite("Shards")
struct ShardTests {
  @Test(
    "Shards cover every question once and differ by one at most", arguments: [1, 2, 3, 7, 64], [0, 1, 5, 64, 1001])
  func cover(count: Int, total: Int) throws {
    let ranges = try (1...count).map { try Shard("\($0)/\(count)").range(of: total) }
    #expect(ranges.flatMap { Array($0) } == Array(0..<total))
    let sizes = ranges.map(\.count)
    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
  }

  @Test("What is not i/n is refused", arguments: ["", "0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2", "1/"])
  func refused(text: String) {
    #expect(throws: EvaluationError.notAShard(text: text)) { try Shard(text) }
  }

  @Test("A huge count does not overflow")
  func huge() throws {
    #expect(try Shard("\(Int.max)/\(Int.max)").range(of: 10) == 9..<10)
  }

  @Test("Merged shards are the file of an unsharded run")
  func merge() throws {
    let set = try QuestionSet(.llava, path: fixture("llava.jsonl"))
    try withTemporaryDirectory { directory in
      let paths = try (1...2).map { number in
        let path = "\(directory.root)/\(number).jsonl"
        _ = try set.evaluate(into: path, header: header(shard: Shard("\(number)/2")), answer: answer)
        return path
      }
      let merged = try ResultsFile.merge(paths.reversed(), to: "\(directory.root)/all.jsonl", questions: set)
      _ = try set.evaluate(into: "\(directory.root)/whole.jsonl", header: header(), answer: answer)
      #expect(merged.records.map(\.index) == [0, 1, 2])
      #expect(try contents("\(directory.root)/all.jsonl") == contents("\(directory.root)/whole.jsonl"))
      #expect(throws: EvaluationError.unanswered(count: 2, of: 3, questions: ["2-b", "3"])) {
        try ResultsFile.merge([paths[0]], to: "\(directory.root)/gap.jsonl", questions: set)
      }
      #expect(throws: EvaluationError.unanswered(count: 1, of: 3, questions: ["number 1"])) {
        try ResultsFile.merge([paths[1]], to: "\(directory.root)/gap.jsonl")
      }
      #expect(throws: EvaluationError.answeredTwice(question: "1", files: ["\(directory.root)/whole.jsonl", paths[0]]))
      {
        try ResultsFile.merge(["\(directory.root)/whole.jsonl", paths[0]], to: "\(directory.root)/gap.jsonl")
      }
      let other = "\(directory.root)/other.jsonl"
      _ = try set.evaluate(into: other, header: header(shard: Shard("2/2"), model: "m2"), answer: answer)
      #expect(throws: EvaluationError.self) {
        try ResultsFile.merge([paths[0], other], to: "\(directory.root)/gap.jsonl")
      }
      #expect(!FileManager.default.fileExists(atPath: "\(directory.root)/gap.jsonl"))
    }
  }

  @Test("A part that claims any number of questions is refused at once, whatever the number")
  func anyCount() throws {
    let set = try QuestionSet(.llava, path: fixture("llava.jsonl"))
    try withTemporaryDirectory { directory in
      let path = "\(directory.root)/r.jsonl"
      _ = try set.evaluate(into: path, header: header(), answer: answer)
      let text = try contents(path).replacing("\"question_count\":3", with: "\"question_count\":\(Int.max)")
      let lying = try directory.write(text, as: "lying.jsonl")
      let error = #expect(throws: EvaluationError.self) {
        try ResultsFile.merge([lying], to: "\(directory.root)/all.jsonl")
      }
      #expect(error?.description.hasPrefix("\(Int.max - 3) of \(Int.max) questions have no answer: number 4") == true)
    }
  }
}

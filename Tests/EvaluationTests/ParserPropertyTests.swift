import Foundation
import Statistics
import Testing

@testable import Evaluation

/// A benchmark's file and what else reading it needs.
struct FormatCase: Sendable, CustomStringConvertible {
  let benchmark: Benchmark
  let file: String
  var annotations: String?

  var description: String { "\(benchmark) \(file)" }
}

private let formats = [
  FormatCase(benchmark: .llava, file: "llava.jsonl"),
  FormatCase(benchmark: .pope, file: "pope/coco_pope_random.json"),
  FormatCase(benchmark: .mme, file: "llava_mme.jsonl", annotations: "mme"),
  FormatCase(benchmark: .gqa, file: "gqa/testdev_balanced_questions.json"),
  FormatCase(benchmark: .vqav2, file: "vqav2/questions.json", annotations: "vqav2/annotations.json"),
  FormatCase(benchmark: .mmbench, file: "mmbench.tsv"),
  FormatCase(benchmark: .seedbench, file: "seedbench/SEED-Bench.json"),
  FormatCase(benchmark: .scienceqa, file: "scienceqa/llava_test_CQM-A.json"),
]

@Suite("Damaged files")
struct ParserPropertyTests {
  /// Whether `bytes` are read as the case's questions rather than refused.
  private func read(_ bytes: [UInt8], as format: FormatCase, in directory: String) throws -> Bool {
    let path = "\(directory)/\(URL(fileURLWithPath: format.file).lastPathComponent)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let options = QuestionSet.Options(annotations: format.annotations.map { fixture($0) })
    let set: QuestionSet
    do {
      set = try QuestionSet(format.benchmark, path: path, options: options)
    } catch {
      #expect(!error.description.isEmpty)
      return false
    }
    #expect(set.questions.indices.allSatisfy { set.questions[$0].index == $0 })
    let answers = set.questions.map { ($0.index, $0.answers.first ?? "") }
    let card = set.score(Dictionary(uniqueKeysWithValues: answers))
    #expect(card.items.allSatisfy { (0...1).contains($0.score) })
    return true
  }

  @Test("A file cut off anywhere gives questions or a clear error", arguments: formats)
  func truncation(format: FormatCase) throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(format.file))))
    try withTemporaryDirectory { directory in
      #expect(try read(whole, as: format, in: directory))
      #expect(try !read([], as: format, in: directory))
      var refused = 0
      for length in stride(from: 1, to: whole.count, by: max(1, whole.count / 120)) {
        if try !read(Array(whole[..<length]), as: format, in: directory) { refused += 1 }
      }
      #expect(refused > 10)
    }
  }

  @Test("A file with flipped bits gives questions or a clear error", arguments: formats)
  func bitFlips(format: FormatCase) throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(format.file))))
    var generator = SplitMix64(seed: 1)
    try withTemporaryDirectory { directory in
      var outcomes = [false: 0, true: 0]
      for _ in 0..<150 {
        var bytes = whole
        for _ in 0...Int(generator.next() % 3) {
          bytes[Int(generator.next() % UInt64(bytes.count))] ^= 1 << UInt8(generator.next() % 8)
        }
        outcomes[try read(bytes, as: format, in: directory), default: 0] += 1
      }
      #expect(outcomes.values.allSatisfy { $0 > 0 }, "\(outcomes)")
    }
  }
}

import Experiments
import Foundation
import Testing

@testable import Evaluation

private let suffix = "\nAnswer with the option's letter from the given choices directly."

@Suite("MMBench, SEED-Bench and ScienceQA")
struct ChoiceBenchmarkTests {
  @Test("MMBench rows become rotations whose right letter moves")
  func rotations() throws {
    let set = try QuestionSet(.mmbench, path: fixture("mmbench.tsv"))
    #expect(set.questions.count == 2 + 3 + 4)
    let second = set.questions[2...4]
    #expect(second.map(\.answers) == [["B"], ["A"], ["C"]])
    #expect(second.map(\.id) == [.integer(9), .integer(1_000_009), .integer(2_000_009)])
    #expect(
      second.map(\.choices) == [["bread", "soup", "rice"], ["soup", "rice", "bread"], ["rice", "bread", "soup"]])
    #expect(
      set.questions[3].text
        == "Look at the \"plate\".\nIt is white.\nWhat is on the plate?\nA. soup\nB. rice\nC. bread" + suffix)
    #expect(set.questions.allSatisfy { $0.choices[["A", "B", "C", "D"].firstIndex(of: $0.answers[0])!] != "None" })
    let vanilla = try QuestionSet(.mmbench, path: fixture("mmbench.tsv"), options: .init(circular: false))
    #expect(vanilla.questions.map(\.id) == [.integer(5), .integer(9), .integer(12)])
  }

  @Test("An answer to a question whose reference is not public is counted, not scored")
  func withoutReference() throws {
    try withTemporaryDirectory { directory in
      let row = "1\t?\tx\ty\t\t" + String(repeating: "A", count: 80)
      let path = try write("index\tquestion\tA\tB\tanswer\timage\n\(row)\n", as: "t.tsv", in: directory)
      let set = try QuestionSet(.mmbench, path: path)
      let report = Comparison(set, answers: [("m", [0: "A", 1: "unreadable"])])
      #expect(report.models[0].scorecard.items.isEmpty)
      #expect(report.models[0].scorecard.withoutReference == 2)
      #expect(report.text.contains("m: 2 of 2 answers have no public reference and are left out."))
    }
  }

  @Test("A base64 picture is decoded, and an index stands for another row's picture")
  func pictures() throws {
    let set = try QuestionSet(.mmbench, path: fixture("mmbench.tsv"))
    guard case .embedded(let first) = set.questions[0].image, case .embedded(let last) = set.questions[8].image else {
      Issue.record("the pictures are in the file")
      return
    }
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47]
    #expect(try Array(first.data().prefix(4)) == signature)
    #expect(set.questions[8].image == set.questions[2].image)
    #expect(try last.data() != first.data())
    let beyond = EmbeddedImage(file: first.file, byteOffset: 400, byteCount: 4000)
    #expect(throws: EvaluationError.self) { try beyond.data() }
  }

  @Test("A released file that holds its rotations is taken as it is")
  func releasedRotations() throws {
    let set = try QuestionSet(.mmbench, path: fixture("mmbench_rotated.tsv"))
    #expect(set.questions.map(\.answers) == [["A"], ["B"]])
    #expect(set.questions[0].group == set.questions[1].group)
    let vanilla = try QuestionSet(.mmbench, path: fixture("mmbench_rotated.tsv"), options: .init(circular: false))
    #expect(vanilla.questions.count == 1)
  }

  @Test("A point takes every rotation; a group with an answer missing does not count")
  func circular() throws {
    let set = try QuestionSet(.mmbench, path: fixture("mmbench.tsv"))
    // First group right twice, second wrong in its last rotation, third lacks one answer.
    let card = set.score([0: "A", 1: "B", 2: "B", 3: "A.", 4: "A", 5: "D", 6: "C", 7: "B"])
    #expect(card.items.map(\.score) == [1, 0])
    #expect(card.items.map(\.family) == ["spatial_relationship", "object_localization"])
    #expect(card.metrics.map(\.name) == ["circular accuracy", "vanilla accuracy", "accuracy over rotations"])
    #expect(card.metrics.map(\.value) == [0.5, 1, 7.0 / 8])
    #expect(card.unanswered == [8])
  }

  @Test(
    "An option is found by its letter, a phrase or its text",
    arguments: [
      ("B", "B"), ("(B)", "B"), ("B. soup", "B"), ("**C**", "C"), ("A and B", nil), ("The soup!", "B"),
      ("soup or rice", nil), ("The correct answer is **B** because it is hot", "B"), ("b", nil), ("", nil),
      ("B is what the picture shows", nil), ("It shows B in the end", "B"),
      ("Answer  is  C because of what is seen in it", "C"), ("E", nil),
    ])
  func letters(text: String, expected: String?) {
    #expect(MMBench.letter(text, choices: ["bread", "soup", "rice"]) == expected)
  }

  @Test("Bad MMBench rows are named")
  func badRows() throws {
    let header = "index\tquestion\tA\tB\tanswer\timage\n"
    let image = String(repeating: "A", count: 80)
    let cases: [(String, EvaluationError)] = [
      (
        "1\t?\tx\ty\tC\t\(image)",
        .wrongValue(file: "", line: 2, key: "answer", found: "C", expected: "the letter of an option")
      ),
      ("1\t?\tx\ty\tA", .malformed(file: "", line: 2, reason: "found 5 cells, expected 6")),
      (
        "one\t?\tx\ty\tA\t\(image)",
        .wrongValue(file: "", line: 2, key: "index", found: "one", expected: "a whole number")
      ),
      ("1\t\"?\tx\ty\tA\t\(image)", .malformed(file: "", line: 2, reason: "a quotation mark is not closed")),
      (
        "1\t?\tx\ty\tA\t7",
        .wrongValue(file: "", line: 2, key: "image", found: "the index 7", expected: "one of a row with a picture")
      ),
    ]
    try withTemporaryDirectory { directory in
      for (row, expected) in cases {
        let path = try write(header + row + "\n", as: "b.tsv", in: directory)
        let error = #expect(throws: EvaluationError.self) { try QuestionSet(.mmbench, path: path) }
        #expect(error?.description.replacingOccurrences(of: path, with: "") == expected.description)
      }
    }
  }

  @Test("SEED-Bench leaves videos out and takes the letter and nothing else")
  func seedBench() throws {
    let own = try QuestionSet(.seedbench, path: fixture("seedbench/SEED-Bench.json"))
    #expect(own.questions.map(\.category) == ["Instances Counting", "Scene Understanding"])
    #expect(own.questions[0].image == .file("SEED-Bench-image/1454426_2591111986"))
    #expect(own.questions[0].text == "How many towels are in the image?\nA. One\nB. Two\nC. Three\nD. Four" + suffix)
    let llava = try QuestionSet(
      .seedbench, path: fixture("seedbench/llava-seed-bench.jsonl"),
      options: .init(annotations: fixture("seedbench/SEED-Bench.json")))
    #expect(llava.questions.map(\.text) == own.questions.map(\.text))
    #expect(llava.questions.map(\.answers) == [["A"], ["C"]])
    #expect(own.score([0: "A", 1: "C. A kitchen"]).items.map(\.score) == [1, 0])
  }

  @Test("ScienceQA asks the split's questions with a picture, as LLaVA's file does")
  func scienceQA() throws {
    let own = try QuestionSet(.scienceqa, path: fixture("scienceqa"))
    #expect(own.questions.map(\.id.description) == ["5", "11"])
    #expect(own.questions.map(\.image) == [.file("5/image.png"), .file("11/image.png")])
    #expect(own.questions.map(\.category) == ["natural science", "social science"])
    let llava = try QuestionSet(.scienceqa, path: fixture("scienceqa/llava_test_CQM-A.json"))
    #expect(llava.questions.map(\.text) == own.questions.map(\.text))
    #expect(llava.questions.map(\.answers) == [["B"], ["B"]])
    let train = try QuestionSet(.scienceqa, path: fixture("scienceqa/problems.json"), options: .init(split: "train"))
    #expect(train.questions.map(\.id.description) == ["16"])
    #expect(throws: EvaluationError.self) {
      try QuestionSet(.scienceqa, path: fixture("scienceqa"), options: .init(split: "val"))
    }
  }

  @Test(
    "ScienceQA's letter is read as LLaVA reads it",
    arguments: [
      ("B", "B"), ("E", "E"), ("F", nil), ("B. New", "B"), ("B.New", nil), ("b", nil), ("The answer is C.", "C"),
      ("The answer is C", nil), ("The answer is A. The answer is B.", nil), ("So: The answer is D, clearly", "D"),
      ("", nil), ("The answer is ", nil),
    ])
  func scienceQALetters(text: String, expected: String?) {
    #expect(ScienceQA.letter(text) == expected)
  }
}

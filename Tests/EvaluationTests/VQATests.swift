import JSON
import Testing

@testable import Evaluation

private let table = [
  "down", "down", "at table", "skateboard", "down", "table", "down", "downward", "The Table", "table",
]
private let number = ["2", "two", "2", "3", "3", "2", "2", "4", "2", "two"]

@Suite("VQAv2")
struct VQATests {
  @Test("Answers are normalized as the challenge's and LLaVA's scripts do it")
  func normalisation() throws {
    guard case .array(let rows) = try readJSON(fixture("vqa_normalisation.json")) else {
      Issue.record("the fixture is not an array")
      return
    }
    #expect(rows.count > 40)
    for row in rows {
      guard case .array(let cells) = row, case .string(let text) = cells[0] else { continue }
      #expect(.string(VQAAnswer.submitted(text)) == cells[1], "submitted \(text)")
      #expect(.string(VQAAnswer.normalized(text)) == cells[2], "normalized \(text)")
    }
  }

  @Test(
    "A score is the mean over nine of ten annotators, recorded from the official script",
    arguments: [
      ("Down.", table, 1.0), ("the table", table, 0.9), ("skateboard", table, 0.3), ("two", number, 1.0),
      ("3", number, 0.6), ("4", number, 0.3), ("Yes", [String](repeating: "yes", count: 10), 1.0),
      ("no", [String](repeating: "yes", count: 10), 0.0), ("at a table", table, 0.3),
      ("t-shirt", [String](repeating: "t-shirt", count: 10), 0.0),
    ])
  func scores(text: String, answers: [String], expected: Double) {
    #expect(abs(VQAv2.score(text, answers: answers) - expected) < 1e-12)
  }

  @Test("The official files become questions with COCO's picture names and the answer types as families")
  func officialFiles() throws {
    let options = QuestionSet.Options(annotations: fixture("vqav2/annotations.json"))
    let set = try QuestionSet(.vqav2, path: fixture("vqav2/questions.json"), options: options)
    #expect(set.questions.map(\.id) == [.integer(262_148_000), .integer(262_148_001), .integer(393_225_000)])
    #expect(set.questions[0].image == .file("COCO_val2014_000000262148.jpg"))
    #expect(
      set.questions[0].text == "Where is he looking?\nAnswer the question using a single word or phrase.")
    #expect(set.questions.map(\.category) == ["other", "number", "yes/no"])
    #expect(set.questions.map(\.answers.count) == [10, 10, 10])
    let llava = try QuestionSet(.vqav2, path: fixture("vqav2/llava.jsonl"), options: options)
    #expect(llava.questions == set.questions)
    let card = set.score([0: "the table", 1: "3", 2: "yes"])
    #expect(abs(try #require(card.items.meanScore) - 2.5 / 3) < 1e-12)
  }

  @Test("Questions about the test-dev split are about pictures of the test set")
  func testDev() throws {
    try withTemporaryDirectory { directory in
      let questions = try write(
        #"{"data_subtype": "test-dev2015", "questions": [{"image_id": 1, "question": "?", "question_id": 10}]}"#,
        as: "q.json", in: directory)
      let annotations = try write(
        #"{"annotations": [{"question_id": 10, "answer_type": "other", "answers": [{"answer": "x"}]}]}"#,
        as: "a.json", in: directory)
      let set = try QuestionSet(.vqav2, path: questions, options: .init(annotations: annotations))
      #expect(set.questions[0].image == .file("COCO_test2015_000000000001.jpg"))
    }
  }

  @Test("Annotations are needed, and a question without one is named")
  func annotations() throws {
    #expect(throws: EvaluationError.self) { try QuestionSet(.vqav2, path: fixture("vqav2/questions.json")) }
    try withTemporaryDirectory { directory in
      let path = try write(#"{"annotations": []}"#, as: "a.json", in: directory)
      #expect(throws: EvaluationError.unannotated(file: path, question: "262148000")) {
        try QuestionSet(.vqav2, path: fixture("vqav2/questions.json"), options: .init(annotations: path))
      }
    }
  }
}

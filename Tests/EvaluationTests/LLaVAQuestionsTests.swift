import Foundation
import Testing

@testable import Evaluation

@Suite("LLaVA question files")
struct LLaVAQuestionsTests {
  @Test("IDs keep their type, unknown keys are ignored, blank lines skipped")
  func reads() throws {
    let questions = try LLaVAQuestions.read(fixture("llava.jsonl"))
    #expect(questions.map(\.id) == [.integer(1), .string("2-b"), .integer(3)])
    #expect(questions.map(\.index) == [0, 1, 2])
    #expect(questions.map(\.image) == [.file("scene_001.png"), .file("scene_001.png"), .file("scene_002.png")])
    #expect(questions.map(\.answers) == [["teapot"], ["3"], ["no", "nope"]])
    #expect(questions.map(\.category) == ["which", "count", "default"])
    #expect(questions[2].text == "Is there a éclair?\nAnswer yes or no.")
  }

  @Test(
    "A bad line is named with its key",
    arguments: [
      (#"{"image": "a.png", "text": "?"}"#, EvaluationError.missingKey(file: "", line: 2, key: "question_id")),
      (#"{"question_id": 2, "text": "?"}"#, .missingKey(file: "", line: 2, key: "image")),
      (
        #"{"question_id": 2, "image": 7, "text": "?"}"#,
        .wrongValue(file: "", line: 2, key: "image", found: "7", expected: "a string")
      ),
      (
        #"{"question_id": 2.5, "image": "a.png", "text": "?"}"#,
        .wrongValue(file: "", line: 2, key: "question_id", found: "2.5", expected: "a string or an integer")
      ),
      (
        #"{"question_id": 2, "image": "a.png", "text": "?", "answer": [1]}"#,
        .wrongValue(file: "", line: 2, key: "answer", found: "1", expected: "an array of strings")
      ),
      (#"[]"#, .malformed(file: "", line: 2, reason: "found a list of 0, expected an object")),
      (#"{"question_id": 1, "image": "a.png", "text": "?"}"#, .duplicateQuestion(file: "", line: 2, question: "1")),
    ])
  func errors(line: String, expected: EvaluationError) throws {
    try withTemporaryDirectory { directory in
      let first = #"{"question_id": 1, "image": "a.png", "text": "?"}"#
      let path = try write(first + "\n" + line + "\n", as: "q.jsonl", in: directory)
      let error = #expect(throws: EvaluationError.self) { try LLaVAQuestions.read(path) }
      #expect(error?.description.replacingOccurrences(of: path, with: "") == expected.description)
      #expect(error?.description.hasPrefix("\(path), line 2: ") == true)
    }
  }

  @Test("A file that is missing is named")
  func missingFile() {
    #expect { try LLaVAQuestions.read("/nowhere/q.jsonl") } throws: { error in
      guard case .unreadable(let file, _)? = error as? EvaluationError else { return false }
      return file == "/nowhere/q.jsonl"
    }
  }
}

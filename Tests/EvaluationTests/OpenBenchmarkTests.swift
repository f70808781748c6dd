import Testing

@testable import Evaluation

@Suite("GQA and LLaVA exact match")
struct OpenBenchmarkTests {
  @Test("Only balanced GQA questions are asked, by structural type")
  func gqaFiles() throws {
    let own = try QuestionSet(.gqa, path: fixture("gqa/testdev_balanced_questions.json"))
    #expect(own.questions.map(\.id.description) == ["201", "202", "204", "205"])
    #expect(own.questions.map(\.category) == ["verify", "query", "choose", "query"])
    #expect(own.questions[0].image == .file("n1.jpg"))
    let llava = try QuestionSet(
      .gqa, path: fixture("gqa/llava_gqa_testdev_balanced.jsonl"),
      options: .init(annotations: fixture("gqa/testdev_balanced_questions.json")))
    #expect(llava.questions == own.questions)
  }

  @Test("GQA ignores case and closing full stops, and parts binary from open questions")
  func gqaScores() throws {
    let set = try QuestionSet(.gqa, path: fixture("gqa/testdev_balanced_questions.json"))
    let card = set.score([0: "No.", 1: "Black..", 2: "the wood", 3: "a young man"])
    #expect(card.items.map(\.score) == [1, 1, 0, 0])
    #expect(card.metrics.map(\.name) == ["accuracy", "binary", "open"])
    #expect(card.metrics.map(\.value) == [0.5, 0.5, 0.5])
  }

  @Test("LLaVA questions with answers are scored by exact match with any of them")
  func llava() throws {
    let set = try QuestionSet(.llava, path: fixture("llava.jsonl"))
    let card = set.score([0: " Teapot.\n", 1: "three", 2: "Nope"])
    #expect(card.items.map(\.score) == [1, 0, 1])
    #expect(card.items.map(\.cluster) == ["scene_001.png", "scene_001.png", "scene_002.png"])
    #expect(card.items.map(\.family) == ["which", "count", "default"])
  }

  @Test("A LLaVA question without an answer cannot be scored")
  func unanswered() throws {
    try withTemporaryDirectory { directory in
      let line = #"{"question_id": 1, "image": "a.png", "text": "?"}"#
      let path = try write(line, as: "q.jsonl", in: directory)
      #expect(throws: EvaluationError.missingKey(file: path, line: 1, key: "answer")) {
        try QuestionSet(.llava, path: path)
      }
      let empty = try write("\n", as: "e.jsonl", in: directory)
      #expect(throws: EvaluationError.noQuestions(file: empty)) { try QuestionSet(.llava, path: empty) }
    }
  }
}

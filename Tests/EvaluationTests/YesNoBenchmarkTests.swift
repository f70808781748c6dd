import Testing

@testable import Evaluation

@Suite("POPE and MME")
struct YesNoBenchmarkTests {
  @Test(
    "POPE's answers are read as LLaVA reads them",
    arguments: [
      ("No", YesNo.no), ("no, there is", .no), ("Yes. There is no dog", .yes), ("It is not", .no), ("NO", .yes),
      ("", .yes), ("not,", .no), ("nothing", .yes), ("yes\nno", .yes), ("There is,no dog", .yes),
    ])
  func popeAnswers(text: String, expected: YesNo) {
    #expect(YesNo(popeAnswer: text) == expected)
  }

  @Test(
    "MME's answers are read from their first four letters",
    arguments: [
      ("Yes", YesNo.yes), ("YES, it is", .yes), ("No.", .no), ("know", .no), ("It is no", nil), ("", nil),
      ("nyes", .yes),
    ])
  func mmeAnswers(text: String, expected: YesNo?) {
    #expect(YesNo(mmeAnswer: text) == expected)
  }

  @Test("POPE's own files and LLaVA's file ask the same questions")
  func popeFiles() throws {
    let own = try QuestionSet(.pope, path: fixture("pope"))
    #expect(own.questions.map(\.category) == [String](repeating: "popular", count: 4) + ["random", "random", "random"])
    #expect(own.questions[0].id == .string("popular/1"))
    let llava = try QuestionSet(
      .pope, path: fixture("pope/llava_pope_test.jsonl"), options: .init(annotations: fixture("pope")))
    #expect(llava.questions.map(\.category).prefix(3) == ["random", "random", "random"])
    #expect(llava.questions.map(\.answers).prefix(3) == [["yes"], ["no"], ["yes"]])
    #expect(Set(llava.questions.map(\.text)) == Set(own.questions.map(\.text)))
    let one = try QuestionSet(.pope, path: fixture("pope/coco_pope_random.json"))
    #expect(one.questions.count == 3)
    #expect(throws: EvaluationError.self) { try QuestionSet(.pope, path: fixture("pope/llava_pope_test.jsonl")) }
  }

  @Test("POPE's figures are those of LLaVA's script")
  func popeScores() throws {
    let set = try QuestionSet(.pope, path: fixture("pope"))
    // Popular: labels yes no no yes; answers yes yes no no. Random: labels yes no yes; answers yes no yes.
    let card = set.score([0: "Yes", 1: "Yes", 2: "No", 3: "no dog", 4: "Yes", 5: "No", 6: "yes"])
    #expect(card.items.map(\.score) == [1, 0, 1, 0, 1, 1, 1])
    func value(_ family: String?, _ name: String) -> Double? {
      card.metrics.first { $0.family == family && $0.name == name }?.value
    }
    #expect(value("popular", "precision") == 0.5 && value("popular", "recall") == 0.5)
    #expect(value("popular", "F1") == 0.5 && value("popular", "yes ratio") == 0.5)
    #expect(value("random", "F1") == 1 && value(nil, "mean F1") == 0.75)
    let silent = set.score([1: "no", 2: "no"])
    #expect(silent.metrics.first { $0.name == "precision" }?.value == nil)
    #expect(silent.metrics.first { $0.name == "mean F1" }?.value == nil)
    #expect(silent.unanswered == [0, 3, 4, 5, 6])
  }

  @Test("MME's release directory and LLaVA's file give the same questions and answers")
  func mmeFiles() throws {
    let release = try QuestionSet(.mme, path: fixture("mme"))
    #expect(
      release.questions.map(\.id.description) == [
        "existence/000000001.jpg", "existence/000000001.jpg", "existence/000000002.jpg", "existence/000000002.jpg",
        "artwork/images/17.jpg", "artwork/images/17.jpg", "code_reasoning/0001.png", "code_reasoning/0001.png",
      ])
    #expect(
      release.questions[0].text
        == "Is there a refrigerator in this image?\nAnswer the question using a single word or phrase.")
    let llava = try QuestionSet(
      .mme, path: fixture("llava_mme.jsonl"), options: .init(annotations: fixture("mme")))
    #expect(llava.questions.map(\.answers) == [["yes"], ["no"], ["yes"], ["no"], ["yes"], ["no"], ["yes"], ["no"]])
    #expect(llava.questions.map(\.text) == release.questions.map(\.text))
  }

  @Test("MME adds accuracy over questions and over pictures, and sums categories")
  func mmeScores() throws {
    let set = try QuestionSet(.mme, path: fixture("mme"))
    // existence: right right, right wrong; artwork: right right; code_reasoning: wrong, unreadable.
    let answers = ["Yes", "No", "Yes", "yes", "Yes", "No", "no", "maybe"]
    let card = set.score(Dictionary(uniqueKeysWithValues: answers.enumerated().map { ($0.offset, $0.element) }))
    func value(_ family: String?, _ name: String) -> Double? {
      card.metrics.first { $0.family == family && $0.name == name }?.value
    }
    #expect(value("existence", "accuracy+") == 0.5 && value("existence", "score") == 125)
    #expect(value("artwork", "score") == 200 && value("code_reasoning", "score") == 0)
    #expect(value(nil, "perception") == 325 && value(nil, "cognition") == 0)
    #expect(card.metrics.first { $0.name == "perception" }?.maximum == 400)
  }

  @Test("An MME file without exactly two questions is named")
  func mmePair() throws {
    try withTemporaryDirectory { directory in
      try makeDirectory("\(directory)/OCR")
      let path = try write("Is it?\tYes\n", as: "1.txt", in: "\(directory)/OCR")
      #expect(throws: EvaluationError.malformed(file: path, line: 1, reason: "found 1 questions, expected 2")) {
        try QuestionSet(.mme, path: directory)
      }
      _ = try write("Is it?\tYes\nIs it?\tPerhaps\n", as: "1.txt", in: "\(directory)/OCR")
      #expect {
        try QuestionSet(.mme, path: directory)
      } throws: { error in
        guard case .malformed(path, 2, _)? = error as? EvaluationError else { return false }
        return true
      }
    }
  }
}

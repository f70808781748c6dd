import Evaluation
import Experiments
import Foundation
import HTCVLM
import Reports
import TestSupport
import Testing
import Tokenization
import Trace

/// Four questions about two pictures, asked of the recorded checkpoint.
private struct Asked {
  let folder: TemporaryFolder
  let questions: QuestionSet

  init() throws {
    folder = try TemporaryFolder()
    for name in ["a.png", "b.png"] {
      try FileManager.default.copyItem(atPath: recordedCheckpoint + "/image.png", toPath: folder.path(name))
    }
    let lines = [("a", "which"), ("a", "count"), ("b", "which"), ("b", "count")].enumerated().map { index, question in
      #"{"question_id": \#(index), "image": "\#(question.0).png", "text": "what is \#(index)?", "answer": "x", "#
        + #""category": "\#(question.1)"}"#
    }
    let file = try folder.write(lines.map { $0 + "\n" }.joined(), as: "questions.jsonl")
    questions = try QuestionSet(.llava, path: file)
  }

  func run(_ shard: String = "1/1") throws -> EvalRun {
    EvalRun(
      questions: questions, images: folder.root,
      settings: EvalRun.Settings(maxNewTokens: 2, shard: try Shard(shard), version: "test")
    ) { try Pipeline(opening: $0, version: "test", precision: $1) }
  }

  var checkpoint: EvalContestant { EvalContestant(path: recordedCheckpoint, from: .voco) }

  func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}

@Suite("Prompts of an evaluation")
struct EvalPromptTests {
  /// What one question, spelled in several ways, is answered by the recorded checkpoint under a prompt template.
  private func answers(_ texts: [String], template: String) throws -> [String?] {
    let folder = try TemporaryFolder()
    let model = folder.path("model")
    try FileManager.default.copyItem(atPath: recordedCheckpoint, toPath: model)
    let url = URL(fileURLWithPath: model + "/config.json")
    var document = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    document["prompt_template"] = template
    try JSONSerialization.data(withJSONObject: document).write(to: url)
    let lines = try texts.enumerated().map { index, text in
      let question: [String: Any] = [
        "question_id": index, "image": recordedCheckpoint + "/image.png", "text": text, "answer": "x", "category": "c",
      ]
      return String(decoding: try JSONSerialization.data(withJSONObject: question), as: UTF8.self)
    }
    let file = try folder.write(lines.map { $0 + "\n" }.joined(), as: "questions.jsonl")
    let run = EvalRun(
      questions: try QuestionSet(.llava, path: file), images: "/",
      settings: EvalRun.Settings(maxNewTokens: 6, shard: try Shard("1/1"), version: "test")
    ) { try Pipeline(opening: $0, version: "test", precision: $1) }
    let answers = try run.answers(of: [EvalContestant(path: model, from: .voco)], savingTo: nil)[0].answers
    return texts.indices.map { answers[$0] }
  }

  /// As LLaVA's files for VQAv2, MMBench and ScienceQA have them, and without newlines.
  private static let pairs = [
    (
      "what is it?\nAnswer the question using a single word or phrase.",
      "what is it?Answer the question using a single word or phrase."
    ),
    ("hint\nwhat is it?\nA. a cat\nB. a dog\n", "hintwhat is it?A. a catB. a dog"),
    ("\n\nContext: none\n\nwhat is it?", "Context: nonewhat is it?"), ("what\r\nis it?", "what\ris it?"),
  ]

  @Test("VoCo-LLaMA's take every newline out before they are tokenised, as its evaluation does", arguments: pairs)
  func vocoLLaMA(text: String, line: String) throws {
    let answers = try answers([text, line], template: PromptTemplate.vocoLLaMA)
    #expect(answers[0] != nil && answers[0] == answers[1])
  }

  @Test("LLaVA's keep them: the same two texts are other tokens", arguments: pairs)
  func llava(text: String, line: String) throws {
    let answers = try answers([text, line], template: "USER: {prompt} ASSISTANT:")
    #expect(answers[0] != answers[1])
  }
}

@Suite("Labelled pictures")
struct LabelledPicturesTests {
  @Test("What systems leave beside labels and pictures is no label and no picture, and links lead to either")
  func companions() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    for name in [
      "b/1.png", "b/2.JPG", "a/1.png", "a/2.png", "a/._1.png", "__MACOSX/1.png", "@eaDir/1.png", "other/3.png",
    ] {
      let path = folder.path("labels/\(name)")
      try files.createDirectory(
        atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
      try Data([1]).write(to: URL(fileURLWithPath: path))
    }
    try Data([1]).write(to: URL(fileURLWithPath: folder.path("labels/.DS_Store")))
    try files.moveItem(atPath: folder.path("labels/other"), toPath: folder.path("elsewhere"))
    try files.createSymbolicLink(atPath: folder.path("elsewhere/4.png"), withDestinationPath: "../labels/a/1.png")
    try files.createSymbolicLink(atPath: folder.path("labels/c"), withDestinationPath: "../elsewhere")
    let labels = try LabelledPictures(directory: folder.path("labels")).labels
    #expect(labels.map(\.name) == ["a", "b", "c"] && labels.map(\.paths.count) == [2, 2, 2])
  }
}

@Suite("Runs of an evaluation")
struct EvalRunTests {
  @Test("A cancelled run keeps the answers it has, and the next goes on to the same file as an undisturbed run")
  func cancellation() throws {
    let asked = try Asked()
    let (file, whole) = (asked.folder.path("answers.jsonl"), asked.folder.path("whole.jsonl"))
    let flag = CancellationFlag()
    #expect(throws: CancellationError.self) {
      try asked.run().answers(of: [asked.checkpoint], savingTo: file, cancellation: flag) { _, state in
        if state.done == 2 { flag.cancel() }
      }
    }
    #expect(try asked.text(file).split(separator: "\n").count == 3)
    var resumed: [Int] = []
    let answers = try asked.run().answers(of: [asked.checkpoint], savingTo: file) { model, state in
      #expect(model == "star-png" && state.total == 4)
      resumed.append(state.resumed)
    }
    #expect(Set(resumed) == [2])
    let undisturbed = try asked.run().answers(of: [asked.checkpoint], savingTo: whole)
    #expect(try asked.text(file) == asked.text(whole))
    #expect(answers[0].answers == undisturbed[0].answers && answers[0].answers.count == 4)
  }

  @Test("Parts, merged in any order, are the file of one run")
  func shards() throws {
    let asked = try Asked()
    let parts = try (1...3).map { number in
      let path = asked.folder.path("part-\(number).jsonl")
      _ = try asked.run("\(number)/3").answers(of: [asked.checkpoint], savingTo: path)
      return path
    }
    let whole = asked.folder.path("whole.jsonl")
    _ = try asked.run().answers(of: [asked.checkpoint], savingTo: whole)
    for (index, order) in [parts, parts.reversed(), [parts[1], parts[2], parts[0]]].enumerated() {
      let out = asked.folder.path("merged-\(index).jsonl")
      #expect(try ResultsFile.merge(order, to: out).records.count == 4)
      #expect(try asked.text(out) == asked.text(whole))
    }
  }

  @Test("A file of answers stands beside checkpoints, equal names are numbered, and each checkpoint has its own file")
  func contestants() throws {
    let asked = try Asked()
    let file = asked.folder.path("kept.jsonl")
    let first = try asked.run().answers(of: [asked.checkpoint], savingTo: file)
    var places: Set<String> = []
    let all = try asked.run().answers(
      of: [
        EvalContestant(path: file, from: .voco), asked.checkpoint,
        EvalContestant(path: recordedCheckpoint, from: VisualSource.none), asked.checkpoint,
      ], savingTo: asked.folder.path("all.jsonl")
    ) { model, _ in places.insert(model) }
    #expect(all.map(\.name) == ["star-png", "star-png #2", "star-png (none)", "star-png #3"])
    #expect(all[0].answers == first[0].answers && all[1].answers == first[0].answers)
    #expect(places == ["2/4 star-png", "3/4 star-png (none)", "4/4 star-png"])
    #expect(
      Set(asked.folder.contents.filter { $0.hasPrefix("all-") })
        == ["all-star-png.jsonl", "all-star-png--none-.jsonl", "all-star-png-2.jsonl"])
    #expect(all.allSatisfy { $0.source.picturesSHA256 == first[0].source.picturesSHA256 })
  }

  @Test("A LLaVA is asked from everything unless told otherwise, and from voco it is refused before a question")
  func withoutVoco() throws {
    let asked = try Asked()
    let llava = testsDirectory.appendingPathComponent("HTCVLMTests/Fixtures/families/hf").path
    let own = try asked.run().answers(of: [EvalContestant(path: llava, from: nil)], savingTo: nil)
    let full = try asked.run().answers(of: [EvalContestant(path: llava, from: .full)], savingTo: nil)
    #expect(own[0].name == "hf (full)" && own[0].answers == full[0].answers && own[0].answers.count == 4)
    #expect(own[0].source.header.settings.hasPrefix("from full"))
    let voco = try asked.run().answers(of: [EvalContestant(path: recordedCheckpoint, from: nil)], savingTo: nil)
    #expect(voco[0].name == "star-png")
    #expect(throws: ModelError.noVoco(family: .llava)) {
      try asked.run().answers(of: [EvalContestant(path: llava, from: .voco)], savingTo: nil)
    }
  }

  @Test("A run is not taken up after a picture that was answered about has changed, under whatever name")
  func changedPicture() throws {
    let asked = try Asked()
    let file = asked.folder.path("answers.jsonl")
    let flag = CancellationFlag()
    #expect(throws: CancellationError.self) {
      try asked.run().answers(of: [asked.checkpoint], savingTo: file, cancellation: flag) { _, state in
        if state.done == 1 { flag.cancel() }
      }
    }
    let before = try asked.text(file)
    let picture = asked.folder.path("a.png")
    let whole = try Data(contentsOf: URL(fileURLWithPath: picture))
    // A chunk of a PNG that no decoder looks at makes other bytes of the same pixels.
    try (whole + Data([0])).write(to: URL(fileURLWithPath: picture))
    let error = #expect(throws: (any Error).self) { try asked.run().answers(of: [asked.checkpoint], savingTo: file) }
    #expect(error.map { "\($0)".contains("a picture of question 0") && "\($0)".contains("a.png") } == true)
    #expect(try asked.text(file) == before)
    try whole.write(to: URL(fileURLWithPath: picture))
    #expect(try asked.run().answers(of: [asked.checkpoint], savingTo: file)[0].answers.count == 4)
  }

  @Test("Answers are not kept in what is no file", arguments: ["/dev/null", "pipe"])
  func noFile(_ path: String) throws {
    let asked = try Asked()
    let path = path.hasPrefix("/") ? path : asked.folder.path(path)
    if !path.hasPrefix("/dev") { #expect(mkfifo(path, 0o600) == 0) }
    let error = #expect(throws: EvaluationError.self) {
      try asked.run().answers(of: [asked.checkpoint], savingTo: path)
    }
    #expect(error?.description.contains("not a regular file") == true)
  }

  @Test("A picture that is missing is named, after the answers before it were kept")
  func missingPicture() throws {
    let asked = try Asked()
    try FileManager.default.removeItem(atPath: asked.folder.path("b.png"))
    let file = asked.folder.path("answers.jsonl")
    let error = #expect(throws: (any Error).self) {
      try asked.run().answers(of: [asked.checkpoint], savingTo: file)
    }
    #expect(error.map { "\($0)".contains("b.png") } == true)
    #expect(try asked.text(file).split(separator: "\n").count == 3)
  }
}

@Suite("Exact weights beside integers")
struct PrecisionComparisonTests {
  @Test("Equal models differ in nothing; integers differ a little, and every layer has its row")
  func comparison() throws {
    // Integers are kept beside a checkpoint that can be written to.
    let folder = try TemporaryFolder()
    let checkpoint = folder.path("star-png")
    try FileManager.default.copyItem(atPath: recordedCheckpoint, toPath: checkpoint)
    let picture = recordedCheckpoint + "/image.png"
    func compare(_ second: Precision) throws -> PrecisionComparison {
      try PrecisionComparison(pictures: [picture, picture], prompt: "what is it?") { precision in
        try Pipeline(
          opening: .directory(checkpoint), version: "test", precision: precision == .int8 ? second : .exact)
      }
    }
    let same = try compare(.exact)
    #expect(same.pictures == 2)
    #expect(same.lines[1] == "next token     the same on 2 of 2; KL mean 0.00000, largest 0.00000 nat")
    #expect(same.lines.dropFirst(3).allSatisfy { $0.hasSuffix("0.00000 0.00000 0.00000 0.00000") })
    let rounded = try compare(.int8)
    #expect(rounded.lines.count == same.lines.count && rounded.lines[3].hasPrefix("  L1   "))
    #expect(rounded.lines.dropFirst(3) != same.lines.dropFirst(3))
  }
}

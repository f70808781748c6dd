import Evaluation
import Experiments
import Foundation
import HTCVLM
import JSON
import Statistics
import TestSupport
import Testing
import Trace

/// Two questions about each of three pictures, asked of a constructed checkpoint that reads its anchors.
private struct Asked {
  let folder: TemporaryFolder
  let questions: QuestionSet
  let model: String

  init(_ checkpoint: ConstructedCheckpoint = .uses) throws {
    folder = try TemporaryFolder()
    model = folder.path("model")
    try checkpoint.write(to: model, tokenizer: recordedCheckpoint + "/tokenizer.model")
    _ = try ConstructedCheckpoint.writePictures(3, to: folder.root)
    let lines = (0..<6).map { index in
      #"{"question_id": \#(index), "image": "picture-\#(index / 2).png", "text": "what is \#(index % 2)?", "#
        + #""answer": "x", "category": "family \#(index % 2)"}"# + "\n"
    }
    questions = try QuestionSet(.llava, path: try folder.write(lines.joined(), as: "questions.jsonl"))
  }

  func answers(_ interventions: [EvalIntervention], seed: UInt64 = 0) throws -> [EvalAnswers] {
    let run = EvalRun(
      questions: questions, images: folder.root,
      settings: EvalRun.Settings(maxNewTokens: 3, seed: seed, version: "test")
    ) { try Pipeline(opening: $0, version: "test", precision: $1) }
    let plain = EvalContestant(path: model, from: .voco)
    return try run.answers(of: [plain] + interventions.compactMap { plain.under($0) }, savingTo: nil)
  }

  /// The greedy answers with the interventions made by hand.
  func expected(_ intervention: (HTCVLMModel, Int, VisualCache) throws -> Intervention) throws -> [Int: String] {
    let pipeline = try Pipeline(opening: model, version: "test")
    var answers: [Int: String] = [:]
    for index in 0..<6 {
      let picture = try PictureSource(path: folder.path("picture-\(index / 2).png"))
      let plain = try pipeline.cache(picture)
      let cache = try pipeline.model.compress(
        plain.visual, intervention: intervention(pipeline.model, index / 2, plain))
      answers[index] = try pipeline.model.answer(
        "what is \(index % 2)?", from: cache, options: GenerationOptions(maxNewTokens: 3)
      ).text
    }
    return answers
  }
}

@Suite("Accuracy under intervention")
struct EvalInterventionTests {
  @Test("A cut run answers as the model does without voco's edges to the anchors, and otherwise than uncut")
  func cut() throws {
    let asked = try Asked()
    let answers = try asked.answers([.cut(.anchors), .cut(.patches)])
    #expect(answers.map(\.name) == ["model", "model (cut anchors)", "model (cut patches)"])
    #expect(answers[0].answers == (try asked.expected { _, _, _ in .none }))
    #expect(answers[1].answers == (try asked.expected { .cut(keys: Set($2.anchorPositions)) }))
    #expect(answers[2].answers == (try asked.expected { .cut(keys: Set($2.patchPositions)) }))
    #expect(answers[1].answers != answers[0].answers && answers[2].answers != answers[1].answers)
  }

  @Test(
    "A swapped run answers from the anchors of another of the questions' pictures, each of which gives its own once")
  func swap() throws {
    let asked = try Asked()
    let answers = try asked.answers([.swapAnchors])
    // Answers to one picture may agree under both others' anchors: each picture must have a donor that fits, so that a
    // cycle through all three is among them.
    let fitting = try (0..<3).map { picture in
      try (0..<3).filter { donor in
        guard donor != picture else { return false }
        let swapped = try asked.expected { model, _, _ in
          let other = try Pipeline(opening: asked.model, version: "test").cache(
            PictureSource(path: asked.folder.path("picture-\(donor).png")))
          return Intervention(inputs: [.anchors(EditedRows(other.visual.anchors))])
        }
        return [2 * picture, 2 * picture + 1].allSatisfy { swapped[$0] == answers[1].answers[$0] }
      }
    }
    let cycles = [[1, 2, 0], [2, 0, 1]]
    #expect(cycles.contains { cycle in (0..<3).allSatisfy { fitting[$0].contains(cycle[$0]) } }, "\(fitting)")
    #expect(fitting.contains { $0.count == 1 })
    #expect(answers[1].answers != answers[0].answers)
  }

  @Test("Random patches are drawn once a picture by the seed, and too many are refused with the model's name")
  func random() throws {
    let asked = try Asked(.patchesOnly)
    let first = try asked.answers([.cut(.random(6))], seed: 1)
    #expect(try asked.answers([.cut(.random(6))], seed: 1)[1].answers == first[1].answers)
    #expect(first[1].name == "model (cut random:6)")
    let error = #expect(throws: ExperimentError.self) { try asked.answers([.cut(.random(26))]) }
    #expect(error?.description == "model (cut random:26): has 25 patches, too few to cut 26")
    #expect(EvalIntervention.Keys("random:4") == .random(4))
    #expect(EvalIntervention.Keys("random:0") == nil && EvalIntervention.Keys("random:") == nil)
    #expect(EvalIntervention.Keys("voco") == nil)
  }

  @Test("A run with an intervention stands beside the run of the same settings without it, in every format")
  func report() throws {
    let asked = try Asked()
    let answers = try asked.answers([.cut(.anchors), .swapAnchors])
    let report = EvaluationReport(
      Comparison(asked.questions, answers: answers.map { ($0.name, $0.answers) }), sources: answers.map(\.source),
      version: "test")
    #expect(report.effects.map(\.model) == ["model (cut anchors)", "model (swap anchors)"])
    #expect(report.effects.map(\.uncut) == ["model", "model"])
    #expect(report.text.contains("model (cut anchors) beside model, question by question\n"))
    #expect(report.csv.contains("llava,model (swap anchors),family 1,difference from model,3,0.0,"))
    guard case .object(let object) = report.json, case .array(let differences)? = object["differences"] else {
      Issue.record("the report has no differences")
      return
    }
    #expect(differences.count == 2)
    let alone = EvaluationReport(
      Comparison(asked.questions, answers: [(answers[1].name, answers[1].answers)]), sources: [answers[1].source],
      version: "test")
    #expect(alone.effects.isEmpty)
  }
}

@Suite("Paired differences")
struct PairedDifferenceTests {
  private func items(_ scores: [Double]) -> [ScoredItem] {
    scores.enumerated().map { index, score in
      ScoredItem(key: index, family: index % 2 == 0 ? "even" : "odd", cluster: "\(index / 4)", score: score)
    }
  }

  /// `counts`: right in both runs, after alone, before alone, in neither.
  @Test(
    "The interval is that of Newcombe's method 10, computed apart from his formula",
    arguments: [([36, 12, 2, 0], 0.056930, 0.340428), ([53, 9, 10, 28], -0.096360, 0.076620)])
  func newcombe(counts: [Int], low: Double, high: Double) {
    let pairs: [(Double, Double)] = [(1, 1), (0, 1), (1, 0), (0, 0)]
    let all = zip(counts, pairs).flatMap { Array(repeating: $1, count: $0) }
    let interval = Interval.newcombe(before: all.map(\.0), after: all.map(\.1))
    #expect(close(interval.low, low, 1e-6) && close(interval.high, high, 1e-6), "\(interval)")
  }

  @Test("Differences are of the items that both runs answered, with what was lost and gained")
  func families() throws {
    let before = items([1, 1, 1, 0, 1, 1, 0, 0])
    let after = Array(items([0, 1, 1, 1, 0, 1, 0, 0]).dropLast())
    let difference = PairedDifference(before: before, after: after, method: .wilson)
    #expect(difference.families.map(\.name) == ["even", "odd"] && difference.families.map(\.count) == [4, 3])
    #expect(difference.families.map(\.lost) == [2, 0] && difference.families.map(\.gained) == [0, 1])
    #expect(close(difference.families[0].difference, -0.5))
    #expect(difference.overall?.count == 7)
  }

  @Test("Where nothing changed, three of n pictures still may")
  func unchanged() throws {
    let before = items((0..<40).map { Double($0 % 3 / 2) })
    let method = IntervalMethod.clusterBootstrap(ClusterBootstrap(resamples: 100))
    let same = try #require(PairedDifference(before: before, after: before, method: method).overall)
    #expect(same.difference == 0 && close(same.interval.high, 0.3) && close(same.interval.low, -0.3))
    let wilson = try #require(PairedDifference(before: before, after: before, method: .wilson).overall)
    #expect(wilson.interval.low < 0 && wilson.interval.high > 0)
  }
}

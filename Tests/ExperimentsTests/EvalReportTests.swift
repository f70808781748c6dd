import Experiments
import JSON
import Statistics
import Testing

@testable import Evaluation

/// Twenty questions about ten pictures in the families "which" and "colour".
private func questions() throws -> QuestionSet {
  try QuestionSet(
    benchmark: .llava, file: "test.jsonl",
    questions: (0..<20).map { index in
      Question(
        index: index, id: .integer(index), image: .file("\(index / 2).png"), text: "?", answers: ["yes"],
        category: index % 2 == 0 ? "which" : "colour")
    })
}

/// Answers that are right for the first `which` and `colour` pictures.
private func answers(which: Int, colour: Int) -> [Int: String] {
  Dictionary(
    uniqueKeysWithValues: (0..<20).map { index in
      (index, index / 2 < (index % 2 == 0 ? which : colour) ? "Yes" : "no")
    })
}

private func comparison() throws -> Comparison {
  Comparison(
    try questions(),
    answers: [
      ("lower", answers(which: 2, colour: 5)), ("HTC, demo", answers(which: 8, colour: 6)),
      ("upper", answers(which: 10, colour: 6)),
    ], bounds: .init(lower: 0, upper: 2), bootstrap: ClusterBootstrap(resamples: 200, seed: 3))
}

@Suite("Reports of evaluations")
struct EvalReportTests {
  @Test("The text report puts models side by side and says what is left out")
  func text() throws {
    #expect(
      try comparison().text == """
        Questions · test.jsonl · 20 questions · per cent, 95 % intervals (Wilson)

        family        n              lower          HTC, demo                upper
        which        10   20.0 [5.7, 51.0]  80.0 [49.0, 94.3]  100.0 [72.2, 100.0]
        colour       10  50.0 [23.7, 76.3]  60.0 [31.3, 83.2]    60.0 [31.3, 83.2]
        overall      20  35.0 [18.1, 56.7]  70.0 [48.1, 85.5]    80.0 [58.4, 91.9]
        family mean   2               35.0               70.0                 80.0

        retention  lower  upper           HTC, demo
        which       20.0  100.0                75.0
        colour      50.0   60.0            left out
        mean                     75.0 [42.8, 100.0]
        Families whose bounds lie within 10 points of each other are left out of the mean.

        """)
  }

  @Test("Every format names model, questions, pictures and settings")
  func provenance() throws {
    let header = ResultsHeader(
      benchmark: .llava, questions: "test.jsonl", questionsSHA256: "q1", questionCount: 20, model: "demo",
      modelSHA256: "c+w", promptTemplate: "{prompt}", settings: "greedy")
    let sources = ["p1", nil, "p3"].map { EvaluationReport.Source(header: header, picturesSHA256: $0) }
    let report = EvaluationReport(try comparison(), sources: sources, version: "9.9.9")
    #expect(
      try report.text
        == comparison().text + """

          lower: c+w, greedy, pictures p1
          HTC, demo: c+w, greedy
          upper: c+w, greedy, pictures p3
          questions q1, scored by vocoscope 9.9.9

          """)
    guard case .object(let object) = report.json, case .object(let provenance)? = object["provenance"],
      case .array(let models)? = provenance["models"], case .object(let last) = models[2]
    else {
      Issue.record("the report has another shape")
      return
    }
    #expect(object["benchmark"] == .string("llava") && provenance["questions_sha256"] == .string("q1"))
    #expect(last["pictures_sha256"] == .string("p3") && last["prompt_template"] == .string("{prompt}"))
    let rows = report.csv.split(separator: "\n")
    #expect(
      rows.contains("llava,\"HTC, demo\",,model SHA-256,,c+w,,") && rows.contains("llava,upper,,version,,9.9.9,,"))
  }

  @Test("The JSON report holds every number")
  func json() throws {
    guard case .object(let object) = try comparison().json, case .array(let models)? = object["models"],
      case .object(let demo) = models[1], case .object(let retention)? = demo["retention"],
      case .object(let overall)? = demo["overall"]
    else {
      Issue.record("the report has another shape")
      return
    }
    #expect(object["benchmark"] == .string("llava") && object["question_count"] == .integer(20))
    #expect(overall["score"] == .number(0.7) && overall["n"] == .integer(20))
    guard case .number(let mean)? = retention["mean"], case .array(let families)? = retention["families"] else {
      Issue.record("retention has another shape")
      return
    }
    #expect(abs(mean - 0.75) < 1e-12 && families.count == 2)
    guard case .object(let lower) = models[0] else { return }
    #expect(lower["retention"] == .null)
  }

  @Test("The CSV report quotes names that hold commas")
  func csv() throws {
    let lines = try comparison().csv.split(separator: "\n").map(String.init)
    #expect(lines[0] == "benchmark,model,family,figure,n,value,lower,upper")
    #expect(lines.contains { $0.hasPrefix("llava,\"HTC, demo\",overall,score,20,0.7,0.48") })
    #expect(lines.contains("llava,\"HTC, demo\",colour,retention (left out),10,,,"))
    #expect(lines.contains { $0.hasPrefix("llava,\"HTC, demo\",overall,retention,,0.75") })
    #expect(lines.count == 1 + 3 * 5 + 3)
  }

  @Test("Questions without an answer are counted, not scored")
  func unanswered() throws {
    let report = Comparison(
      try questions(), answers: [("m", [0: "yes"])], method: .clusterBootstrap(ClusterBootstrap(seed: 1)))
    #expect(report.models[0].overall?.count == 1)
    #expect(report.text.contains("m: 19 of 20 questions have no answer and are left out."))
    #expect(report.text.contains("bootstrap over images, 2000 resamples, seed 1"))
    let nothing = Comparison(try questions(), answers: [("m", [:])])
    #expect(nothing.models[0].overall == nil)
    #expect(nothing.text.contains("overall"))
  }
}

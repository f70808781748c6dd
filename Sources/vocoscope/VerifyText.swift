import Evidence
import Foundation
import Inspector
import Reports
import Statistics

/// A verdict as `verify` prints it.
struct VerifyText {
  let verdict: EvidenceVerdict
  let plan: VerifyPlan
  let measurements: EvidenceReport.Measurements

  init(_ state: VerifyState) {
    let engine = VerdictEngine(seed: state.plan.run.seed)
    verdict = engine.verdict(state.summary)
    measurements = EvidenceReport.Measurements(state.summary, engine)
    plan = state.plan
  }

  /// What the state at `path` puts into the inspector's Verdict panel.
  ///
  /// - Throws: a sentence if it is of another model than the one with these weights.
  static func actions(_ path: String, weightsSHA256: String) throws -> [Action] {
    let state = try VerifyState(path: path)
    guard state.plan.run.weightsSHA256 == weightsSHA256 else {
      throw UsageProblem(
        "\(path): is of weights \(state.plan.run.weightsSHA256.prefix(12)), expected \(weightsSHA256.prefix(12))")
    }
    let text = VerifyText(state)
    return [.verdict(text.verdict), .vocoRows(text.measurements.rows)]
  }

  func text(_ format: ReportFormat) throws -> String {
    switch format {
    case .text: text
    case .json: try json
    case .csv: csv
    }
  }

  private var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }
  }

  private var report: EvidenceReport {
    EvidenceReport(verdict, run: plan.run, inputs: plan.inputs, measurements: measurements)
  }

  private var text: String {
    var lines = [verdict.conclusion]
    for tier in verdict.tiers {
      let numbers = [tier.effectText, tier.intervalText].compactMap { $0 }.joined(separator: " ")
      lines += ["", "\(tier.tier.rawValue): \(tier.word.rawValue)  \(numbers)  n = \(tier.n)", "  \(tier.sentence)"]
      lines += tier.details.map { "  \($0)" } + ["  Rule: \(tier.rule)"]
    }
    lines += ["", "controls"]
    for control in verdict.controls {
      lines.append("  \(control.name.rawValue): \(Self.word(control)). \(control.sentence)")
      lines += control.details.map { "    \($0)" }
    }
    lines += VerifyTables(measurements, layout: plan.run).lines
    let run = plan.run
    lines += [
      "", "pictures \(verdict.n), seed \(verdict.seed), \(plan.inputs.draws) matched draws, prompt: \(run.prompt)",
      "SHA-256 of the pictures \(plan.inputs.picturesSHA256)",
      "model \(run.modelName), config \(run.configSHA256), weights \(run.weightsSHA256), vocoscope \(run.version)",
    ]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func word(_ control: ControlResult) -> String {
    control.outcome.map { $0 ? "passed" : "not passed" } ?? "not measured"
  }

  private var csv: String {
    var rows = [["kind", "name", "verdict", "effect", "low", "high", "n", "sentence"]]
    for tier in verdict.tiers {
      let numbers = [tier.effect, tier.interval?.low, tier.interval?.high].map { $0.map { "\($0)" } ?? "" }
      rows.append(["tier", tier.tier.rawValue, tier.word.rawValue] + numbers + ["\(tier.n)", tier.sentence])
    }
    for control in verdict.controls {
      rows.append(["control", control.name.rawValue, Self.word(control), "", "", "", "", control.sentence])
    }
    for number in measurements.numbers {
      let values = [number.mean, number.interval?.low, number.interval?.high].map { $0.map { "\($0)" } ?? "" }
      rows.append(["number", number.name, number.unit.rawValue] + values + ["\(number.n)", number.label])
    }
    rows.append(["conclusion", "", verdict.anecdote ? "anecdote" : "", "", "", "", "\(verdict.n)", verdict.conclusion])
    rows.append(["provenance", "seed", "", "", "", "", "", "\(verdict.seed)"])
    rows.append(["provenance", "draws", "", "", "", "", "", "\(plan.inputs.draws)"])
    rows.append(["provenance", "pictures_sha256", "", "", "", "", "", plan.inputs.picturesSHA256])
    rows.append(["provenance", "model", "", "", "", "", "", plan.run.modelName])
    rows.append(["provenance", "config_sha256", "", "", "", "", "", plan.run.configSHA256])
    rows.append(["provenance", "weights_sha256", "", "", "", "", "", plan.run.weightsSHA256])
    return rows.map { $0.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
  }

  /// RFC 4180.
  private static func quoted(_ field: String) -> String {
    guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
    return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

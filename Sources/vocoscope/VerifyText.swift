import Evidence
import Foundation

/// A verdict as `verify` prints it.
struct VerifyText {
  let verdict: EvidenceVerdict
  let plan: VerifyPlan

  init(_ state: VerifyState) {
    verdict = VerdictEngine(seed: state.plan.run.seed).verdict(state.summary)
    plan = state.plan
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
      return String(decoding: try encoder.encode(EvidenceReport(verdict, run: plan.run)), as: UTF8.self) + "\n"
    }
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
    }
    let run = plan.run
    lines += [
      "", "pictures \(verdict.n), seed \(verdict.seed), \(plan.draws) matched draws, prompt: \(run.prompt)",
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
    rows.append(["conclusion", "", verdict.anecdote ? "anecdote" : "", "", "", "", "\(verdict.n)", verdict.conclusion])
    rows.append(["provenance", "seed", "", "", "", "", "", "\(verdict.seed)"])
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

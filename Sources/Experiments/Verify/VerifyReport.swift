package import Evidence
import Foundation
import Reports
import Statistics

/// A verdict as `verify` prints it.
package struct VerifyReport: Sendable {
  package let verdict: EvidenceVerdict
  package let summary: EvidenceSummary
  package let plan: VerifyPlan

  package init(_ state: VerifyState) {
    plan = state.plan
    summary = state.summary
    verdict = VerdictEngine(seed: plan.run.seed).verdict(summary)
  }

  package var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let report = EvidenceReport(verdict, summary, inputs: plan.inputs)
      return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
    }
  }

  package var text: String {
    var lines = [verdict.headline, "", verdict.conclusion]
    for tier in verdict.tiers {
      lines += tierLines(tier, title: tier.tier.rawValue + (tier.tier == .causes ? verdict.askedClause : ""))
    }
    if verdict.vocos.count > 1 || verdict.prompts.count > 1 { lines += tokenLines }
    lines += ["", "controls"]
    lines += TextTable(.each([.leading, .leading, .leading])).lines(
      verdict.controls.map { [$0.name.rawValue, Self.word($0), $0.sentence] })
    lines += headLines + headEffectLines + rowLines + warningLines + provenanceLines
    return lines.joined(separator: "\n") + "\n"
  }

  private func tierLines(_ tier: TierVerdict, title: String) -> [String] {
    let numbers = [tier.effectText, tier.intervalText].compactMap { $0 }.joined(separator: " ")
    var lines = ["", "\(title): \(tier.word.rawValue)  \(numbers)  n = \(tier.n)", "  \(tier.sentence)"]
    if let smallest = tier.smallestDetectable {
      lines.append("  Smallest effect found with 80 % power: \(significant(smallest)).")
    }
    return lines + tier.details.map { "  \($0)" } + ["  Rule: \(tier.rule)"]
  }

  private var tokenLines: [String] {
    let rows = verdict.vocos.enumerated().flatMap { number, voco in
      voco.causes.indices.map { prompt in
        [
          "\(number + 1)", verdict.prompts[prompt], voco.attends.word.rawValue, voco.contributes.word.rawValue,
          voco.causes[prompt].word.rawValue, voco.causes[prompt].effectText ?? "",
        ]
      }
    }
    return ["", "every voco token and prompt"]
      + TextTable().lines([["token", "prompt", "attends", "contributes", "causes", "effect"]] + rows)
  }

  private var headLines: [String] {
    let maps = EvidenceMaps(summary, voco: verdict.headlineVoco)
    let heads = ["layer"] + (0..<summary.run.heads).map { "h\($0 + 1)" }
    let rows = maps.samePosition.enumerated().map { layer, values in
      ["L\(layer + 1)"] + values.map { String(Self.lift($0).drop { $0 == "×" }) }
    }
    var lines =
      [
        "",
        "lift in the same positions by live layer and head"
          + (summary.run.inspected == nil ? "; the last layer is read by nobody" : ""),
      ]
      + TextTable(.trailingButFirst, isMatrix: true).lines([heads] + rows)
    let found = verdict.heads.map {
      "layer \($0.layer + 1) head \($0.head + 1) \(Self.lift($0.lift))"
        + (verdict.vocos.count > 1 ? " (voco token \($0.voco + 1))" : "")
    }
    if let untested { return lines + ["  " + untested] }
    lines.append(
      found.isEmpty
        ? "  No head stands out above ×1.25 (max-T, family-wise 5 %)."
        : "  Above ×1.25 (max-T, family-wise 5 %): \(found.prefix(12).joined(separator: ", "))"
          + (found.count > 12 ? " and \(found.count - 12) more." : "."))
    lines.append("  " + layerSentence)
    return lines
  }

  /// That there are too few pictures to look for heads and layers that stand out; nil if there are enough.
  var untested: String? {
    let fewest = VerdictRule().fewestFlipped
    return verdict.n < fewest ? "Heads and layers are not tested on fewer than \(fewest) pictures." : nil
  }

  /// The layers that stand out, their heads pooled.
  var layerSentence: String {
    let test = "(max-T over layers, family-wise 5 %)"
    guard !verdict.layers.isEmpty else { return "No layer stands out above ×1.25 \(test)." }
    let named = verdict.layers.prefix(12).map {
      "layer \($0.layer + 1) (\(Self.lift($0.lift))\(verdict.vocos.count > 1 ? ", voco token \($0.voco + 1)" : ""))"
    }
    let more = verdict.layers.count - named.count
    return "\(verdict.layers.count) of \(summary.run.liveLayers * summary.run.vocoTokens) live layers stand above "
      + "×1.25, heads pooled \(test): \(named.joined(separator: ", "))"
      + (more > 0 ? " and \(more) more." : ".")
  }

  /// A lift over almost nothing has no digits that mean anything.
  static func lift(_ lift: Double) -> String { lift > 999 ? ">×999" : "×\(significant(lift))" }

  /// What single heads carry of what the anchors hold.
  private var headEffectLines: [String] {
    verdict.headEffects.flatMap { effects -> [String] in
      let asked = verdict.prompts.count > 1 ? ", asked “\(verdict.prompts[effects.prompt])”" : ""
      return [
        "",
        "the anchors' values in one head's edges alone\(asked): part of the answer's way to the donor's (\(effects.scale.rawValue))",
        "  \(effects.sentence)",
      ]
        + TextTable(.each([.leading, .leading, .leading])).lines(
          [["head", "effect", ""]]
            + effects.heads.map { head in
              [
                name(head.place), head.effect.text,
                head.isAbove ? "above \(significant(effects.bound))" : "",
              ]
            } + [["all together", effects.together.text, ""]])
        + [
          "  Intervals of single heads hold for all \(effects.heads.count) at once (each at "
            + "\(decimal(100 * effects.confidence, digits: 2)) %)."
        ]
    }
  }

  func name(_ place: HeadPlace) -> String {
    place.name + (verdict.vocos.count > 1 ? " (voco token \(place.voco + 1))" : "")
  }

  /// The paper's heat map in per mille, and all patches beside it.
  private var rowLines: [String] {
    let all = summary.rows
    guard let first = all.first else { return [] }
    let shown = min(VocoRow.firstPatches, first.patches.count)
    let head =
      [""] + first.anchors.indices.map { "A\($0 + 1)" } + (0..<shown).map { "P\($0 + 1)" } + ["all P"]
    let perMille = { (value: Double) in decimal(1000 * value, digits: 1) }
    let rows = all.map { row in
      [row.name] + row.anchors.map(perMille) + row.patches.prefix(shown).map(perMille)
        + [perMille(row.patches.reduce(0, +))]
    }
    return [
      "",
      "the paper's heat map: \(summary.run.askerName) over \(first.anchors.count) anchors and the first \(shown) of "
        + "\(first.patches.count) patches, in per mille (\(VocoRow.formula))",
    ] + TextTable(.trailingButFirst, isMatrix: true).lines([head] + rows)
  }

  /// How many pictures' files had something wrong with them, and the first of them.
  private var warningLines: [String] {
    guard let warnings = plan.inputs.pictureWarnings else { return [] }
    let shown = warnings.prefix(5) + (warnings.count > 5 ? ["…"] : [])
    return ["", "pictures decoded in spite of a warning: \(warnings.count)"] + shown.map { "  \($0)" }
  }

  private var provenanceLines: [String] {
    let run = plan.run
    return [
      "",
      "pictures \(verdict.n), seed \(verdict.seed), \(plan.inputs.randomModels) random models, prompts: "
        + run.prompts.joined(separator: " | "),
      "SHA-256 of the pictures \(plan.inputs.picturesSHA256)",
      "model \(run.modelName), config \(run.configSHA256), weights \(run.weightsSHA256), vocoscope \(run.version)",
    ]
  }

  static func word(_ control: ControlResult) -> String {
    control.outcome.map { $0 ? "passed" : "not passed" } ?? "open"
  }

  package var csv: String {
    var rows = [["kind", "name", "verdict", "effect", "low", "high", "n", "sentence"]]
    let numbers = { (effect: Double?, low: Double?, high: Double?) in
      [effect, low, high].map { $0.map { "\($0)" } ?? "" }
    }
    for tier in verdict.tiers {
      rows.append(
        ["tier", tier.tier.rawValue, tier.word.rawValue]
          + numbers(tier.effect, tier.interval?.low, tier.interval?.high) + ["\(tier.n)", tier.sentence])
    }
    for (name, estimate) in causalEstimates {
      rows.append(
        ["number", name, ""] + numbers(estimate.effect, estimate.interval?.low, estimate.interval?.high)
          + ["\(estimate.n)", verdict.askedWords])
    }
    for control in verdict.controls {
      rows.append(["control", control.name.rawValue, Self.word(control), "", "", "", "", control.sentence])
    }
    for warning in plan.inputs.pictureWarnings ?? [] {
      rows.append(["warning", "picture", "", "", "", "", "", warning])
    }
    for head in verdict.heads {
      rows.append(
        ["head", "\(head.voco) \(head.layer) \(head.head)", "", "\(head.lift)", "", "", "", "p = \(head.pValue)"])
    }
    for layer in verdict.layers {
      rows.append(["layer", "\(layer.voco) \(layer.layer)", "", "\(layer.lift)", "", "", "", "p = \(layer.p)"])
    }
    for effects in verdict.headEffects {
      let all =
        effects.heads.map { head in
          ("\(head.place.voco) \(head.place.layer) \(head.place.head)", head.isAbove ? "above" : "", head.effect)
        } + [("together", "", effects.together)]
      for (name, word, estimate) in all {
        rows.append(
          ["head_effect", name, word]
            + numbers(estimate.effect, estimate.interval?.low, estimate.interval?.high)
            + ["\(estimate.n)", verdict.prompts[effects.prompt]])
      }
    }
    rows.append(["headline", "", "", "", "", "", "\(verdict.n)", verdict.headline])
    rows.append(["conclusion", "", verdict.anecdote ? "anecdote" : "", "", "", "", "\(verdict.n)", verdict.conclusion])
    let provenance = [
      ("seed", "\(verdict.seed)"), ("pictures_sha256", plan.inputs.picturesSHA256), ("model", plan.run.modelName),
      ("config_sha256", plan.run.configSHA256), ("weights_sha256", plan.run.weightsSHA256),
    ]
    for (name, value) in provenance { rows.append(["provenance", name, "", "", "", "", "", value]) }
    return CSV.text(rows)
  }

  /// The numbers behind the headline's cause, by the names of the JSON.
  var causalEstimates: [(String, EffectEstimate)] {
    guard let numbers = verdict.causalNumbers else { return [] }
    var all = Interchanged.allCases.compactMap { quantity in
      numbers.quantities[quantity].map { ("causes.\(quantity.rawValue)", $0) }
    }
    if let sufficiency = numbers.sufficiency { all.append(("causes.sufficiency", sufficiency)) }
    all.append(("causes.presence", numbers.presence))
    all.append(("causes.presence_over_matched", numbers.presenceOverMatched))
    if let kl = numbers.donorKL { all.append(("causes.donor_kl", kl)) }
    return all
  }
}

import Evidence
import Files
import Foundation
import Plots
import Statistics

/// Writes what `verify --report` and `--figure` leave behind, each file whole or not at all.
package struct EvidenceFolder {
  private let report: VerifyReport
  /// The pictures' files in the order of the run; empty where only states were merged.
  private let pictures: [String]

  package init(_ report: VerifyReport, pictures: [String]) {
    self.report = report
    self.pictures = pictures
  }

  /// The page, its figures and the JSON in the directory `path`, which is made if it is missing.
  package func write(to path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ExperimentError("\(path): cannot be made a directory")
    }
    let file = { (name: String) in URL(fileURLWithPath: path).appendingPathComponent(name).path }
    let figures = EvidenceFigures(report: report)
    // The page shows the pixels; the others are for a paper.
    for ending in ["png", "svg", "pdf"] {
      try figures.attention.write(to: file("attention.\(ending)"))
      try figures.causes.write(to: file("causes.\(ending)"))
      try writePaperFigure(to: file("paper.\(ending)"))
    }
    try FileContents.write(Array(try report.json.utf8), to: file("evidence.json"))
    try FileContents.write(Array(EvidencePage(report: report).markdown.utf8), to: file("EVIDENCE.md"))
  }

  package func writePaperFigure(to path: String) throws {
    let figure = PaperFigure(rows: report.summary.rows, plan: report.plan).figure(pictures: pictures)
    guard let figure else { throw ExperimentError("\(path): not written, no picture was measured") }
    try figure.write(to: path)
  }
}

/// The one-page write-up of a `verify` run, in Markdown: each number from its measurements, each sentence by a rule.
struct EvidencePage {
  let report: VerifyReport

  private var verdict: EvidenceVerdict { report.verdict }
  private var plan: VerifyPlan { report.plan }
  private var asker: String { plan.run.asker }

  var markdown: String { (head + claims + causes + controls + reading + repeating).joined(separator: "\n") + "\n" }

  private var head: [String] {
    [
      "# Does \(plan.run.inspected == nil ? "`<voco>`" : plan.run.asker) of \(plan.run.modelName) prioritise the anchors?",
      "", "**\(verdict.headline)**", "",
      verdict.conclusion, "",
      "\(verdict.n) pictures, asked \(prompts); up to \(DonorChoice.perPicture) donor pictures each, "
        + "\(plan.inputs.randomModels) models of permuted weights, \(plan.inputs.blanks) blank pictures. "
        + "Written by `vocoscope verify --report`; all numbers are in [evidence.json](evidence.json).",
    ]
  }

  private var prompts: String { plan.run.prompts.map { "“\($0)”" }.joined(separator: " and ") }

  private var claims: [String] {
    [
      "", "| claim | verdict | effect | interval | n | smallest found with 80 % power |",
      "| --- | --- | --- | --- | --- | --- |",
    ]
      + verdict.tiers.map { tier in
        let smallest = tier.smallestDetectable.map { (tier.tier == .causes ? "" : "×") + significant($0) } ?? ""
        return "| \(tier.tier.rawValue) | **\(tier.word.rawValue)** | \(tier.effectText ?? "") | "
          + "\(tier.intervalText ?? "") | \(tier.n) | \(smallest) |"
      } + [""] + verdict.tiers.map { "* **\($0.tier.rawValue.capitalized).** \($0.sentence)" } + heads + [
        "", "![Lifts, their controls and their map](attention.png)",
      ]
  }

  private var heads: [String] {
    if let untested = report.untested { return ["* " + untested] }
    let layers = "* \(report.layerSentence)"
    guard !verdict.heads.isEmpty else {
      return ["* No single head stands out above ×1.25 (max-T, family-wise 5 %).", layers]
    }
    let named = verdict.heads.prefix(6).map {
      "layer \($0.layer + 1) head \($0.head + 1) (\(VerifyReport.lift($0.lift)))"
    }
    return [
      "* \(verdict.heads.count) of \(plan.run.liveLayers * plan.run.heads * plan.run.vocoTokens) live heads stand above ×1.25 "
        + "in the same positions (max-T, family-wise 5 %): \(named.joined(separator: ", ")).", layers,
    ]
  }

  private var causes: [String] {
    let rows = report.causalEstimates
    guard !rows.isEmpty else { return [] }
    let asked = verdict.askedWords.isEmpty ? [] : ["", "The numbers behind “causes”, \(verdict.askedWords):"]
    return asked + ["", "| interchanged or cut | effect and interval | pictures |", "| --- | --- | --- |"]
      + rows.map { name, estimate in "| \(label(name)) | \(estimate.text) | \(estimate.n) |" }
      + ["", verdict.causes.details.first ?? ""] + headEffects
      + ["", "![How far interchanges move the answer](causes.png)"]
  }

  /// Single heads, a prompt.
  private var headEffects: [String] {
    verdict.headEffects.flatMap { effects -> [String] in
      let asked = verdict.prompts.count > 1 ? "Asked “\(verdict.prompts[effects.prompt])”: " : ""
      return [
        "", asked + effects.sentence, "",
        "| the anchors' values in the edges of | effect and interval | above \(significant(effects.bound)) |",
        "| --- | --- | --- |",
      ]
        + effects.heads.map { head in
          "| \(report.name(head.place)) | \(head.effect.text) | \(head.isAbove ? "yes" : "") |"
        }
        + [
          "| all \(effects.heads.count) together | \(effects.together.text) | |", "",
          "Heads were chosen by their attention in the first, third, fifth … picture and tested in the others, to which any "
            + "picture may have lent; intervals of single heads hold for all of them at once (each at \(decimal(100 * effects.confidence, digits: 2)) %).",
        ]
    }
  }

  private func label(_ name: String) -> String {
    let short = name.replacing("causes.", with: "")
    if let quantity = Interchanged(rawValue: short) { return quantity.words }
    return switch short {
    case "sufficiency": "sufficiency of the anchors, 1 − patches/all"
    case "presence": "edges to the anchors cut: KL, nats"
    case "presence_over_matched":
      "the same over as many random patches cut, ratio"
        + (verdict.causalNumbers?.isMatchedAtFloor == true ? " (at least: of them a cut shows nothing)" : "")
    default: "another picture instead: KL, nats"
    }
  }

  private var controls: [String] {
    ["", "| control | passed | what it tells |", "| --- | --- | --- |"]
      + verdict.controls.map { control in
        "| \(control.name.rawValue.replacing("_", with: " ")) | \(VerifyReport.word(control)) | \(control.sentence) |"
      }
  }

  /// What follows from the words and what does not.
  private var reading: [String] {
    var lines = ["", "## What this does and does not show", ""]
    lines += verdict.tiers.map { "* \(reading($0))" }
    let rule = VerdictRule()
    if verdict.headline.contains("needed") {
      lines.append(
        "* “Needed”: cutting \(asker)'s edges to the anchors changes the next token's distribution by more than "
          + "\(significant(rule.largePresence)) nats, and more than cutting as many random patches; it does not say that the answer "
          + "is lost. “Suffice”: with the edges to all patches interchanged, more than \(significant(rule.sufficient)) of the way "
          + "to the answer stays.")
    }
    lines += [
      "* One model, the prompts above and these pictures: nothing here speaks of other checkpoints, tasks or pictures of "
        + "another kind. Bounds and rules are the program's own and take no options; the three claims are tested at 5 % "
        + "each, not all three together.",
      "", "The paper's own figure, with all keys beside it:", "",
      "![Attention of \(asker) over the visual keys](paper.png)",
    ]
    return lines
  }

  private func reading(_ tier: TierVerdict) -> String {
    switch (tier.tier, tier.word) {
    case (.attends, .yes):
      "The attention of \(asker) follows the anchors wherever they stand; that alone does not show use."
    case (.attends, .no):
      "An anchor does not get ×1.25 of a patch's attention, or not where a patch stands."
    case (.contributes, .yes):
      "What varies from picture to picture in an anchor weighs more in \(asker)'s head outputs than what varies in a patch."
    case (.contributes, .no):
      "What varies in an anchor does not weigh ×1.25 as much in \(asker)'s head outputs as what does in a patch, or not "
        + "where a patch stands."
    case (.causes, .yes): "The answer follows what these anchors hold, further than what as many patches hold."
    case (.causes, .no):
      "Through \(asker)'s own edges, what the anchors hold does not move the answer by as much as 0.05 of the way; another "
        + "question may be answered from them."
    case (.attends, .undecided):
      "Whether \(asker)'s attention goes to an anchor more than to a patch, as training would have it, is open."
    case (.contributes, .undecided):
      "Whether what varies in an anchor weighs more in \(asker)'s head outputs than what varies in a patch is open."
    case (.causes, .undecided): "Whether the answer follows what the anchors hold is open."
    case (_, .notMeasured): "“\(tier.tier.rawValue)” was not measured."
    }
  }

  private var repeating: [String] {
    let run = plan.run
    let asked = run.prompts.map { "--prompt \"\($0)\"" }.joined(separator: " ")
    return ["", "## Rules and provenance", ""] + verdict.tiers.map { "* **\($0.tier.rawValue)**: \($0.rule)" } + [
      "",
      "Config SHA-256 `\(run.configSHA256)`, weights `\(run.weightsSHA256)`, pictures `\(plan.inputs.picturesSHA256)`, "
        + "seed \(run.seed), vocoscope \(run.version). "
        + "`vocoscope verify PICTURES --model MODEL --seed \(run.seed) \(asked) --report DIR` writes the same bytes "
        + "where kernels and threads are the same.",
    ]
  }
}

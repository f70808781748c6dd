import Evidence
import Foundation

/// The one-page write-up of a `verify` run, in Markdown: each number from its measurements, each sentence by a rule.
struct EvidencePage {
  let verdict: EvidenceVerdict
  let measurements: EvidenceReport.Measurements
  let plan: VerifyPlan

  var markdown: String {
    (head + claims + controls + cuts + reading + repeating).joined(separator: "\n") + "\n"
  }

  private var head: [String] {
    let warning =
      plan.run.untrainedParts.isEmpty
      ? [] : ["", "Untrained parts: \(plan.run.untrainedParts.joined(separator: ", ")). No verdict can be yes."]
    return [
      "# Does `<voco>` of \(plan.run.modelName) prioritise the anchors?", "", "**\(verdict.conclusion)**",
    ] + warning + [
      "",
      "\(verdict.n) pictures, \(plan.inputs.draws) matched draws each, \(plan.inputs.randomModels) models of random weights. "
        + "Intervals: 95 %, BCa bootstrap over pictures, 10,000 draws. Written by `vocoscope verify --report`; all numbers are in "
        + "[evidence.json](evidence.json).",
    ]
  }

  private var claims: [String] {
    [
      "", "| claim | verdict | effect | interval | n |", "| --- | --- | --- | --- | --- |",
    ]
      + verdict.tiers.map { tier in
        "| \(tier.tier.rawValue) | **\(tier.word.rawValue)** | \(tier.effectText ?? "") | \(tier.intervalText ?? "") | \(tier.n) |"
      } + [""] + verdict.tiers.map { "* **\($0.tier.rawValue.capitalized).** \($0.sentence)" } + [
        "", "![Lifts, their controls and their map](attention.png)",
      ]
  }

  private var controls: [String] {
    [
      "", "| control | passed | what it tells |", "| --- | --- | --- |",
    ]
      + verdict.controls.map { control in
        let passed = control.outcome.map { $0 ? "yes" : "no" } ?? "not measured"
        let more = control.name == .blank ? [] : control.details
        return "| \(control.name.rawValue.replacing("_", with: " ")) | \(passed) | "
          + ([control.sentence] + more).joined(separator: " ") + " |"
      }
  }

  private var cuts: [String] {
    let names = [
      "causes.kl", "causes.kl_matched", "causes.percentile", "causes.kl_largestNorm", "causes.kl_mostAttended",
      "causes.kl_nearest", "causes.kl_samePosition", "causes.kl_all_patches", "causes.kl_content",
      "causes.kl_shuffled", "causes.logit_difference", "causes.cosine", "causes.answer_changed",
      "causes.answer_changed_matched",
    ]
    let rows = names.compactMap { measurements[$0] }
    guard !rows.isEmpty else { return [] }
    return ["", "| cut or replaced | mean and interval |", "| --- | --- |"]
      + rows.map { "| \($0.label) | \($0.text)\($0.unit == .part ? "" : " \($0.unit.rawValue)") |" }
      + ["", "![Effects of cuts](causes.png)"]
  }

  /// What follows from the words and what does not.
  private var reading: [String] {
    var lines = ["", "## What this does and does not show", ""]
    if verdict.anecdote { lines.append("* Fewer than 30 pictures: an anecdote, whatever the intervals say.") }
    for tier in verdict.tiers { lines.append("* \(reading(tier))") }
    let failed = verdict.controls.filter { $0.outcome != true }.map { $0.name.rawValue.replacing("_", with: " ") }
    lines.append(
      failed.isEmpty
        ? "* All controls are passed."
        : "* Not passed: \(failed.joined(separator: ", ")). A claim that needs such a control stays undecided or is refused."
    )
    lines += [
      "* One model, one question (“\(plan.run.prompt)”) and pictures of one kind: nothing here speaks of other checkpoints or "
        + "tasks. Rules were fixed before the data were seen; the three claims are tested at 5 % each.",
      "", "The paper's own figure, with all keys beside it:", "",
      "![Attention of voco over the visual keys](paper.png)",
    ]
    return lines
  }

  private func reading(_ tier: TierVerdict) -> String {
    switch (tier.tier, tier.word) {
    case (.attends, .yes): "voco's attention follows the anchors wherever they stand; that alone does not show use."
    case (.attends, .no):
      "The attention that anchors get is no priority of theirs over patches, or belongs to where they stand."
    case (.contributes, .yes):
      "The anchors' values weigh more in voco's head outputs than a patch's, sinks of small value apart."
    case (.contributes, .no): "The anchors' values do not weigh more in voco's head outputs than a patch's."
    case (.causes, .yes): "The next token depends on voco seeing these anchors, more than on as many patches."
    case (.causes, .no):
      "The rule for a cause is not met; the claim above says which part: the effect's size, or what anchors hold."
    case (_, .undecided):
      "Whether the anchors are what “\(tier.tier.rawValue)” says is open: the rule asks for more than was shown."
    case (_, .notMeasured): "“\(tier.tier.rawValue)” was not measured."
    }
  }

  private var repeating: [String] {
    let run = plan.run
    return ["", "## Rules and provenance", ""]
      + verdict.tiers.map { "* **\($0.tier.rawValue)**: \($0.rule)" } + [
        "",
        "Config SHA-256 `\(run.configSHA256)`, weights `\(run.weightsSHA256)`, pictures `\(plan.inputs.picturesSHA256)`, "
          + "seed \(run.seed), prompt “\(run.prompt)”, vocoscope \(run.version). "
          + "`vocoscope verify PICTURES --model MODEL --seed \(run.seed) --draws \(plan.inputs.draws) --prompt \"\(run.prompt)\" "
          + "--report DIR` writes the same bytes.",
      ]
  }
}

import ColorMaps
import Evidence
import Foundation
import Plots
import Statistics

/// The figures of a `verify` run.
struct EvidenceFigures {
  let report: VerifyReport

  private var verdict: EvidenceVerdict { report.verdict }
  private var rule: VerdictRule { VerdictRule() }

  private var source: String {
    let run = report.plan.run
    return "\(run.modelName), weights \(run.weightsSHA256.prefix(12)), pictures "
      + "\(report.plan.inputs.picturesSHA256.prefix(12)), n = \(verdict.n), seed \(run.seed), vocoscope \(run.version)"
  }

  /// Attends and contributes, and by layer and head.
  var attention: Figure {
    let maps = EvidenceMaps(report.summary, voco: verdict.headlineVoco)
    return Figure(
      title: "Attends and contributes", columns: 2, panelWidth: 470, panelHeight: 330,
      panels: [
        lifts, map("Lift by live layer and head", maps.lift), randomModels("Attends", \.attends),
        map("In the same positions", maps.samePosition),
      ],
      notes: [
        "Lift: an anchor's share over a patch's, means over live layers and heads; what voco attends to in the last layer is "
          + "read by nobody. Points: geometric means over pictures, bars: intervals of the verdict.", source,
      ])
  }

  /// How far interchanges move the answer.
  var causes: Figure {
    Figure(
      title: "Causes", columns: 2, panelWidth: 470, panelHeight: 330,
      panels: [effects, controls, presence, randomModels("Causes", nil)] + verdict.headEffects.map(singleHeads),
      notes: [
        "Effect: the part of the way to the donor picture's answer (\(verdict.causalNumbers?.scale.rawValue ?? "LD")), ratio "
          + "of sums over pairs; intervals: bootstrap over pictures and donors. KL: geometric means.", source,
      ])
  }

  private var lifts: Chart {
    let tiers = [verdict.attends, verdict.contributes].filter { $0.effect != nil }
    let points = tiers.enumerated().map { index, tier in
      DataPoint(Double(index), tier.effect ?? 1, low: tier.interval?.low, high: tier.interval?.high)
    }
    return Chart(
      title: "How much more an anchor gets than a patch", x: .categories(tiers.map(\.tier.rawValue)),
      y: ChartAxis("lift", scale: .logarithmic),
      marks: [
        .horizontalRule(1, name: "like a patch"),
        .horizontalRule(rule.minimumLift, name: "×\(rule.minimumLift) needed", color: .series(1)),
        .points(DataSeries("the lower of lift and same position", color: .series(0), points: points), radius: 4),
      ])
  }

  /// A layer × head map on a logarithmic colour scale that is symmetric about 1.
  private func map(_ title: String, _ values: [[Double]]) -> MatrixPlot {
    let logs = values.map { $0.map { log2(max($0, 1e-6)) as Double? } }
    let largest = max(1, logs.joined().compactMap { $0.map(abs) }.max() ?? 1)
    return MatrixPlot(
      title: title, values: logs, rowTicks: ticks(logs.count), columnTicks: ticks(logs[0].count), rowLabel: "layer",
      columnLabel: "head", range: -largest...largest, map: .blueOrange, measure: "log₂ lift", words: [])
  }

  /// Numbers from 1, at most twelve of them.
  private func ticks(_ count: Int) -> [ScaleTick] {
    stride(from: 0, to: count, by: max(1, (count + 11) / 12)).map { ScaleTick(Double($0), "\($0 + 1)") }
  }

  private func bars(
    _ title: String, _ shown: [(String, EffectEstimate)], axis: ChartAxis, rules: [ChartMark] = []
  ) -> Chart {
    let points = shown.enumerated().map { index, one in
      DataPoint(Double(index), one.1.effect, low: one.1.interval?.low, high: one.1.interval?.high)
    }
    return Chart(
      title: title, x: .categories(shown.map(\.0)), y: axis,
      marks: rules + [.points(DataSeries("estimate and interval", color: .series(0), points: points), radius: 4)])
  }

  private var effects: Chart {
    let shown: [Interchanged] = [.content, .steering, .edges, .total, .patches, .visual]
    let numbers = verdict.causalNumbers
    return bars(
      "Interchanged with a donor's", shown.compactMap { one in numbers?.quantities[one].map { (one.rawValue, $0) } },
      axis: ChartAxis("part of the way"),
      rules: [
        .horizontalRule(0, name: "nothing moves"),
        .horizontalRule(rule.minimumEffect, name: "\(rule.minimumEffect) needed", color: .series(1)),
      ])
  }

  private var controls: Chart {
    let numbers = verdict.causalNumbers
    let names: [Interchanged: String] = [
      .content: "anchors", .random: "random", .mostAttended: "most attended", .largestNorm: "largest norm",
      .nearest: "nearest",
    ]
    let shown = ([.content] + Interchanged.controls).compactMap { one in
      numbers?.quantities[one].map { (names[one] ?? one.rawValue, $0) }
    }
    return bars(
      "Values of the anchors, and of as many patches", shown, axis: ChartAxis("part of the way"),
      rules: [.horizontalRule(0, name: "nothing moves")])
  }

  /// The anchors' values in one head's edges, layer·head.
  private func singleHeads(_ effects: HeadEffects) -> Chart {
    let asked = verdict.prompts.count > 1 ? ", “\(verdict.prompts[effects.prompt])”" : ""
    return bars(
      "In single heads (layer·head)\(asked)",
      effects.heads.map { ("\($0.place.layer + 1)·\($0.place.head + 1)", $0.effect) } + [("all", effects.together)],
      axis: ChartAxis("part of the way (\(effects.scale.rawValue))"),
      rules: [
        .horizontalRule(0, name: "nothing moves"),
        .horizontalRule(effects.bound, name: "\(effects.bound) of interest", color: .series(1)),
      ])
  }

  private var presence: Chart {
    var shown: [(String, EffectEstimate)] = []
    if let numbers = verdict.causalNumbers {
      shown.append(("anchors cut", numbers.presence))
      if let kl = numbers.donorKL { shown.append(("another picture", kl)) }
    }
    return bars("What the next token loses", shown, axis: ChartAxis("KL, nats", scale: .logarithmic))
  }

  /// The random models' values in ascending order; `nil` for movements of the answer, in logits.
  private func randomModels(_ title: String, _ lift: KeyPath<RandomModelEvidence, Double>?) -> Chart {
    let models = report.summary.randomModels
    let values = models.map { model in lift.map { exp(model[keyPath: $0]) } ?? model.movement.first ?? 0 }.sorted()
    return Chart(
      title: "\(title): models of permuted weights", x: ChartAxis("model, in ascending order"),
      y: lift == nil ? ChartAxis("logits towards the donor") : ChartAxis("lift, same position", scale: .logarithmic),
      marks: [
        .points(
          DataSeries(
            "permuted", color: .series(0),
            points: values.enumerated().map { DataPoint(Double($0.offset + 1), $0.element) }))
      ])
  }
}

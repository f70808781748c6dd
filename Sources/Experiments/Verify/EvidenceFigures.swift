import ColorMaps
import Evidence
import Foundation
import ImageLoading
import Plots
import Statistics

/// The figures of a `verify` run.
struct EvidenceFigures {
  let report: VerifyReport

  private var verdict: EvidenceVerdict { report.verdict }
  private var rule: VerdictRule { VerdictRule() }

  private var deadLayer: String {
    report.plan.run.inspected == nil ? "; what voco attends to in the last layer is read by nobody" : ""
  }

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
        "Lift: an anchor's share over a patch's, means over live layers and heads\(deadLayer). Points: geometric means over pictures, bars: intervals of the verdict.",
        source,
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
    let values = models.map { model in lift.map { exp(model[keyPath: $0]) } ?? model.movement[verdict.headlinePrompt] }
      .sorted()
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

/// The paper's heat map: voco over the anchors and the first patches, one line per picture, with all visual keys beside it.
struct PaperFigure {
  let rows: [VocoRow]
  let plan: VerifyPlan

  /// - Parameter pictures: the files of the run in its order, for thumbnails; those that cannot be read are left out.
  func figure(pictures: [String]) -> Figure? {
    guard let first = rows.first, !first.anchors.isEmpty else { return nil }
    let shown = min(VocoRow.firstPatches, first.patches.count)
    let all = rows.map { $0.anchors + $0.patches }
    let range = 0...max(all.joined().max() ?? 1, 1e-9)
    let height = Double(rows.count) * 26 + 60
    let thumbnails = tiles(pictures)
    let panels: [any FigurePanel] = [
      map(
        "anchors and first \(shown) patches", all.map { Array($0.prefix(first.anchors.count + shown)) }, range,
        first, names: true),
      map("all \(all[0].count) visual keys", all, range, first, names: false),
    ]
    let strip: [any FigurePanel] =
      thumbnails.isEmpty ? [] : [TileGrid(title: "pictures", tiles: thumbnails, columns: 2)]
    return Figure(
      title:
        "Attention of \(plan.run.askerName) over \(first.anchors.count) anchors and the patches, \(rows.count) pictures",
      columnWidths: (strip.isEmpty ? [] : [max(90, height / 4.6)]) + [520, 620], rowHeights: [height],
      panels: strip + panels,
      notes: [
        "Colour: \(VocoRow.formula). One range for both maps. The paper states no layer, head or averaging rule for its "
          + "figure; the anchors hold the first visual positions, where attention sinks live, so this map alone "
          + "proves nothing: see the controls.",
        "\(plan.run.modelName), weights \(plan.run.weightsSHA256.prefix(12)), pictures "
          + "\(plan.inputs.picturesSHA256.prefix(12)), prompts “\(plan.run.prompts.joined(separator: " | "))”, vocoscope \(plan.run.version)",
      ])
  }

  private func map(
    _ title: String, _ values: [[Double]], _ range: ClosedRange<Double>, _ first: VocoRow, names: Bool
  ) -> MatrixPlot {
    let anchors = first.anchors.count
    let columns = values[0].count
    let ticks =
      names
      ? (0..<columns).map { ScaleTick(Double($0), $0 < anchors ? "A\($0 + 1)" : "P\($0 - anchors + 1)") }
      : [ScaleTick(0, "A1")]
        + stride(from: 0, to: columns - anchors, by: max(1, (columns - anchors) / 6)).dropFirst().map {
          ScaleTick(Double($0 + anchors), "P\($0 + 1)")
        }
    return MatrixPlot(
      title: title, values: values,
      rowTicks: rows.enumerated().map { ScaleTick(Double($0.offset), label($0.element, names)) },
      columnTicks: ticks, range: range, measure: "share")
  }

  /// The picture's number, and its name where there is room.
  private func label(_ row: VocoRow, _ isLong: Bool) -> String {
    isLong ? "\(row.index + 1) \(row.name.count > 18 ? "…" + row.name.suffix(17) : row.name)" : "\(row.index + 1)"
  }

  private func tiles(_ pictures: [String]) -> [TileGrid.Tile] {
    rows.filter { pictures.indices.contains($0.index) }.compactMap { row in
      (try? ImageDecoder.decode(path: pictures[row.index]).image.preview(maxSide: 160)).map {
        TileGrid.Tile($0, caption: "\(row.index + 1)")
      }
    }
  }
}

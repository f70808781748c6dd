import ColorMaps
import Evidence
import Foundation
import ImageLoading
import Plots
import Statistics
import Trace

/// The figures of a `verify` run; every number is one of its measurements.
struct EvidenceFigures {
  private let measurements: EvidenceReport.Measurements
  private let plan: VerifyPlan
  private let rule = VerdictRule()

  init(_ measurements: EvidenceReport.Measurements, plan: VerifyPlan) {
    self.measurements = measurements
    self.plan = plan
  }

  private var source: String {
    let run = plan.run
    return "\(run.modelName), weights \(run.weightsSHA256.prefix(12)), \(plan.inputs.pictures) pictures "
      + "\(plan.inputs.picturesSHA256.prefix(12)), seed \(run.seed), prompt “\(run.prompt)”, vocoscope \(run.version)"
  }

  /// Whether voco attends and what contributes: lifts with their controls, by layer and head, beside random models.
  var attention: Figure {
    Figure(
      title: "Attends and contributes", columns: 2, panelWidth: 470, panelHeight: 330,
      panels: [
        lifts,
        map(
          "Lift by layer and head", measurements.maps.lift, signs: measurements.maps.liftDirection.map { $0.map(sign) }),
        randomModels("Attends: models of random weights", \.attends),
        map("Lift of α·‖v·W_o‖ by layer and head", measurements.maps.normWeightedLift, signs: nil),
      ],
      notes: [
        "Lift: an anchor's share over a patch's. Points: geometric mean over pictures, bars: 95 % BCa interval. Signs: + above, "
          + "− below even attention over the visual keys (sign-flip test, Benjamini–Hochberg 5 %).", source,
      ])
  }

  /// What depends on the anchors: effects of cuts and their comparisons, by layer and head, beside random models.
  var causes: Figure {
    var panels: [any FigurePanel] = [effects, layerCuts]
    if !measurements.maps.headKL.isEmpty { panels.append(headCuts) }
    panels.append(randomModels("Causes: models of random weights", \.causes))
    return Figure(
      title: "Causes", columns: 2, panelWidth: 470, panelHeight: 330, panels: panels,
      notes: [
        "KL of the next-token distribution in nats when voco's edges are cut or its inputs replaced. Bars: mean over pictures "
          + "and 95 % BCa interval; one layer or head: mean over pictures, as many random patches cut there beside it; "
          + "the last layer's cut cannot reach the text, which reads voco's keys and values; + more, − less than those (sign-flip test, Benjamini–Hochberg 5 %).",
        source,
      ])
  }

  private var lifts: Chart {
    let shown: [(String, String)] = [
      ("attends.lift", "attends"), ("attends.lift_over_uniform", "over even attention"),
      ("attends.lift_visual", "visual keys only"), ("attends.lift_without_sinks", "without sinks"),
      ("attends.lift_behind", "anchors behind"), ("attends.lift_swapped", "positions swapped"),
      ("attends.lift_same_position", "same position"), ("contributes.lift", "contributes"),
      ("contributes.lift_same_position", "same position"), ("contributes.rollout", "rollout"),
    ]
    let known = shown.compactMap { name, label in measurements[name].map { (label, $0) } }
    let series = { (prefix: String, name: String, color: Int) in
      ChartMark.points(
        DataSeries(
          name, color: .series(color),
          points: known.enumerated().filter { $0.element.1.name.hasPrefix(prefix) }.map { index, one in
            DataPoint(Double(index), one.1.mean, low: one.1.interval?.low, high: one.1.interval?.high)
          }), radius: 4)
    }
    return Chart(
      title: "How much more an anchor gets than a patch", x: .categories(known.map(\.0)),
      y: ChartAxis("lift", scale: .logarithmic),
      marks: [
        .horizontalRule(1, name: "like a patch"),
        .horizontalRule(rule.minimumLift, name: "×\(rule.minimumLift) needed", color: .series(1)),
        series("attends", "share", 0), series("contributes", "α·‖v·W_o‖", 2),
      ])
  }

  private func sign(_ direction: CellFinding.Direction) -> String {
    switch direction {
    case .above: "+"
    case .below: "−"
    case .none: ""
    }
  }

  /// A layer × head map on a logarithmic colour scale that is symmetric about 1.
  private func map(_ title: String, _ values: [[Double?]], signs: [[String]]?) -> MatrixPlot {
    let logs = values.map { $0.map { value in value.map { log2(max($0, 1e-6)) } } }
    let largest = max(1, logs.joined().compactMap { $0.map(abs) }.max() ?? 1)
    return MatrixPlot(
      title: title, values: logs, rowTicks: ticks(logs.count), columnTicks: ticks(logs[0].count), rowLabel: "layer",
      columnLabel: "head", range: -largest...largest, map: .blueOrange, measure: "log₂ lift", words: signs ?? [])
  }

  /// Numbers from 1, at most twelve of them.
  private func ticks(_ count: Int) -> [AxisTick] {
    stride(from: 0, to: count, by: max(1, (count + 11) / 12)).map { AxisTick(Double($0), "\($0 + 1)") }
  }

  private var effects: Chart {
    var shown = [("causes.kl", "anchors cut"), ("causes.kl_matched", "random patches")]
    for comparator in CutComparator.allCases {
      let words =
        comparator == .samePosition
        ? "same position" : comparator.rawValue.replacingOccurrences(of: " patches", with: "")
      shown.append(("causes.kl_\(comparator)", words))
    }
    shown.append(("causes.kl_all_patches", "all patches"))
    for ablation in Ablation.allCases { shown.append(("causes.kl_\(ablation)", "\(ablation.rawValue)-ablated")) }
    shown.append(("causes.kl_content", "other picture's"))
    shown.append(("causes.kl_content_matched", "its patches"))
    shown.append(("causes.kl_shuffled", "codes shuffled"))
    let known = shown.compactMap { name, label in measurements[name].map { (label, $0) } }
    let bars = { (isOurs: Bool) in
      DataSeries(
        isOurs ? "anchors" : "for comparison", color: .series(isOurs ? 0 : 4),
        points: known.enumerated().filter { Self.isOfAnchors($0.element.1.name) == isOurs }.map { index, one in
          DataPoint(Double(index), one.1.mean, low: one.1.interval?.low, high: one.1.interval?.high)
        })
    }
    return Chart(
      title: "What the next token loses", x: .categories(known.map(\.0)),
      y: ChartAxis("KL, nats", scale: .logarithmic),
      marks: [
        .bars(bars(true)), .bars(bars(false)),
        .horizontalRule(rule.minimumKL, name: "\(rule.minimumKL) nats needed", color: .series(1)),
      ])
  }

  private static func isOfAnchors(_ name: String) -> Bool {
    let anchors =
      ["causes.kl", "causes.kl_content", "causes.kl_shuffled"] + Ablation.allCases.map { "causes.kl_\($0)" }
    return anchors.contains(name)
  }

  private var layerCuts: Chart {
    let maps = measurements.maps
    return Chart(
      title: "Cut in one layer",
      x: .categories(maps.layerKL.indices.map { "\($0 + 1)\(sign(maps.layerDirection[$0]))" }, label: "layer"),
      y: ChartAxis("KL, nats"),
      marks: [
        .bars(DataSeries("anchors", color: .series(0), values: maps.layerKL), width: 0.38, offset: -0.2),
        .bars(DataSeries("random patches", color: .series(4), values: maps.layerMatchedKL), width: 0.38, offset: 0.2),
      ])
  }

  private var headCuts: MatrixPlot {
    let maps = measurements.maps
    let largest = log10(max(maps.headKL.joined().max() ?? 0, 1e-12))
    // Four decades below the largest effect hold what matters; what is smaller has the lowest colour.
    let logs = maps.headKL.map { $0.map { max(log10(max($0, 1e-300)), largest - 4) } }
    return MatrixPlot(
      title: "Anchors cut in one head", values: logs, rowTicks: ticks(logs.count), columnTicks: ticks(logs[0].count),
      rowLabel: "layer", columnLabel: "head", range: largest - 4...largest, measure: "log₁₀ KL",
      words: maps.headDirection.map { $0.map(sign) })
  }

  /// The random models' effects in ascending order, and the tested model's on the same pictures.
  private func randomModels(_ title: String, _ effect: KeyPath<RandomModelRun, Double?>) -> Chart {
    let isLog = effect == \.causes
    let scale = { (value: Double) in isLog ? value : exp(value) }
    let random = measurements.randomModels.compactMap { $0[keyPath: effect] }.map(scale).sorted()
    let tested = measurements.tested?[keyPath: effect].map(scale)
    let rule = tested.map { [ChartMark.horizontalRule($0, name: "this model", color: .series(1))] } ?? []
    return Chart(
      title: title, x: ChartAxis("random model, in ascending order"),
      y: ChartAxis(isLog ? "KL, nats, anchors cut" : "lift", scale: .logarithmic),
      marks: [
        .points(
          DataSeries(
            "randomly weighted", color: .series(0),
            points: random.enumerated().map { DataPoint(Double($0.offset + 1), $0.element) }))
      ] + rule)
  }
}

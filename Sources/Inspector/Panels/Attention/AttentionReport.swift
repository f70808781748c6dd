import ColorMaps
import Evidence
import Statistics
import Trace

extension InspectorState {
  var attentionReport: PanelReport {
    var report = PanelReport(.attention, title: "Attention of \(inspectedToken)")
    guard let map else {
      report.notes = [statistics?.attentionProblem ?? "The decoder has not run yet."]
      return report
    }
    report.add("formula", map.view.formula)
    report.add("layer", layerWords)
    report.add("heads", headWords)
    report.add(
      "scale",
      "\(view.scale.rawValue) from \(Format.number(map.range.lowerBound)) to \(Format.number(map.range.upperBound))")
    report.facts += shareFacts(map.view)
    if let best = inspected?.strongest {
      report.add("most", "layer \(best.layer + 1) head \(best.head + 1), \(liftText(best.lift))")
    }
    report.tables = [
      keyTable(map), patchTable(map), matrixTable(map.cells), curveTable(map.cells),
    ]
    if map.matrix.statistic != map.cells.statistic { report.tables.append(matrixTable(map.matrix)) }
    report.tables += lensTables
    if let cut = map.knockOut, let result = shownKnockOut {
      report.tables.append(knockOutTable(map.view, cut, label: result.request.label))
    }
    if let dead = inspected?.deadLayer {
      report.notes.append("What \(inspectedToken) attends to in layer \(dead + 1), the last, is read by nobody.")
    }
    report.notes += [causalHeadWords].compactMap { $0 }
    report.notes += [SinkRule().sentence(visible: map.view.layout.visible.count)]
    return report
  }

  private func shareFacts(_ view: AttentionView) -> [PanelReport.Fact] {
    let shares = view.shares
    let hasAnchors = links.anchors > 0
    let anchors: [PanelReport.Fact] = [.init(name: "anchor share", value: .share(shares.anchors))]
    let lifts: [PanelReport.Fact] = [
      .init(name: "lift", value: .init(times: shares.lift)),
      .init(name: "lift over uniform", value: .init(times: shares.liftOverUniform)),
    ]
    return (hasAnchors ? anchors : []) + [
      .init(name: "patch share", value: .share(shares.patches)),
      .init(name: "prefix share", value: .share(shares.prefix)),
      .init(name: "self share", value: .share(shares.itself)),
    ] + (hasAnchors ? lifts : []) + [
      .init(name: "keys counted", value: .integer(shares.visibleCount)),
      .init(name: "entropy (nat)", value: .number(view.entropy)),
      .init(name: "effective keys", value: .number(view.effectiveKeys)),
    ]
  }

  /// `all`, `3/6`.
  var layerWords: String { view.layer.map { "\($0 + 1)/\(layerCount)" } ?? "all \(layerCount)" }

  /// `mean of 8`, `max of 8`, `2/8`; rollout has no heads to choose.
  var headWords: String {
    if view.metric == .rollout { return "averaged in the rollout" }
    return view.head.map { "\($0 + 1)/\(headCount)" } ?? "\(view.takesMaximum ? "max" : "mean") of \(headCount)"
  }

  private func keyTable(_ map: MapStatistics) -> PanelReport.Table {
    let rows = map.listed.map { _, position -> [ReportValue] in
      let isShown = map.view.shown[position]
      return [
        .text(keyName(position)), .integer(position), isShown ? .number(map.view.values[position]) : .missing,
        .init(integer: map.view.rank(of: position)), .init(times: map.view.lift(of: position)),
      ]
    }
    return .init(
      "keys beside the patches", columns: ["key", "position", view.metric.rawValue, "rank", "lift"], rows: rows)
  }

  private func patchTable(_ map: MapStatistics) -> PanelReport.Table {
    let grid = links.geometry.patches
    let values = map.view.patchValues
    let rows = (0..<(values.count == grid.count ? grid.rows : 0)).map { row in
      [.integer(row)] + (0..<grid.columns).map { ReportValue.number(values[row * grid.columns + $0]) }
    }
    return .init("patches, \(view.metric.rawValue)", columns: ["row"] + (0..<grid.columns).map(String.init), rows: rows)
  }

  private func matrixTable(_ cells: CellStatistics) -> PanelReport.Table {
    let rows = cells.matrix.enumerated().map { layer, heads in
      [.integer(layer + 1)] + heads.map(ReportValue.init(number:))
    }
    return .init(
      "layer × head, \(cells.formula)", columns: ["layer"] + (0..<headCount).map { "head \($0 + 1)" }, rows: rows)
  }

  private func curveTable(_ cells: CellStatistics) -> PanelReport.Table {
    let rows = cells.curve.enumerated().map { layer, value in
      [ReportValue.integer(layer + 1), .init(number: value), .init(number: cells.uniform)]
    }
    return .init("over layers, \(cells.statistic.rawValue)", columns: ["layer", "value", "uniform"], rows: rows)
  }

  private func knockOutTable(_ run: AttentionView, _ cut: AttentionView, label: String) -> PanelReport.Table {
    let parts: [(String, (AttentionShares) -> Double)] = [
      ("anchors", { $0.anchors }), ("patches", { $0.patches }), ("prefix", { $0.prefix }), ("self", { $0.itself }),
    ]
    return .init(
      "with \(label) cut", columns: ["keys", "before", "after"],
      rows: parts.map { [.text($0.0), .share($0.1(run.shares)), .share($0.1(cut.shares))] })
  }
}

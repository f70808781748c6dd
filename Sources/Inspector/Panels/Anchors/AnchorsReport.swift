import Evidence
import Statistics
import TerminalUI
import Trace

extension InspectorState {
  var anchorsReport: PanelReport {
    var report = PanelReport(.anchors)
    report.tables = [anchorTable, cosineTable].filter { !$0.rows.isEmpty }
    guard let mgvq = trace?.mgvq else {
      report.notes = [missingCodes]
      return report
    }
    report.add("codes", "\(mgvq.codes.groups) groups × \(mgvq.codes.height)×\(mgvq.codes.width)")
    report.add("group", .integer(view.group + 1))
    report.facts += codeFacts(mgvq) + codeLabFacts
    report.notes += [collapseWords].compactMap { $0 } + editWords
    if codeLab.page == .decoded { report.notes += decodingWords }
    if codeLab.page == .provenance { report.notes += provenanceWords }
    report.tables.append(groupTable)
    for group in 0..<mgvq.codes.groups { report.tables.append(codeTable(mgvq.codes, group: group)) }
    return report
  }

  /// One row an anchor: share, lift, norm.
  var anchorTable: PanelReport.Table {
    let rows = (0..<links.anchors).map { anchor -> [ReportValue] in
      let position = links.position(of: .anchor(anchor))
      let isShown = position.map { map?.view.shown[$0] ?? false } ?? false
      let norms = statistics?.anchors?.norms ?? []
      return [
        .text("A\(anchor + 1)"),
        isShown ? position.flatMap { map?.view.values[$0] }.map(metricValue) ?? .missing : .missing,
        isShown ? .init(times: position.flatMap { map?.view.lift(of: $0) }) : .missing,
        isShown ? .init(integer: position.flatMap { map?.view.rank(of: $0) }) : .missing,
        .init(number: norms.indices.contains(anchor) ? norms[anchor] : nil),
      ]
    }
    return .init("anchors", columns: ["anchor", view.metric.rawValue, "lift", "rank", "‖v‖"], rows: rows)
  }

  /// A value of the metric on screen: a fraction, except for lift.
  func metricValue(_ value: Double) -> ReportValue { view.metric == .lift ? .times(value) : .share(value) }

  var cosineTable: PanelReport.Table {
    guard let cosines = statistics?.anchors?.cosines else { return .init("cosine", columns: [], rows: []) }
    let names = cosines.indices.map { "A\($0 + 1)" }
    return .init(
      "cosine", columns: [""] + names,
      rows: cosines.enumerated().map { index, row in [.text(names[index])] + row.map(ReportValue.number) })
  }

  /// What stands under the cursor in the shown group.
  func codeFacts(_ mgvq: MGVQTrace) -> [PanelReport.Fact] {
    let code = mgvq.codes[view.group, cursor.code.row, cursor.code.column]
    var facts = [
      PanelReport.Fact(name: "cell", value: .text("(\(cursor.code.row),\(cursor.code.column))")),
      .init(name: "code", value: .integer(code)),
    ]
    if let usage = groupUsage, let counts = groupCounts {
      facts.append(.init(name: "used here", value: .text("\(counts.indices.contains(code) ? counts[code] : 0)×")))
      facts.append(.init(name: "codes used", value: .text("\(usage.used) of \(codesPerGroup)")))
      facts.append(.init(name: "perplexity here", value: .number(usage.perplexity)))
    }
    if let choice = codeChoice {
      facts.append(.init(name: "margin", value: .init(number: choice.margin)))
      let nearest = choice.map { "\($0.code) at \(Format.number($0.distance))" }
      facts.append(.init(name: "nearest to the latent", value: .text(nearest.joined(separator: ", "))))
    }
    return facts
  }

  var anchorsFindings: [String] {
    let used = groupUsage.map { "\($0.used) of \(codesPerGroup) codes used here" } ?? ""
    guard let statistics, statistics.anchors != nil else { return [used] }
    return [used, statistics.collapse == nil ? "projector healthy" : "projector collapsed"]
  }

  var groupUsage: UsageStatistics? {
    statistics.flatMap { $0.usage.indices.contains(view.group) ? $0.usage[view.group] : nil }
  }

  /// How often the shown group's codes occur in the picture, `[K]`.
  var groupCounts: [Int]? {
    statistics?.codes.flatMap { $0.counts.indices.contains(view.group) ? $0.counts[view.group] : nil }
  }

  var codesPerGroup: Int { trace?.model.codesPerGroup ?? 0 }

  var groupTable: PanelReport.Table {
    let rows = (statistics?.usage ?? []).enumerated().map { group, usage in
      [ReportValue.integer(group + 1), .integer(usage.used), .integer(codesPerGroup), .number(usage.perplexity)]
    }
    return .init("groups in this picture", columns: ["group", "codes used", "of", "perplexity"], rows: rows)
  }

  private func codeTable(_ codes: CodeGrid, group: Int) -> PanelReport.Table {
    .init(
      "codes of group \(group + 1)", columns: ["row"] + (0..<codes.width).map(String.init),
      rows: (0..<codes.height).map { row in
        [.integer(row)] + (0..<codes.width).map { .integer(codes[group, row, $0]) }
      })
  }
}

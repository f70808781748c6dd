import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

extension Comparison {
  /// What the two runs were made with, line by line.
  static func settings(_ state: InspectorState, _ compared: ComparedRun) -> [Setting] {
    guard let trace = state.trace else { return [] }
    guard let other = compared.trace else {
      return [
        Setting(name: "run", first: "nothing cut", second: compared.name),
        Setting(name: "answer", first: trace.generation?.text ?? "", second: compared.answer),
      ]
    }
    func setting(_ name: String, _ value: (Trace) -> String) -> Setting {
      Setting(name: name, first: value(trace), second: value(other))
    }
    func digest(_ text: String) -> String { text.isEmpty ? "not known" : String(text.prefix(12)) }
    return [
      setting("picture") { $0.provenance.imageName }, setting("picture SHA-256") { digest($0.provenance.imageSHA256) },
      setting("prompt") { $0.provenance.prompt }, setting("checkpoint") { $0.provenance.modelName },
      setting("weights SHA-256") { digest($0.provenance.weightsSHA256) },
      setting("config SHA-256") { digest($0.provenance.configSHA256) },
      setting("mask") { $0.model.visualMask.rawValue }, setting("precision") { $0.model.precision.rawValue },
      setting("layers × heads") { "\($0.model.layers) × \($0.model.heads)" },
      setting("edits") { $0.provenance.edits.isEmpty ? "none" : $0.provenance.edits },
      setting("answer") { $0.generation?.text ?? "" },
    ]
  }

  /// How far the runs' results are apart.
  static func facts(
    _ state: InspectorState, _ compared: ComparedRun, views: (AttentionView, AttentionView)?
  ) -> [PanelReport.Fact] {
    guard let trace = state.trace else { return [] }
    var facts: [PanelReport.Fact] = []
    func add(_ name: String, _ value: ReportValue) { facts.append(.init(name: name, value: value)) }
    add("same answer", .flag((trace.generation?.text ?? "") == compared.answer))
    switch compared.outcome {
    case .cut(let result):
      add("KL of the next token, nat", .number(result.kl))
      add("logit of the answer", .number(result.logitDifference))
    case .run(let other, _):
      if let p = trace.language?.logits, let q = other.language?.logits, p.count == q.count {
        add("KL of the next token, nat", .number(Divergence.kl(reference: p, changed: q)))
      }
      if let a = trace.language?.hiddenVoco, let b = other.language?.hiddenVoco, a.shape == b.shape, a.shape[0] > 0 {
        let last = a.shape[0] - 1
        add("cosine of the last state", .number(Divergence.cosine(a[row: last], b[row: last])))
      }
      addParts(trace, other, add)
    }
    guard let (a, b) = views else { return facts }
    if !a.layout.anchors.isEmpty || !b.layout.anchors.isEmpty {
      add("anchors' share, first", .share(a.shares.anchors))
      add("anchors' share, second", .share(b.shares.anchors))
      add("lift, first", .init(times: a.shares.lift))
      add("lift, second", .init(times: b.shares.lift))
    }
    if a.layout == b.layout, a.query.metric != .lift {
      add("rows apart, Jensen–Shannon bits", .number(Divergence.jensenShannon(a.values, b.values)))
    }
    return facts
  }

  /// Anchors, codes and mask of two whole runs.
  private static func addParts(_ trace: Trace, _ other: Trace, _ add: (String, ReportValue) -> Void) {
    if let a = trace.anchors, let b = other.anchors, a.rank == 2, a.shape == b.shape {
      for index in 0..<a.shape[0] {
        add("cosine of A\(index + 1)", .number(Divergence.cosine(a[row: index], b[row: index])))
      }
    }
    if let a = trace.mgvq?.codes, let b = other.mgvq?.codes, a.indices.count == b.indices.count, a.groups == b.groups {
      add("equal codes", .integer(zip(a.indices, b.indices).count { $0 == $1 }))
      add("of codes", .integer(a.indices.count))
    }
    guard let a = trace.sequence, let b = other.sequence else { return }
    if a.mask.count == b.mask.count {
      add("mask edges that differ", .integer(zip(a.mask, b.mask).count { ($0 != 0) != ($1 != 0) }))
    } else {
      add("sequence, first", .integer(a.length))
      add("sequence, second", .integer(b.length))
    }
  }
}

extension InspectorState {
  /// Rows of the list of changes in reports.
  static let reportedChanges = 24

  var compareReport: PanelReport {
    var report = PanelReport(.compare)
    guard let comparison, let compared else {
      report.notes = [compareWaiting]
      return report
    }
    report.add("compared by", compared.kind.rawValue)
    report.add("second", compared.name)
    report.facts += comparison.facts
    report.tables = [
      .init(
        "two runs", columns: ["", "first", "second", "same"],
        rows: comparison.settings.map {
          [.text($0.name), .text($0.first), .text($0.second), .flag($0.first == $0.second)]
        }
      )
    ]
    if !comparison.changes.isEmpty {
      report.tables.append(
        .init(
          "largest changes", columns: ["key", "first", "second", "second − first"],
          rows: comparison.changes.prefix(Self.reportedChanges).map {
            [.text($0.name), metricValue($0.first), metricValue($0.second), .number($0.difference)]
          }))
    }
    if let width = comparison.heads.first?.count {
      report.tables.append(
        .init(
          "change of the anchors' share", columns: ["layer"] + (1...max(1, width)).map { "h\($0)" },
          rows: comparison.heads.enumerated().map { [.integer($0.offset + 1)] + $0.element.map { .init(number: $0) } }))
    }
    if !comparison.difference.isEmpty {
      let width = links.geometry.patches.columns
      report.tables.append(
        .init(
          "second − first, patches", columns: ["row"] + (0..<width).map(String.init),
          rows: stride(from: 0, to: comparison.difference.count, by: width).map { start in
            [.integer(start / width)]
              + comparison.difference[start..<min(start + width, comparison.difference.count)].map {
                .init(number: $0.isFinite ? $0 : nil)
              }
          }))
    }
    report.notes = [
      comparison.obstacle.map { "No maps: \($0)." } ?? "", map.map { "Values: \($0.view.formula)." } ?? "",
    ]
    .filter { !$0.isEmpty }
    return report
  }

  /// What to say while nothing is compared.
  var compareWaiting: String {
    if trace?.language == nil { return "The decoder has not run yet." }
    let key = keyMap.hint(.compare, unicode: glyphs.isUnicode)
    return capabilities.runsModel
      ? "Nothing is compared yet. Press \(key): another picture, question or checkpoint, a trace file, or the last cut against the run before it."
      : "Nothing is compared yet. Press \(key) and name a second trace file."
  }

  var compareFindings: [String] {
    guard let comparison, let compared else { return [] }
    let answers = comparison.settings.first { $0.name == "answer" }
    let answer =
      answers.map {
        $0.first.isEmpty && $0.second.isEmpty
          ? "" : $0.first == $0.second ? "both say “\($0.first)”" : "“\($0.first)” → “\($0.second)”"
      } ?? ""
    let most = comparison.changes.first.map { "most at \($0.name) (\(signed($0.difference)))" } ?? ""
    return ["with \(compared.name)", answer, most]
  }

  /// `+0.031`, `−0.4`: a difference that says its sign.
  func signed(_ value: Double) -> String { (value > 0 ? "+" : "") + Format.number(value) }

  /// What the second run has at the cursor, for the status line.
  var comparedParts: [String] {
    guard let change = comparison?[cursor.key] else { return [] }
    return ["second \(Format.number(change.second)) (\(signed(change.difference)))"]
  }
}

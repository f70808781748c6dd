import Evidence
import Reports
import Statistics
import Tensor
import TerminalUI
import Trace

extension InspectorState {
  var anchorsReport: PanelReport {
    var report = PanelReport(.anchors)
    report.tables = [anchorTable, cosineTable, anchorHeadTable].filter { !$0.rows.isEmpty }
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
    report.tables += [groupTable] + likenessTables
    for group in 0..<mgvq.codes.groups { report.tables.append(codeTable(mgvq.codes, group: group)) }
    return report
  }

  /// One row per anchor: share, lift, norm.
  var anchorTable: PanelReport.Table {
    let rows = (0..<links.anchors).map { anchor -> [ReportValue] in
      let position = links.position(of: .anchor(anchor))
      let isShown = position.map { map?.view.shown[$0] ?? false } ?? false
      let norms = statistics?.anchors?.norms ?? []
      return [
        .text("A\(anchor + 1)"),
        isShown ? position.flatMap { map?.view.values[$0] }.map(metricValue) ?? .missing : .missing,
        isShown ? .init(lift: position.flatMap { map?.view.lift(of: $0) }) : .missing,
        isShown ? .init(integer: position.flatMap { map?.view.rank(of: $0) }) : .missing,
        .init(number: norms.indices.contains(anchor) ? norms[anchor] : nil),
      ]
    }
    return .init("anchors", columns: ["anchor", view.metric.rawValue, "lift", "rank", "‖v‖"], rows: rows)
  }

  /// A value of the metric on screen: a fraction, except for lift.
  func metricValue(_ value: Double) -> ReportValue { view.metric == .lift ? .lift(value) : .share(value) }

  /// The same as panels write it: a lift of almost nothing, or over almost nothing, without digits that mean nothing.
  func metricText(_ value: Double) -> String { metricValue(value).text }

  var cosineTable: PanelReport.Table {
    guard let cosines = statistics?.anchors?.cosines else { return .init("cosine", columns: [], rows: []) }
    let names = cosines.indices.map { "A\($0 + 1)" }
    return .init(
      "cosine", columns: [""] + names,
      rows: cosines.enumerated().map { index, row in [.text(names[index])] + row.map(ReportValue.number) })
  }

  /// The heads that look at the anchors most, the first of them first.
  private var anchorHeadTable: PanelReport.Table {
    guard let heads = inspected?.anchorHeads, let matrix = heads.matrix else {
      return .init("each anchor's share by head", columns: [], rows: [])
    }
    return .init(
      "each anchor's share by head", columns: ["layer", "head"] + matrix.columnNames,
      rows: zip(heads.places, matrix.values).map { place, shares in
        [.integer(place.row + 1), .integer(place.column + 1)] + shares.map { $0.map { .share($0) } ?? .missing }
      })
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

  /// The pairs of much used codes whose vectors are nearest.
  private var likenessTables: [PanelReport.Table] {
    guard let likeness = codeFigures?.likeness else { return [] }
    let count = likeness.codes.count
    let pairs = (0..<count).flatMap { a in (a + 1..<count).map { (a, $0, likeness.cosines[a * count + $0]) } }
    return [
      .init(
        "most alike of the \(count) most used codes of group \(view.group + 1)", columns: ["code", "other", "cosine"],
        rows: pairs.sorted { $1.2 < $0.2 }.prefix(12).map {
          [.integer(likeness.codes[$0.0]), .integer(likeness.codes[$0.1]), .number($0.2)]
        })
    ]
  }

  private func codeTable(_ codes: CodeGrid, group: Int) -> PanelReport.Table {
    .init(
      "codes of group \(group + 1)", columns: ["row"] + (0..<codes.width).map(String.init),
      rows: (0..<codes.height).map { row in
        [.integer(row)] + (0..<codes.width).map { .integer(codes[group, row, $0]) }
      })
  }
}

extension InspectorState {
  /// Why a code is decoded in its place and not alone.
  static let whyNotAlone =
    "A code is decoded in its place: alone, over zeros, it would show the habits of a decoder that mixes neighbours and "
    + "groups, not what the code means."

  /// The code at the cursor, beyond what `codeFacts` tells: its vector, its neighbours, its margins, where it fires.
  var codeLabFacts: [PanelReport.Fact] {
    guard let codes = trace?.mgvq?.codes else { return [] }
    let code = codes[view.group, cursor.code.row, cursor.code.column]
    var facts: [PanelReport.Fact] = []
    if let means = codeLab.margins?.means, means.indices.contains(view.group) {
      facts.append(.init(name: "margin on average", value: .number(means[view.group])))
    }
    if let candidate = candidateCode { facts.append(.init(name: "candidate", value: .integer(candidate))) }
    if let neighbours = codeNeighbours?.prefix(5), !neighbours.isEmpty {
      let words = neighbours.map { "\($0.code) at \(Format.number($0.distance))" }
      facts.append(.init(name: "nearest to the code", value: .text(words.joined(separator: ", "))))
    }
    let cells = firingCells
    let places = cells.prefix(12).map { "(\($0.row),\($0.column))" }.joined(separator: " ")
    facts.append(
      .init(name: "fires at", value: .text(places + (cells.count > 12 ? " and \(cells.count - 12) more" : ""))))
    if let codebook, codebook.groups.indices.contains(view.group), code < codebook.groups[view.group].shape[0] {
      let vector = codebook.groups[view.group][row: code].values.map { Format.number(Double($0)) }
      facts.append(.init(name: "vector", value: .text("(\(vector.joined(separator: ", ")))")))
    }
    return facts
  }

  /// Where the code at the cursor occurs in its group, row-major.
  var firingCells: [GridPoint] {
    guard let codes = trace?.mgvq?.codes else { return [] }
    let code = Int32(codes[view.group, cursor.code.row, cursor.code.column])
    let plane = codes.height * codes.width
    return (0..<plane).filter { codes.indices[view.group * plane + $0] == code }.map {
      GridPoint(index: $0, columns: codes.width)
    }
  }

  /// The decoded page's result; `nil` while it is computed.
  var shownDecoding: DecodeResult? {
    guard let codes = trace?.mgvq?.codes, let request = decodeRequest(codes) else { return nil }
    return codeLab.decoded[request]
  }

  /// What the decoded picture is, with its numbers.
  var decodingWords: [String] {
    guard let codes = trace?.mgvq?.codes else { return [] }
    guard let result = shownDecoding else { return ["decoding"] }
    var lines = [
      "\(result.request.variant.words(groups: codes.groups)): PSNR \(Format.number(result.psnr)) dB"
        + (result.ssim.map { ", SSIM \(Format.number($0))" } ?? "")
    ]
    let part = "\(Format.number(100 * result.changedPart))% of the pixels change"
    if let reach = result.reach {
      let cell = result.picture.width / max(1, codes.width)
      lines.append(
        "\(part), by up to \(Format.number(result.largestDifference)) of 2, up to \(reach) pixels from the cell's own \(cell)×\(cell)"
      )
      lines.append(Self.whyNotAlone)
    } else {
      lines.append("\(part) against all codes decoded")
    }
    return lines
  }

  /// The anchor whose provenance is shown, and what the map says.
  var provenanceWords: [String] {
    guard let provenance = codeLab.provenance[view.edits] else { return ["measuring what drives the anchors"] }
    let anchor = min(cursor.anchor, provenance.cells.shape[0] - 1)
    let cells = provenance.map(anchor: anchor)
    let here = cursor.code.row * links.geometry.latent.columns + cursor.code.column
    let groups = provenance.groups[row: anchor].values.enumerated().sorted { $0.element > $1.element }
    var lines = [
      "A\(anchor + 1): change without a cell, \(AnchorAblation.formula)",
      "here \(Format.number(cells.indices.contains(here) ? cells[here] : 0)), largest \(Format.number(cells.max() ?? 0))",
      "without a group: "
        + groups.map { "\($0.offset + 1) \(Format.number(Double($0.element)))" }.joined(separator: ", "),
    ]
    if let single = provenance.map(anchor: anchor, group: view.group), single.indices.contains(here) {
      lines.append("without this code of group \(view.group + 1) alone: \(Format.number(single[here]))")
    }
    return lines + patchSimilarityWords
  }

  /// How alike the anchor is to the patch tokens.
  private var patchSimilarityWords: [String] {
    guard let cosines = statistics?.anchorPatchCosines, cosines.indices.contains(cursor.anchor) else { return [] }
    let words = cosines[cursor.anchor]
    return ["cos with patches: mean \(Format.number(words.mean)), largest \(Format.number(words.largest))"]
  }

  /// A projector that has collapsed, said out loud.
  var collapseWords: String? { statistics?.collapse }

  /// What the edits did: answer, anchors and attention beside the old.
  var editWords: [String] {
    guard let trace, !trace.provenance.edits.isEmpty else { return [] }
    var lines = ["edited: \(trace.provenance.edits)"]
    guard !codeLab.shownEdits.isEmpty, let original = codeLab.original else { return lines }
    let (old, new) = (original.generation?.text ?? "", trace.generation?.text ?? "")
    lines.append(old == new ? "the answer stays “\(new)”" : "the answer was “\(old)”, is “\(new)”")
    if let before = original.language?.logits, let after = trace.language?.logits, before.count == after.count {
      lines.append("KL of the next token \(Format.number(Divergence.kl(reference: before, changed: after))) nat")
    }
    guard let a = original.anchors, let b = trace.anchors, a.shape == b.shape else { return lines }
    let shares = (anchorShares(original), anchorShares(trace))
    for anchor in 0..<a.shape[0] {
      let (old, new) = (a[row: anchor], b[row: anchor])
      let distance = zip(old.values, new.values).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      var line =
        "A\(anchor + 1) cos \(decimal(Divergence.cosine(old, new), digits: 5)), ‖Δv‖ \(Format.number(distance.squareRoot()))"
      if let before = shares.0, let after = shares.1, anchor < before.count, anchor < after.count {
        line += ", attention \(Format.number(100 * before[anchor]))% → \(Format.number(100 * after[anchor]))%"
      }
      lines.append(line)
    }
    return lines
  }

  /// The anchors' attention under the query on screen.
  private func anchorShares(_ trace: Trace) -> [Double]? {
    guard let attention = try? VocoAttention(trace) else { return nil }
    var query = view.query
    query.metric = .share
    return AttentionView(attention, query)?.anchorValues
  }
}

extension InspectorState {
  /// How to put another code in the place of the one at the cursor.
  var editorWords: String {
    guard capabilities.runsModel else { return "Editing codes needs the checkpoint." }
    guard let candidate = candidateCode else { return "" }
    func key(_ command: Command) -> String { keyMap.hint(command, unicode: glyphs.isUnicode) }
    return
      "Editor: \(key(.previousCandidate)) \(key(.nextCandidate)) choose, \(key(.editCode)) puts \(candidate) here and runs, \(key(.codePage)) decodes it, \(key(.undo)) takes it back."
  }

  /// `A1 9.1% ×13.2 #1 ‖v‖ 3.1`, one per anchor, in columns.
  var anchorLines: [String] {
    let rows = anchorTable.rows.map { row in
      [
        row[0].text, row[1] == .missing ? "" : row[1].text,
        row[2] == .missing || view.metric == .lift ? "" : row[2].text, row[3] == .missing ? "" : "#\(row[3].text)",
        row[4] == .missing ? "" : "‖v‖ \(row[4].text)",
      ]
    }
    let widths = (0..<5).map { column in rows.map { displayWidth($0[column]) }.max() ?? 0 }
    return rows.map { row in
      (0..<5).filter { widths[$0] > 0 }.map { TextTable.padded(row[$0], to: widths[$0]) }.joined(separator: " ")
    }
  }

  /// `cos A1·A2 0.31, A1·A3 −0.02, …`
  var cosineWords: String {
    guard let cosines = statistics?.anchors?.cosines, cosines.count > 1 else { return "" }
    let pairs = cosines.indices.flatMap { a in cosines.indices.filter { $0 > a }.map { (a, $0) } }
    return "cos " + pairs.map { "A\($0 + 1)·A\($1 + 1) \(Format.number(cosines[$0][$1]))" }.joined(separator: ", ")
  }

  /// An anchor's vector in `width` bins, each the mean magnitude of its part; the range all anchors share.
  func anchorShape(_ anchor: Int, width: Int) -> (values: [Double], range: ClosedRange<Double>)? {
    guard let anchors = trace?.anchors, anchors.rank == 2, anchor < anchors.shape[0], anchors.shape[1] > 0 else {
      return nil
    }
    let size = anchors.shape[1]
    let bins = min(width, size)
    func shape(_ anchor: Int) -> [Double] {
      (0..<bins).map { bin in
        let part = bin * size / bins..<max(bin * size / bins + 1, (bin + 1) * size / bins)
        return part.reduce(0) { $0 + Double(abs(anchors.values[anchor * size + $1])) } / Double(part.count)
      }
    }
    let largest = (0..<anchors.shape[0]).map { shape($0).max() ?? 0 }.max() ?? 0
    return (shape(anchor), 0...max(largest, .ulpOfOne))
  }
}

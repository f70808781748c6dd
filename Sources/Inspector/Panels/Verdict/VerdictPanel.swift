import ColorMaps
package import Evidence
import Reports
package import Statistics
import TerminalUI
import Trace

extension Canvas {
  /// What came out in one sentence, a gauge a claim, the controls; the rules unfold with Enter.
  mutating func drawVerdict(_ state: InspectorState, in rect: Rect) {
    switch state.view.verdictDisplay {
    case .claims: drawClaims(state, in: rect)
    case .figure: drawFigure(state, in: rect)
    case .answer: drawAnswerTrace(state, in: rect)
    case .trace: drawCausalTrace(state, in: rect)
    case .probes: drawProbes(state, in: rect)
    case .accuracy: drawAccuracy(state, in: rect)
    }
  }

  private mutating func drawClaims(_ state: InspectorState, in whole: Rect) {
    // The pictures that the claims rest on stand beside them where both have room.
    let hasRoom = state.focus == .verdict && whole.width >= 150 && whole.height >= 30
    let hasFigure = hasRoom && !state.paperFigure.rows.isEmpty
    let figure = hasFigure ? whole.right(whole.width * 2 / 5) : Rect(x: whole.x, y: whole.y, width: 0, height: 0)
    if hasFigure { drawFigure(state, in: figure) }
    let rect = whole.dropping(right: hasFigure ? figure.width + 2 : 0)
    let headline = Headline(state.verdictHeadline, style: look.theme.title)
    let headRows = min(headline.lines(width: max(1, rect.width)).count, max(1, (rect.height + 2) / 3))
    draw(headline, in: rect.top(headRows))
    let gauges = state.tiers.map { gauge($0) }
    let below = rect.dropping(top: headRows)
    // A third of the room is kept for what follows, unless that leaves no axis.
    let room = max(min(below.height, 2 * gauges.count), below.height * 2 / 3)
    let rows = max(1, min(4, room / max(1, gauges.count)))
    var place = below
    for gauge in gauges {
      draw(gauge, in: place.top(min(rows, gauge.rows)))
      place = place.dropping(top: min(rows, gauge.rows))
    }
    func lines(withRules: Bool) -> [[Span]] {
      controlLines(state, place, withRules) + sentenceLines(state, place) + headLines(state, place, withRules)
        + knockOutLines(state, place) + noteLines(state, place, withRules)
    }
    // What fits is not folded.
    let unfolded = lines(withRules: true)
    let lines = state.view.showsRules || unfolded.count <= place.height ? unfolded : lines(withRules: false)
    ListView(lines, scroll: Scroll(offset: state.scroll[.verdict] ?? 0)).draw(in: place, of: &frame, look)
    fill(place.dropping(top: lines.count + 1), with: evidenceBlocks(state))
  }

  /// What the claims rest on, most telling first: what was exchanged and how far the answer went, single heads, and where
  /// this picture's heads and layers look.
  private func evidenceBlocks(_ state: InspectorState) -> [Block] {
    let verdict = state.verdict
    var blocks: [Block] = []
    let prompt = verdict?.headlinePrompt ?? 0
    let asked = verdict?.askedClause ?? ""
    if let numbers = verdict?.causalNumbers {
      let rows = Interchanged.allCases.compactMap { quantity in
        numbers.quantities[quantity].map { forestRow(quantity.shortWords, $0) }
      }
      blocks.append(
        forestBlock("exchanged with a donor's: part of the answer's way (\(numbers.scale.rawValue))\(asked)", rows))
    }
    if let heads = verdict?.headEffects.first(where: { $0.prompt == prompt }) {
      let rows = heads.heads.map { forestRow("L\($0.place.layer + 1) h\($0.place.head + 1)", $0.effect) }
      blocks.append(
        forestBlock(
          "anchors' values through one head alone (\(heads.scale.rawValue))\(asked)",
          rows + [forestRow("all \(heads.heads.count)", heads.together)]))
    }
    if let found = verdict?.heads, !found.isEmpty {
      let rows = found.map {
        Bars.Row(
          label: "L\($0.layer + 1) h\($0.head + 1)", value: $0.lift,
          text: "\(liftText($0.lift)) p \(significant($0.pValue))")
      }
      let most = max(2, rows.map(\.value).max() ?? 2)
      blocks.append(
        Block(least: Size(width: 34, height: 4), most: rows.count + 2) { canvas, rect in
          canvas.draw(
            Bars(
              title: "heads that stand out, same-position lift", rows, scale: .logarithmic(0.5...most), reference: 1),
            in: rect)
        })
    }
    guard let map = state.map, state.hasQuestion else { return blocks }
    return blocks + [anchorHeadsBlock(state), sharesBlock(state, map), matrixBlock(state, map)].compactMap { $0 }
  }

  private func forestRow(_ name: String, _ effect: EffectEstimate) -> ForestPlot.Row {
    ForestPlot.Row(
      name, text: significant(effect.effect), point: effect.effect,
      interval: effect.interval.flatMap { $0.low <= $0.high ? $0.low...$0.high : nil })
  }

  private func forestBlock(_ title: String, _ rows: [ForestPlot.Row]) -> Block {
    let ends = rows.flatMap { [$0.point, $0.interval?.lowerBound, $0.interval?.upperBound].compactMap { $0 } }
      .filter(\.isFinite)
    let scale = ValueScale.linear(min(-0.1, ends.min() ?? 0)...max(1, ends.max() ?? 1))
    let threshold = VerdictRule().minimumEffect
    return Block(least: Size(width: 56, height: min(rows.count, 6) + 2), most: rows.count + 2) { canvas, rect in
      canvas.draw(
        ForestPlot(
          title: title, rows, scale: scale, threshold: threshold, thresholdName: decimal(threshold, digits: 2)),
        in: rect)
    }
  }

  private func gauge(_ tier: InspectorState.Tier) -> Gauge {
    let style =
      switch tier.word {
      case "yes": look.theme.good
      case "no": look.theme.bad
      default: look.theme.warning
      }
    let values =
      [tier.effect, tier.interval?.low, tier.interval?.high].compactMap { $0 } + tier.nulls + [tier.threshold]
    let low = values.min() ?? 0
    let high = values.max() ?? 1
    let scale: ValueScale =
      tier.isLift
      ? .logarithmic(max(1e-3, min(0.5, low))...max(8, min(high, 1e4))) : .linear(min(-0.1, low)...max(1, high))
    return Gauge(
      title: tier.name, text: tier.numbers, badge: Span(tier.word, style), scale: scale, point: tier.effect,
      interval: tier.interval.flatMap { $0.low <= $0.high ? $0.low...$0.high : nil }, threshold: tier.threshold,
      thresholdName: tier.isLift ? "×\(decimal(tier.threshold, digits: 2))" : decimal(tier.threshold, digits: 2),
      nulls: tier.nulls)
  }

  private func styled(_ text: String, _ style: Style, _ rect: Rect) -> [[Span]] {
    // One column is left for the scroll bar.
    wrapped(text, to: max(1, rect.width - 1)).map { [Span($0, style)] }
  }

  private func controlLines(_ state: InspectorState, _ rect: Rect, _ withRules: Bool) -> [[Span]] {
    guard let controls = state.evidence?.controls, state.verdict != nil else { return [] }
    let marks = controls.map { control -> Span in
      let (mark, style) =
        switch control.outcome {
        case true?: (look.glyphs.isUnicode ? "✓" : "+", look.theme.good)
        case false?: (look.glyphs.isUnicode ? "✗" : "x", look.theme.bad)
        case nil: (look.glyphs.isUnicode ? "–" : "-", look.theme.dim)
        }
      return Span("\(mark) \(control.name.rawValue.replacing("_", with: " "))  ", style)
    }
    let words = controls.flatMap {
      styled("\($0.name.rawValue.replacing("_", with: " ")): \($0.sentence)", look.theme.dim, rect)
    }
    return [[Span("controls  ", look.theme.text)] + marks] + (withRules ? words : [])
  }

  private func sentenceLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    state.tiers.flatMap { styled("\($0.name): \($0.sentence)", look.theme.text, rect) }
  }

  /// What single heads carry; each of them where the rules are unfolded.
  private func headLines(_ state: InspectorState, _ rect: Rect, _ withRules: Bool) -> [[Span]] {
    guard let verdict = state.verdict else { return [] }
    return verdict.headEffects.flatMap { effects -> [[Span]] in
      let asked = verdict.prompts.count > 1 ? "“\(verdict.prompts[effects.prompt])”: " : ""
      let each = effects.heads.map { "\($0.place.name) \($0.effect.text)" }.joined(separator: "; ")
      return styled("single heads: \(asked)\(effects.sentence)", look.theme.text, rect)
        + (withRules ? styled(each, look.theme.dim, rect) : [])
    }
  }

  private func knockOutLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    state.knockOuts.reversed().flatMap { result -> [[Span]] in
      let draws = state.matchedRandom[result.request.id]
      let matched = draws.flatMap { draws in
        draws.percentile(of: result.kl).map { ", percentile \(Format.number($0)) of \(draws.kls.count) draws" }
      }
      let mark = result.request.id == state.view.shownKnockOut ? look.glyphs.pointer : " "
      return styled(
        "\(mark)\(result.request.words): “\(result.answer)”, "
          + "KL \(Format.number(result.kl)) nat, the answer's lead \(state.signed(result.leadChange)) logits\(matched ?? "")",
        look.theme.text, rect)
    }
  }

  private func noteLines(_ state: InspectorState, _ rect: Rect, _ withRules: Bool) -> [[Span]] {
    let notes = state.verdictNotes(state.tiers, withRules: withRules)
    let hint = withRules || !state.hasQuestion ? [] : ["Enter unfolds controls and rules."]
    return (notes + hint).flatMap { styled($0, look.theme.dim, rect) }
  }
}

extension Interchanged {
  /// For the rows of a chart.
  fileprivate var shortWords: String {
    switch self {
    case .content, .steering, .total: words
    case .edges: "their keys and values"
    case .patches: "all patches"
    case .visual: "all visual keys"
    case .random: "random patches"
    case .mostAttended: "most attended patches"
    case .largestNorm: "largest-norm patches"
    case .nearest: "nearest patches"
    }
  }
}

extension InspectorState {
  /// One claim as the panel prints it.
  package struct Tier: Sendable, Equatable {
    package let name: String
    /// `anecdote` under 30 pictures, whatever their numbers.
    package let word: String
    /// The effect, its interval and the pictures, in words.
    package let numbers: String
    package let sentence: String
    package let rule: String
    package var effect: Double?
    package var interval: Interval?
    package var threshold = VerdictRule().minimumLift
    package var isLift = true
    /// Of models of permuted weights, as in `TierVerdict`.
    package var nulls: [Double] = []
  }

  /// What many pictures said, if `verify` was run; else what this one says, as an anecdote.
  package var evidence: EvidenceVerdict? {
    verdict ?? (view.inspected == .voco ? nil : inspectedAnecdote?.verdict) ?? statistics?.anecdote
  }

  /// What came out, in one sentence; before that, what is asked.
  package var verdictHeadline: String {
    guard let evidence, trace?.model.anchors != 0 else { return question }
    return verdict == nil ? "\(question) One picture is an anecdote." : evidence.headline
  }

  var verdictFindings: [String] {
    if let traceFinding { return [traceFinding, "view: \(view.verdictDisplay.rawValue)"] }
    return evidence == nil ? [] : tiers.map { "\($0.name) \($0.word)" }
  }

  var verdictReport: PanelReport {
    var report = PanelReport(.verdict)
    report.add("question", question)
    if hasQuestion {
      if verdict != nil, let evidence { report.add("headline", evidence.headline) }
      report.add("images", .integer(evidence?.n ?? 0))
      report.add("anecdote", .flag(evidence?.anecdote ?? true))
    }
    if !untrainedParts.isEmpty { report.add("untrained", untrainedParts.joined(separator: ", ")) }
    let tiers = tiers
    if hasQuestion { report.tables = [tierTable(tiers)] }
    if hasQuestion, let evidence { report.tables.append(controlTable(evidence)) }
    report.tables += interchangeTables + headEffectTables
    if !knockOuts.isEmpty { report.tables.append(knockOutTable) }
    report.tables += traceTables + savedTables
    if let figureTable { report.tables.append(figureTable) }
    report.notes = verdictNotes(tiers, withRules: true)
    return report
  }

  /// Whether there are anchors whose priority can be asked for.
  var hasQuestion: Bool { trace?.model.anchors != 0 }

  var question: String {
    !hasQuestion
      ? "This checkpoint has no anchors, so there is no priority of theirs to judge."
      : "Does \(verdict == nil ? inspectedName : "<voco>") prioritise the \(links.anchors) anchors over the \(links.geometry.patches.count) patches?"
  }

  /// Empty without anchors.
  package var tiers: [Tier] {
    guard hasQuestion else { return [] }
    guard let evidence else {
      let reason = statistics?.attentionProblem ?? "The decoder has not run yet."
      return EvidenceTier.allCases.map {
        Tier(name: $0.rawValue, word: VerdictWord.notMeasured.rawValue, numbers: "", sentence: reason, rule: "")
      }
    }
    return evidence.tiers.map { tier in
      // Knock-outs are of voco's edges.
      let isVoco = verdict != nil || view.inspected == .voco
      if tier.tier == .causes && tier.word == .notMeasured && isVoco { return unmeasuredCauses(tier) }
      let numbers = [tier.effectText, tier.intervalText, "n=\(tier.n) image\(tier.n == 1 ? "" : "s")"].compactMap { $0 }
      return Tier(
        name: tier.tier.rawValue, word: word(tier.word, isAnecdote: evidence.anecdote),
        numbers: numbers.joined(separator: " "), sentence: tier.sentence, rule: tier.rule, effect: tier.effect,
        interval: tier.interval, threshold: tier.threshold, isLift: tier.tier != .causes, nulls: tier.nulls)
    }
  }

  /// Below 30 images a measured tier is an anecdote; untrained parts never give a “yes”.
  private func word(_ word: VerdictWord, isAnecdote: Bool) -> String {
    if word == .notMeasured { return word.rawValue }
    if isAnecdote { return "anecdote" }
    return word == .yes && !untrainedParts.isEmpty ? VerdictWord.undecided.rawValue : word.rawValue
  }

  /// A cut takes something away and so tells that it was read, not that the answer follows what it holds.
  private func unmeasuredCauses(_ tier: TierVerdict) -> Tier {
    let cuts =
      knockOuts.isEmpty ? "" : " Cuts tell whether something is read, not whether the answer follows what it holds."
    return Tier(
      name: tier.tier.rawValue, word: tier.word.rawValue, numbers: "",
      sentence: "Not measured here: run verify." + cuts, rule: tier.rule, threshold: tier.threshold, isLift: false)
  }

  private func tierTable(_ tiers: [Tier]) -> PanelReport.Table {
    .init(
      "tiers", columns: ["tier", "verdict", "found"],
      rows: tiers.map { tier in
        let found = [tier.numbers, tier.sentence].filter { !$0.isEmpty }.joined(separator: ". ")
        return [.text(tier.name), .text(tier.word), .text(found)]
      })
  }

  private func controlTable(_ evidence: EvidenceVerdict) -> PanelReport.Table {
    .init(
      "controls", columns: ["control", "outcome", "found"],
      rows: evidence.controls.map { control in
        let outcome = control.outcome.map { $0 ? "passed" : "failed" } ?? "open"
        return [.text(control.name.rawValue), .text(outcome), .text(control.sentence)]
      })
  }

  /// What was exchanged with a donor picture's, and how far the answer went, of verified pictures.
  private var interchangeTables: [PanelReport.Table] {
    guard let verdict, let numbers = verdict.causalNumbers else { return [] }
    let rows = Interchanged.allCases.compactMap { quantity -> [ReportValue]? in
      numbers.quantities[quantity].map {
        [
          .text(quantity.words), .number($0.effect), .init(number: $0.interval?.low), .init(number: $0.interval?.high),
        ]
      }
    }
    return [
      PanelReport.Table(
        "exchanged with a donor's: part of the answer's way (\(numbers.scale.rawValue))\(verdict.askedClause)",
        columns: ["exchanged", "effect", "low", "high"], rows: rows)
    ]
  }

  /// What single heads carry of what the anchors hold, of verified pictures.
  private var headEffectTables: [PanelReport.Table] {
    guard let verdict else { return [] }
    return verdict.headEffects.map { effects in
      let row = { (name: String, estimate: EffectEstimate, word: String) -> [ReportValue] in
        [
          .text(name), .number(estimate.effect), .init(number: estimate.interval?.low),
          .init(number: estimate.interval?.high), .text(word),
        ]
      }
      return PanelReport.Table(
        "single heads' part of the answer's way, asked “\(verdict.prompts[effects.prompt])”",
        columns: ["head", "effect", "low", "high", "above \(significant(effects.bound))"],
        rows: effects.heads.map { row($0.place.name, $0.effect, $0.isAbove ? "yes" : "no") }
          + [row("all together", effects.together, "")])
    }
  }

  /// The cuts of this session, oldest first.
  var knockOutTable: PanelReport.Table {
    .init(
      "cuts",
      columns: ["cut", "where", "KL (nat)", "change of the answer's lead (logits)", "percentile", "draws", "answer"],
      rows: knockOuts.map { result in
        let draws = matchedRandom[result.request.id]
        return [
          .text(result.request.label), .text(result.request.scope), .number(result.kl), .number(result.leadChange),
          .init(number: draws?.percentile(of: result.kl)), .init(integer: draws?.kls.count), .text(result.answer),
        ]
      })
  }

  func verdictNotes(_ tiers: [Tier], withRules: Bool) -> [String] {
    var notes: [String] = []
    if !untrainedParts.isEmpty {
      notes.append(
        "Untrained or substituted: \(untrainedParts.joined(separator: ", ")). Numbers of such a model support no verdict."
      )
    }
    guard hasQuestion else { return notes }
    if let verdict, !verdict.prompts.contains(prompt) {
      let asked = verdict.prompts.map { "“\($0)”" }.joined(separator: " and ")
      notes.append("“causes” was measured with \(asked), not with this prompt, on which it depends.")
    }
    if evidence?.anecdote ?? true {
      notes.append("Fewer than \(VerdictRule().anecdoteBelow) images are an anecdote: vocoscope verify measures more.")
    } else if let evidence {
      notes.append(evidence.conclusion)
    }
    return notes + (withRules ? tiers.filter { !$0.rule.isEmpty }.map { "Rule of “\($0.name)”: \($0.rule)" } : [])
  }
}

import ColorMaps
import Evidence
import Reports
import Statistics
import TerminalUI

extension Canvas {
  /// What came out in one sentence, a gauge a claim, the controls; the rules unfold with Enter.
  mutating func drawVerdict(_ state: InspectorState, in rect: Rect) {
    switch state.view.verdictDisplay {
    case .claims: drawClaims(state, in: rect)
    case .figure: drawFigure(state, in: rect)
    case .answer: drawAnswerTrace(state, in: rect)
    case .trace: drawCausalTrace(state, in: rect)
    }
  }

  private mutating func drawClaims(_ state: InspectorState, in rect: Rect) {
    let headline = Headline(state.verdictHeadline, style: look.theme.title)
    let headRows = min(headline.lines(width: max(1, rect.width)).count, max(1, rect.height / 4))
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
    let lines =
      controlLines(state, place) + sentenceLines(state, place) + headLines(state, place) + knockOutLines(state, place)
      + noteLines(state, place)
    ListView(lines, scroll: Scroll(offset: state.scroll[.verdict] ?? 0)).draw(in: place, of: &frame, look)
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

  private func controlLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
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
    return [[Span("controls  ", look.theme.text)] + marks] + (state.view.showsRules ? words : [])
  }

  private func sentenceLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    state.tiers.flatMap { styled("\($0.name): \($0.sentence)", look.theme.text, rect) }
  }

  /// What single heads carry; each of them where the rules are unfolded.
  private func headLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    guard let verdict = state.verdict else { return [] }
    return verdict.headEffects.flatMap { effects -> [[Span]] in
      let asked = verdict.prompts.count > 1 ? "“\(verdict.prompts[effects.prompt])”: " : ""
      let each = effects.heads.map { "\($0.place.name) \($0.effect.text)" }.joined(separator: "; ")
      return styled("single heads: \(asked)\(effects.sentence)", look.theme.text, rect)
        + (state.view.showsRules ? styled(each, look.theme.dim, rect) : [])
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
          + "KL \(Format.number(result.kl)) nat, logit difference \(Format.number(result.logitDifference))\(matched ?? "")",
        look.theme.text, rect)
    }
  }

  private func noteLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    let notes = state.verdictNotes(state.tiers, withRules: state.view.showsRules)
    let hint = state.view.showsRules || !state.hasQuestion ? [] : ["Enter unfolds controls and rules."]
    return (notes + hint).flatMap { styled($0, look.theme.dim, rect) }
  }
}

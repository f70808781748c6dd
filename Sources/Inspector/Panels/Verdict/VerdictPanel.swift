import Evidence
import Reports
import Statistics
import TerminalUI

extension Canvas {
  /// The three tiers, each with its word; below them controls, the knock-outs of this session and the rules.
  mutating func drawVerdict(_ state: InspectorState, in rect: Rect) {
    if state.view.showsFigure { return drawFigure(state, in: rect) }
    let tiers = state.tiers
    let lines =
      styled(state.question, look.theme.dim, rect) + tierLines(tiers, rect) + controlLines(state, rect)
      + knockOutLines(state, rect)
      + state.verdictNotes(tiers).flatMap { styled($0, look.theme.dim, rect) }
    ListView(lines, scroll: Scroll(offset: state.scroll[.verdict] ?? 0)).draw(in: rect, of: &frame, look)
  }

  private func styled(_ text: String, _ style: Style, _ rect: Rect) -> [[Span]] {
    // One column is left for the scroll bar.
    wrapped(text, to: max(1, rect.width - 1)).map { [Span($0, style)] }
  }

  /// Name and word in columns of their own, what was found wrapped beside them, or below where it is narrow.
  private func tierLines(_ tiers: [InspectorState.Tier], _ rect: Rect) -> [[Span]] {
    tiers.flatMap { tier -> [[Span]] in
      let style =
        switch tier.word {
        case "yes": look.theme.good
        case "no": look.theme.bad
        default: look.theme.warning
        }
      let head = [
        Span(TextTable.padded(tier.name, to: 12) + " ", look.theme.title),
        Span(TextTable.padded(tier.word, to: 12) + " ", style),
      ]
      guard rect.width >= 60 else { return [head] + styled(tier.sentence, look.theme.text, rect) }
      let indent = [Span(String(repeating: " ", count: 26), look.theme.text)]
      return wrapped(tier.sentence, to: rect.width - 27).enumerated().map { index, part in
        (index == 0 ? head : indent) + [Span(part, look.theme.text)]
      }
    }
  }

  private func controlLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    guard state.hasQuestion, let controls = state.evidence?.controls else { return [] }
    let words = controls.map { "\($0.name.rawValue) \($0.outcome.map { $0 ? "passed" : "failed" } ?? "not run")" }
    return styled("controls: \(words.joined(separator: ", "))", look.theme.text, rect)
  }

  private func knockOutLines(_ state: InspectorState, _ rect: Rect) -> [[Span]] {
    state.knockOuts.reversed().flatMap { result -> [[Span]] in
      let draws = state.matchedRandom[result.request.id]
      let matched = draws.flatMap { draws in
        draws.percentile(of: result.kl).map { ", percentile \(Format.number($0)) of \(draws.kls.count) draws" }
      }
      let mark = result.request.id == state.view.shownKnockOut ? look.glyphs.pointer : " "
      return styled(
        "\(mark)cut \(result.request.label) in \(result.request.scope): “\(result.answer)”, "
          + "KL \(Format.number(result.kl)) nat, logit difference \(Format.number(result.logitDifference))\(matched ?? "")",
        look.theme.text, rect)
    }
  }
}

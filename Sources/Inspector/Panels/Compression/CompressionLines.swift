package import Evidence
import Reports
import Statistics
package import TerminalUI
import Trace

/// The panel's pages as lines of a width: the screen scrolls through them.
package struct CompressionLines {
  let state: CompressionState
  let view: CompressionViewSettings
  let look: Appearance
  let width: Int
  /// What to say before the first answer.
  let waiting: String

  package init(
    state: CompressionState, view: CompressionViewSettings, look: Appearance, width: Int, waiting: String = ""
  ) {
    (self.state, self.view, self.look, self.width, self.waiting) = (state, view, look, width, waiting)
  }

  private var theme: Theme { look.theme }

  func lines(_ page: CompressionPage) -> [[Span]] {
    guard let facts = state.facts, let exchange = state.latest else { return text(waiting, theme.dim) }
    switch page {
    case .answers: return answers(facts, exchange)
    case .bill: return bill(facts)
    case .conversation: return conversation(facts)
    case .families: return families(facts)
    case .codes: return []
    }
  }

  func text(_ text: String, _ style: Style, indent: Int = 0) -> [[Span]] {
    let space = String(repeating: " ", count: indent)
    return wrapped(text, to: max(1, width - 1 - indent)).map { [Span(space + $0, style)] }
  }

  // MARK: Answers

  /// Three columns, a token a line, where there is room; else one answer under another.
  private func answers(_ facts: CompressionFacts, _ exchange: Exchange) -> [[Span]] {
    let question = text("“\(exchange.question)”", theme.title)
    let columns = width >= 48 ? columns(facts, exchange) : stacked(facts, exchange)
    return question + columns + agreements(facts, exchange)
      + facts.edges().flatMap { text($0, theme.warning) }
  }

  /// The answers alone, at most so many tokens of each: what the demo shows.
  package func demoAnswers(mostTokens: Int, isOver: Bool, right: String?) -> [[Span]] {
    guard let facts = state.facts, let exchange = state.latest else { return [] }
    let answers =
      width >= 48 ? columns(facts, exchange, mostTokens: mostTokens) : isOver ? stacked(facts, exchange) : []
    guard isOver, let right else { return answers }
    let told = exchange[.voco].map { $0.text.lowercased() == right.lowercased() } ?? false
    return answers + [[Span("", theme.text)]]
      + text("The right answer is “\(right)”: <voco> \(told ? "kept it" : "lost it").", told ? theme.good : theme.bad)
  }

  private func columns(_ facts: CompressionFacts, _ exchange: Exchange, mostTokens: Int = .max) -> [[Span]] {
    let column = (width - 1) / exchange.answers.count
    func row(_ cell: (SourceAnswer) -> (String, Style)) -> [Span] {
      exchange.answers.map { answer in
        let (words, style) = cell(answer)
        return Span(fitted(words, column - 2) + "  ", style)
      }
    }
    let longest = min(mostTokens, exchange.answers.map(\.tokens.count).max() ?? 0)
    let head = row { (facts.title(of: $0.source), theme.accent) }
    let outcomes = row { (summary($0), $0.refusal == nil ? theme.title : theme.warning) }
    let rows = (0..<longest).compactMap { index -> [Span]? in
      // A loop is said once, where it begins; reports have every token.
      guard exchange.repeats(at: index) else { return row { token($0, index, exchange, width: column - 2) } }
      return exchange.repeats(at: index - 1) ? nil : [Span("  the same again, and so on", theme.dim)]
    }
    return [head, outcomes] + rows
  }

  /// `≠ balloon 91.2% ▇▇▇▇`
  private func token(_ answer: SourceAnswer, _ index: Int, _ exchange: Exchange, width: Int) -> (String, Style) {
    guard answer.tokens.indices.contains(index) else { return ("", theme.text) }
    let token = answer.tokens[index]
    let parted = exchange.divergence(of: answer.source).map { index >= $0 } ?? false
    let mark = exchange.divergence(of: answer.source) == index ? (look.glyphs.isUnicode ? "≠" : "!") : " "
    let piece = fitted(shown(token.piece), max(4, min(14, width - 10)))
    let bar = String(repeating: look.glyphs.isUnicode ? "▪" : "#", count: Int((token.probability * 8).rounded()))
    let text = "\(mark) \(piece) \(TextTable.padded(Format.percent(token.probability), to: 6, .trailing))"
    return (displayWidth(text) + 9 <= width ? "\(text) \(bar)" : text, parted ? theme.bad : theme.text)
  }

  private func summary(_ answer: SourceAnswer) -> String {
    answer.isOver ? "→ \(answer.outcome)" : "… \(answer.text)"
  }

  private func stacked(_ facts: CompressionFacts, _ exchange: Exchange) -> [[Span]] {
    exchange.answers.flatMap { answer in
      let probabilities = answer.tokens.map { Format.percent($0.probability) }.joined(separator: " ")
      return text("\(facts.title(of: answer.source)): \(answer.outcome)", theme.accent)
        + (probabilities.isEmpty ? [] : text(probabilities, theme.dim, indent: 2))
    }
  }

  private func agreements(_ facts: CompressionFacts, _ exchange: Exchange) -> [[Span]] {
    exchange.agreements.filter { $0.length > 0 }.flatMap { agreement -> [[Span]] in
      let names = "\(facts.title(of: agreement.first)) and \(facts.title(of: agreement.second))"
      let share = agreement.share.map(Format.percent) ?? "–"
      let words = agreement.partsAt.map { "part at token \($0 + 1)" } ?? "do not part"
      return text(
        "\(names) \(words); agreement \(share) (\(agreement.equal) of \(agreement.length))",
        agreement.partsAt == nil ? theme.good : theme.dim)
    }
  }

  // MARK: Bill

  private func bill(_ facts: CompressionFacts) -> [[Span]] {
    let bill = CompressionBill(facts, pictures: state.pictures, latest: state.latest)
    let tokens = Format.integer(bill.sources[0].questionTokens)
    func seconds(_ value: Double?) -> String { value.map(Format.duration) ?? "–" }
    func rows(_ bills: [SourceBill]) -> [[Span]] {
      [
        row("rows kept", bills.map { Format.integer($0.rows) }),
        row("K/V kept, computed", bills.map { Format.bytes($0.computedBytes) }),
        row("picture once, computed", bills.map { Format.operations($0.pictureOperations) }),
        row("question of \(tokens), computed", bills.map { Format.operations($0.questionOperations) }),
        row("a token, computed", bills.map { Format.operations($0.tokenOperations) }),
      ]
    }
    let own = rows(bill.sources)
    let measured = [
      row("K/V kept, measured", bill.sources.map { $0.measuredBytes.map(Format.bytes) ?? "–" }),
      row("picture once, measured", bill.sources.map { seconds($0.pictureSeconds) }),
      row("question, measured", bill.sources.map { seconds($0.questionSeconds) }),
      row("a token, measured", bill.sources.map { seconds($0.tokenSeconds) }),
    ]
    let head = row(facts.modelName, facts.sources.map(facts.title), theme.accent)
    let published = row("Llama-7B, 16 bits", ["580 tokens", "1 <voco>", "no picture"], theme.accent)
    let ours = [head, own[0], own[1], measured[0], own[2], measured[1], own[3], measured[2], own[4], measured[3]]
    guard !bill.published.isEmpty else { return ours + text(bill.sentence, theme.title) }
    return ours + text(bill.sentence, theme.title) + [published] + rows(bill.published)
      + text("Computed from the published shape; nothing of it was measured here.", theme.dim)
  }

  private func row(_ name: String, _ cells: [String], _ style: Style? = nil) -> [Span] {
    let first = min(30, max(12, width - 1 - 3 * 13))
    let column = max(6, min(18, (width - 1 - first) / 3))
    return [Span(fitted(name, first), style ?? theme.dim)]
      + cells.map { Span(fitted($0, column - 1, trailing: true) + " ", style ?? theme.text) }
  }

  // MARK: Conversation

  private func conversation(_ facts: CompressionFacts) -> [[Span]] {
    let used = state.latest?.position.map(Format.integer) ?? "–"
    let limit = facts.contextLength.map(Format.integer) ?? "an unknown number"
    let pictures = state.pictures.map(\.name).joined(separator: ", ")
    let head =
      text("\(state.pictures.count) picture\(state.pictures.count == 1 ? "" : "s"): \(pictures)", theme.title)
      + text(
        "position \(used) of \(limit) · the next question \(view.keepsTurns ? "sees earlier turns" : "starts from the pictures alone")",
        theme.dim)
    let refusals = state.pictures.flatMap { picture in
      facts.sources.compactMap { source in
        picture.refusals[source].map { "\(picture.name) from \(facts.title(of: source)): \($0)" }
      }
    }
    return head + refusals.flatMap { text($0, theme.warning) }
      + state.exchanges.reversed().flatMap { exchange in
        text("\(exchange.number) “\(exchange.question)”", theme.text)
          + exchange.answers.flatMap { turn(facts, $0) }
      }
  }

  private func turn(_ facts: CompressionFacts, _ answer: SourceAnswer) -> [[Span]] {
    let name = TextTable.padded(facts.title(of: answer.source), to: 11)
    let answered = text("\(name) → \(answer.outcome)", answer.refusal == nil ? theme.accent : theme.warning, indent: 2)
    guard let cost = answer.cost else { return answered }
    return answered
      + text(
        "reused \(Format.integer(cost.reusedRows)) row\(cost.reusedRows == 1 ? "" : "s") (\(Format.bytes(cost.reusedBytes))), "
          + "computed \(Format.integer(cost.computedRows)) in \(Format.duration(cost.seconds))", theme.dim, indent: 4)
  }

  // MARK: Kept and lost

  private func families(_ facts: CompressionFacts) -> [[Span]] {
    guard !state.families.isEmpty else {
      return text("Asks one question a family from each source, each on its own: press F.", theme.dim)
    }
    let columns = width >= 100
    let head = text(
      "family, right answer, then \(facts.sources.map(facts.title).joined(separator: ", "))", theme.dim)
    let rows = state.families.flatMap { family -> [[Span]] in
      let question = columns ? [] : text("\(family.family): \(family.question)", theme.dim)
      return question + [familyRow(family, facts.sources, withQuestion: columns)]
    }
    return head + rows + text(familySummary(facts), theme.title)
  }

  private func familyRow(_ family: FamilyAnswer, _ sources: [VisualSource], withQuestion: Bool) -> [Span] {
    let lead = withQuestion ? fitted(family.family, 11) + fitted(family.question, width - 1 - 11 - 12 - 3 * 17 - 8) : ""
    let cell = withQuestion ? 16 : max(8, (width - 20) / 3 - 1)
    let answers = sources.map { source -> Span in
      guard let column = family[source] else { return Span(fitted("–", cell) + " ", theme.dim) }
      let style = family.isRight(source).map { $0 ? theme.good : theme.bad } ?? theme.text
      let mark = family.isRight(source).map { $0 ? "+" : "-" } ?? " "
      return Span(
        fitted("\(mark)\(withoutLoops(column.text)) \(Format.percent(column.probability))", cell) + " ", style)
    }
    return [Span(lead + fitted(family.right ?? "unknown", 11) + " ", theme.text)] + answers
      + (sources.contains(.voco) ? [Span(family.verdict, theme.accent)] : [])
  }

  /// How many of the families each source answered rightly, or how many answers voco shares with all tokens.
  private func familySummary(_ facts: CompressionFacts) -> String {
    let known = state.families.filter { $0.right != nil }
    guard !known.isEmpty else {
      guard facts.sources.contains(.voco) else { return "The right answers of this picture are not known." }
      let same = state.families.count { $0.verdict == "same" }
      return
        "The right answers of this picture are not known; <voco> says what all tokens say in \(same) of \(state.families.count)."
    }
    let counts = facts.sources.map { source in
      "\(known.count { $0.isRight(source) == true }) from \(facts.title(of: source))"
    }
    return "Right, of \(known.count): \(counts.joined(separator: ", "))."
  }

  /// A token as people read it.
  private func shown(_ piece: String) -> String {
    piece.hasPrefix("▁") ? String(piece.dropFirst()) : piece
  }

  /// `text` in exactly `width` columns.
  private func fitted(_ text: String, _ width: Int, trailing: Bool = false) -> String {
    let width = max(1, width)
    let cut = displayWidth(text) <= width ? text : truncated(text, to: width, ellipsis: look.glyphs.ellipsis)
    return TextTable.padded(cut, to: width, trailing ? .trailing : .leading)
  }
}

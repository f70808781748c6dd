package import Evidence
import Statistics
import TerminalUI
import Trace

/// A conversation as lines that are printed while it is held: the answers' tokens side by side, each with its probability,
/// up to where they part.
package struct ConversationText: Sendable {
  package private(set) var compression = CompressionState()
  /// Rows of tokens of the latest question that are printed.
  private var printedRows = 0

  package init() {}

  /// Takes an event in; returns the lines that it completes.
  package mutating func apply(_ event: CompressionEvent) -> [String] {
    compression.apply(event)
    switch event {
    case .asked:
      printedRows = 0
      return compression.questionLines
    case .token: return newRows()
    case .ended: return newRows() + (compression.latest?.isOver == true ? compression.outcomeLines : [])
    case .refused: return compression.latest?.isOver == true ? compression.outcomeLines : []
    default: return []
    }
  }

  /// Rows of tokens that every answer has reached, each once.
  private mutating func newRows() -> [String] {
    guard let exchange = compression.latest else { return [] }
    let running = exchange.answers.filter { !$0.isOver }.map(\.tokens.count)
    let longest = exchange.answers.map(\.tokens.count).max() ?? 0
    let complete = running.min() ?? longest
    defer { printedRows = max(printedRows, complete) }
    guard complete > printedRows else { return [] }
    return (printedRows..<complete).compactMap { index in
      // A loop is said once, where it begins: every further row would be the same.
      let repeats = exchange.repeats(at: index)
      return repeats
        ? exchange.repeats(at: index - 1) ? nil : "     the same again, and so on" : compression.row(index, exchange)
    }
  }
}

extension CompressionState {
  /// Columns of a printed answer.
  private static let column = 26

  /// The question and the heads of its columns.
  fileprivate var questionLines: [String] {
    guard let exchange = latest, let facts else { return [] }
    let heads = exchange.answers.map { Self.cell(facts.title(of: $0.source)) }
    return [exchange.number == 1 ? "" : "\n", "“\(exchange.question)”", "     " + heads.joined()]
      .filter { !$0.isEmpty }
  }

  fileprivate func row(_ index: Int, _ exchange: Exchange) -> String {
    let number = String(repeating: " ", count: max(0, 3 - String(index + 1).count)) + "\(index + 1)  "
    let cells = exchange.answers.map { answer -> String in
      guard answer.tokens.indices.contains(index) else { return Self.cell("") }
      let token = answer.tokens[index]
      let parts = exchange.divergence(of: answer.source) == index ? " ≠" : ""
      return Self.cell("\(token.piece) \(Format.percent(token.probability))\(parts)")
    }
    return trimmed(number + cells.joined())
  }

  /// The answers whole, where they agree, and what the checkpoint was not trained for.
  fileprivate var outcomeLines: [String] {
    guard let exchange = latest, let facts else { return [] }
    let answers = exchange.answers.map { "\(facts.title(of: $0.source)): \($0.outcome)" }
    let agreements = exchange.agreements.filter { $0.length > 0 }.map { agreement in
      let parts = agreement.partsAt.map { "part at token \($0 + 1)" } ?? "do not part"
      return "\(facts.title(of: agreement.first)) and \(facts.title(of: agreement.second)) \(parts), agreement "
        + "\(agreement.share.map(Format.percent) ?? "–")"
    }
    let edges = facts.edges(of: exchange.answers.map(\.source))
    return answers + agreements + edges
  }

  private static func cell(_ text: String) -> String {
    let cut = truncated(text, to: column - 2)
    return cut + String(repeating: " ", count: column - displayWidth(cut))
  }

  private func trimmed(_ text: String) -> String {
    var text = text
    while text.last == " " { text.removeLast() }
    return text
  }
}

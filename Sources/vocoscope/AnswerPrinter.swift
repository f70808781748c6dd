import Files
import HTCVLM
import Inspector
import Statistics
import Synchronization
import TerminalUI

/// Prints answers while they are generated, and the bill after them.
final class AnswerPrinter: Sendable {
  private let streams: Bool
  /// Stops the run whose answers can no longer be printed.
  private let cancellation: CancellationFlag
  private let state = Mutex(State())

  fileprivate struct State {
    var compression = CompressionState()
    /// Rows of tokens of the latest question that are printed.
    var printedRows = 0
    /// Why the last line could not be written.
    var failure: StreamError?
  }

  init(streams: Bool, stopping cancellation: CancellationFlag) {
    self.streams = streams
    self.cancellation = cancellation
  }

  /// Throws what kept an answer from being printed.
  func check() throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  /// Takes an event in, and prints what it completes.
  func apply(_ event: CompressionEvent) {
    let lines = state.withLock { state -> [String] in
      state.compression.apply(event)
      guard streams else { return [] }
      switch event {
      case .asked:
        state.printedRows = 0
        return state.compression.questionLines
      case .token, .ended: return state.newRows() + (state.isOver(after: event) ? state.compression.outcomeLines : [])
      case .refused: return state.compression.latest?.isOver == true ? state.compression.outcomeLines : []
      default: return []
      }
    }
    guard !lines.isEmpty else { return }
    do throws(StreamError) {
      try StandardStream.output.write(lines.map { $0 + "\n" }.joined())
    } catch {
      state.withLock { $0.failure = error }
      cancellation.cancel()
    }
  }

  /// Prints what is left: everything as JSON, or the tables after the answers.
  func finish(_ format: AnswerFormat) throws {
    let report = state.withLock { $0.compression.report() }
    switch format {
    case .json: try StandardStream.output.write(json: ReportText.json([report]))
    case .text:
      let lines = ReportText.lines(report.withoutTables(["answers", "tokens"]), width: 100)
      try StandardStream.output.write("\n" + lines.map { $0 + "\n" }.joined())
    }
  }
}

extension AnswerPrinter.State {
  /// Rows of tokens that every answer has reached, each once.
  fileprivate mutating func newRows() -> [String] {
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

  /// Whether this event was the last of its question.
  fileprivate func isOver(after event: CompressionEvent) -> Bool {
    if case .ended = event { return compression.latest?.isOver == true }
    return false
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

import ArgumentParser
package import Evidence
import Files
import Foundation
package import HTCVLM
import Inspector
import Reports
import Synchronization
import Trace

package enum AnswerFormat: String, CaseIterable, ExpressibleByArgument {
  case text, json
}

/// Prints answers while they are generated, and the bill after them.
package final class AnswerPrinter: Sendable {
  private let streams: Bool
  /// Stops the run whose answers can no longer be printed.
  private let cancellation: CancellationFlag
  private let state = Mutex(State())

  private struct State {
    var conversation = ConversationText()
    /// Why the last line could not be written.
    var failure: StreamError?
  }

  package init(streams: Bool, stopping cancellation: CancellationFlag) {
    self.streams = streams
    self.cancellation = cancellation
  }

  /// Throws what kept an answer from being printed.
  package func check() throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  /// Takes an event in, and prints what it completes.
  package func apply(_ event: CompressionEvent) {
    let lines = state.withLock { $0.conversation.apply(event) }
    guard streams else { return }
    guard !lines.isEmpty else { return }
    do throws(StreamError) {
      try StandardStream.output.write(lines.map { $0 + "\n" }.joined())
    } catch {
      state.withLock { $0.failure = error }
      cancellation.cancel()
    }
  }

  /// Prints what is left: everything as JSON, or the tables after the answers.
  package func finish(_ format: AnswerFormat) throws {
    let report = state.withLock { $0.conversation.compression.report() }
    switch format {
    case .json: try StandardStream.output.write(json: ReportText.json([report]))
    case .text:
      let lines = ReportText.lines(report.withoutTables(["answers", "tokens"]), width: 100)
      try StandardStream.output.write("\n" + lines.map { $0 + "\n" }.joined())
    }
  }
}

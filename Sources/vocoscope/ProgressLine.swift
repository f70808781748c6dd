import Foundation
import Inspector
import Trace

/// The stage under way, on one line of standard error that is taken away at the end; silent where nobody watches.
struct ProgressLine: Sendable {
  private let isWatched = isatty(FileHandle.standardError.fileDescriptor) != 0

  func show(_ progress: StageProgress) {
    guard isWatched, case .running(let done, let steps) = progress.state else { return }
    let left = progress.secondsLeft.map { ", \(Format.seconds($0)) left" } ?? ""
    write("\r\u{1B}[K\(progress.stage.title) \(done)/\(steps)\(left)")
  }

  /// Any text; a file's name may hold what a terminal would obey.
  func show(_ text: String) {
    let safe = String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    if isWatched { write("\r\u{1B}[K\(safe)") }
  }

  func clear() {
    if isWatched { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}

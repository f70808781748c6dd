import Evaluation
import Foundation

/// How far an evaluation is and how long it will take, on one line of standard error; silent where nobody watches.
struct EvalProgressBar {
  private let prefix: String
  private let start = ContinuousClock.now
  private let isWatched = isatty(FileHandle.standardError.fileDescriptor) != 0

  init(prefix: String) {
    self.prefix = String(prefix.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
  }

  func show(_ progress: EvaluationProgress) {
    guard isWatched else { return }
    let elapsed = (ContinuousClock.now - start).components
    let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    // A line as wide as the terminal would wrap.
    let line = prefix + progress.line(width: max(20, Self.columns - prefix.count - 1), seconds: seconds)
    write("\r\u{1B}[K\(line)")
  }

  func clear() {
    if isWatched { write("\r\u{1B}[K") }
  }

  private static var columns: Int {
    var size = winsize()
    let isKnown = ioctl(FileHandle.standardError.fileDescriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  private func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}

import Evidence
package import Tensor
import TerminalUI
package import Trace

/// What to compare; results come back as `CompressionEvent`s.
package enum CompressionRequest: Sendable, Equatable {
  /// Ask from every source; `keepsTurns` with the turns so far in sight.
  case ask(String, keepsTurns: Bool)
  /// One question per family, each on its own.
  case families
  /// One more picture in the conversation.
  case addPicture(path: String)
  /// Forget turns and added pictures, then ask.
  case restart(String)
}

/// The panel's pages, for screens that hold one at a time.
package enum CompressionPage: Int, Sendable, CaseIterable {
  case answers, bill, conversation, families, codes

  package var title: String {
    switch self {
    case .answers: "Answers"
    case .bill: "Bill"
    case .conversation: "Conversation"
    case .families: "Kept and lost"
    case .codes: "Codes"
    }
  }
}

/// How the panel is shown.
package struct CompressionViewSettings: Sendable, Hashable {
  package var page = CompressionPage.answers
  /// Whether the next question sees earlier questions and answers.
  package var keepsTurns = false
  /// First line shown of pages that scroll.
  package var scroll = 0

  package init() {}
}

extension InspectorState {
  var compressionObstacle: String? { busyObstacle }

  mutating func askFamilies() -> [Effect] {
    compressionView.page = .families
    focus(.compression)
    return start(.families, "asking the families")
  }

  mutating func startConversation() -> [Effect] { start(.restart(prompt), "starting anew") }

  /// The question on screen is compared as soon as the panel is in sight and the model is free.
  mutating func compareIfShown() -> [Effect] {
    guard focus == .compression, compressionObstacle == nil,
      !compression.exchanges.contains(where: { $0.question == prompt })
    else { return [] }
    return compare(prompt)
  }

  mutating func compare(_ text: String) -> [Effect] {
    mode = .normal
    let question = text.trimmingSpaces
    guard !question.isEmpty else {
      notice = "the prompt is empty"
      return []
    }
    if let obstacle = compressionObstacle {
      notice = obstacle
      return []
    }
    focus(.compression)
    if compressionView.page != .conversation { compressionView.page = .answers }
    return start(.ask(question, keepsTurns: compressionView.keepsTurns), "answering")
  }

  mutating func addPicture(_ text: String) -> [Effect] {
    mode = .normal
    let path = text.trimmingSpaces
    guard !path.isEmpty else {
      notice = "no path was given"
      return []
    }
    focus(.compression)
    compressionView.page = .conversation
    return start(.addPicture(path: path), "adding a picture")
  }

  private mutating func start(_ request: CompressionRequest, _ words: String) -> [Effect] {
    work = .compression(words)
    compressionView.scroll = 0
    return [.compress(request)]
  }

  /// Left and right turn the pages, up and down scroll.
  mutating func moveInCompression(_ command: Command) {
    let pages = CompressionPage.allCases
    switch command {
    case .left: compressionView.page = pages[max(0, compressionView.page.rawValue - 1)]
    case .right: compressionView.page = pages[min(pages.count - 1, compressionView.page.rawValue + 1)]
    case .up: compressionView.scroll = max(0, compressionView.scroll - 1)
    case .down: compressionView.scroll += 1
    case .pageUp: compressionView.scroll = max(0, compressionView.scroll - 8)
    case .pageDown: compressionView.scroll += 8
    case .first: compressionView.scroll = 0
    case .last: compressionView.scroll = Int.max / 2
    default: break
    }
    if command == .left || command == .right { compressionView.scroll = 0 }
    compressionView.scroll = min(compressionView.scroll, max(0, compressionLineCount - 1))
  }
}

/// The square picture and what its discrete codes decode to.
package struct DecodedCodes: Sendable, Equatable {
  package let picture: Picture
  package let reconstruction: Picture
  /// PSNR of the reconstruction, unclipped, over the range −1…1.
  package let decibels: Double
  /// The grid of the codes; `[h·w]`, the mean |difference| of the pixels that a code stands for, 0…1.
  package let grid: GridSize
  package let lost: [Double]

  /// `nil` until the trace holds a reconstruction.
  package init?(_ trace: Trace) {
    guard let mgvq = trace.mgvq, let decoded = mgvq.reconstruction, decoded.shape == mgvq.pixelValues.shape else {
      return nil
    }
    picture = Picture(signed: mgvq.pixelValues)
    reconstruction = Picture(signed: decoded)
    decibels = PictureQuality.psnr(mgvq.pixelValues, decoded, range: 2)
    grid = GridSize(rows: mgvq.codes.height, columns: mgvq.codes.width)
    lost = Self.lost(picture, reconstruction, grid)
  }

  private static func lost(_ picture: Picture, _ other: Picture, _ grid: GridSize) -> [Double] {
    (0..<grid.count).map { index in
      let point = grid.point(index)
      let rows = point.row * picture.height / grid.rows..<(point.row + 1) * picture.height / grid.rows
      let columns = point.column * picture.width / grid.columns..<(point.column + 1) * picture.width / grid.columns
      var sum = 0
      for y in rows {
        let line = (y * picture.width + columns.lowerBound) * 3..<(y * picture.width + columns.upperBound) * 3
        for at in line { sum += abs(Int(picture.pixels[at]) - Int(other.pixels[at])) }
      }
      return Double(sum) / Double(max(1, rows.count * columns.count * 3) * 255)
    }
  }
}

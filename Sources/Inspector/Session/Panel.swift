/// The panels, numbered as the keys that focus them.
package enum Panel: Int, Sendable, CaseIterable, Codable {
  case image = 1
  case attention = 2
  case anchors = 3
  case mask = 4
  case verdict = 5
  case compression = 6
  case checkpoint = 7
  case compare = 8

  package var title: String {
    switch self {
    case .image: "Image"
    case .attention: "Attention"
    case .anchors: "Anchors"
    case .mask: "Mask"
    case .verdict: "Verdict"
    case .compression: "Compression"
    case .checkpoint: "Checkpoint"
    case .compare: "Compare"
    }
  }

  /// The panel's name in reports and exports.
  package var name: String { title.lowercased() }

  package var command: Command {
    switch self {
    case .image: .imagePanel
    case .attention: .attentionPanel
    case .anchors: .anchorsPanel
    case .mask: .maskPanel
    case .verdict: .verdictPanel
    case .compression: .compressionPanel
    case .checkpoint: .checkpointPanel
    case .compare: .comparePanel
    }
  }

  /// The panel `steps` further in order, round the end.
  package func advanced(by steps: Int) -> Panel {
    let all = Panel.allCases
    let index = all.firstIndex(of: self).map { ($0 + steps) % all.count } ?? 0
    return all[(index + all.count) % all.count]
  }
}

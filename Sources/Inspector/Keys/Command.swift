package import TerminalUI

/// Everything a key, a click on a hint or the palette can ask for.
///
/// The raw values are the names in the configuration file's `keys`.
package enum Command: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  case up, down, left, right, first, last, pageUp, pageDown, open
  case nextPanel, previousPanel
  case imagePanel, attentionPanel, anchorsPanel, maskPanel, verdictPanel, compressionPanel, checkpointPanel
  case zoomIn, zoomOut
  case previousLayer, nextLayer, previousHead, nextHead, previousGroup, nextGroup
  case aggregation, metric, scale, sinks, visualOnly, overlay
  case pin, range, holdRange, selectAnchors
  case knockOut, knockOutLayer, knockOutHead, clear, matchedRandom, figure
  case askAll, askFamilies, addPicture, keepTurns, newConversation
  case prompt, find, palette, help, export, copy
  case codePage, decodeKind, nextCandidate, previousCandidate, editCode, saveTrace
  case theme, mouse, undo, redo, redraw, suspend, cancel, quit
}

extension Command {
  /// The panel that this command focuses.
  package var panel: Panel? {
    switch self {
    case .imagePanel: .image
    case .attentionPanel: .attention
    case .anchorsPanel: .anchors
    case .maskPanel: .mask
    case .verdictPanel: .verdict
    case .compressionPanel: .compression
    case .checkpointPanel: .checkpoint
    default: nil
    }
  }

  /// What the palette and the help call it.
  package var title: String { text.title }

  /// One sentence for the help.
  package var summary: String { text.summary }

  /// The keys it has unless the configuration says otherwise; empty for commands of the palette alone.
  package var defaultKeys: [Key] { defaults }

  private var defaults: [Key] {
    switch self {
    case .up: [.up, .character("k")]
    case .down: [.down, .character("j")]
    case .left: [.left, .character("h")]
    case .right: [.right, .character("l")]
    case .first: [.character("g"), .home]
    case .last: [.character("G"), .end]
    case .pageUp: [.pageUp]
    case .pageDown: [.pageDown]
    case .open: [.enter]
    case .nextPanel: [.tab]
    case .previousPanel: [.backTab]
    case .imagePanel: [.character("1")]
    case .attentionPanel: [.character("2")]
    case .anchorsPanel: [.character("3")]
    case .maskPanel: [.character("4")]
    case .verdictPanel: [.character("5")]
    case .compressionPanel: [.character("6")]
    case .checkpointPanel: [.character("7")]
    case .askAll: [.character("A")]
    case .askFamilies: [.character("F")]
    case .addPicture: [.character("P")]
    case .keepTurns: [.character("T")]
    case .newConversation: [.character("N")]
    case .zoomIn: [.character("+"), .character("=")]
    case .zoomOut: [.character("_"), .character("-")]
    case .previousLayer: [.character("[")]
    case .nextLayer: [.character("]")]
    case .previousHead: [.character("{")]
    case .nextHead: [.character("}")]
    case .previousGroup: [.character(",")]
    case .nextGroup: [.character(".")]
    case .aggregation: [.character("a")]
    case .metric: [.character("m")]
    case .scale: [.character("s")]
    case .sinks: [.character("i")]
    case .overlay: [.character("o")]
    case .pin: [.character(" ")]
    case .range: [.character("v")]
    case .holdRange: [.character("V")]
    case .knockOut: [.character("x")]
    case .clear: [.character("X")]
    case .matchedRandom: [.character("r")]
    case .figure: [.character("f")]
    case .prompt: [.character("p")]
    case .find: [.character("/")]
    case .palette: [.character(":")]
    case .help: [.character("?")]
    case .export: [.character("e")]
    case .copy: [.character("y")]
    case .codePage: [.character("d")]
    case .decodeKind: [.character("D")]
    case .nextCandidate: [.character("n")]
    case .previousCandidate: [.character("b")]
    case .editCode: [.character("E")]
    case .saveTrace: [.character("W")]
    case .theme: [.character("t")]
    case .mouse: [.character("M")]
    case .undo: [.character("u")]
    case .redo: [.character("U")]
    case .redraw: [.control("l")]
    case .suspend: [.control("z")]
    case .cancel: [.escape]
    case .quit: [.character("q"), .control("c")]
    case .visualOnly, .selectAnchors, .knockOutLayer, .knockOutHead: []
    }
  }
}

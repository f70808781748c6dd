package import TerminalUI

/// Everything a key, a click on a hint or the palette can ask for; what each is stands in `CommandTable`.
///
/// The raw values are the names in the configuration file's `keys`.
package enum Command: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  case up, down, left, right, first, last, pageUp, pageDown, open
  case nextPanel, previousPanel
  case imagePanel, attentionPanel, anchorsPanel, maskPanel, verdictPanel, compressionPanel, checkpointPanel
  case comparePanel, compare
  case zoomIn, zoomOut, workspace
  case nextPicture, previousPicture, choosePicture
  case previousLayer, nextLayer, previousHead, nextHead, strongestHead, previousGroup, nextGroup
  case display, inspected, aggregation, metric, scale, sinks, visualOnly, overlay
  case pin, range, holdRange, selectAnchors
  case knockOut, knockOutLayer, knockOutHead, swapAnchors, clear, matchedRandom, figure
  case askAll, askFamilies, addPicture, keepTurns, newConversation
  case prompt, find, palette, help, export, copy
  case codePage, decodeKind, nextCandidate, previousCandidate, editCode, saveTrace
  case theme, mouse, undo, redo, redraw, suspend, cancel, quit
}

/// What a person wants to do: the help's headings, in its order.
package enum CommandTask: String, Sendable, CaseIterable {
  case look = "Look around"
  case attention = "Read the attention"
  case cut = "Select and cut"
  case codes = "Debug the codes"
  case ask = "Ask and compare answers"
  case screen = "Arrange the screen"
  case program = "Find, write, leave"
}

/// A command with all that there is to it: keys, help, palette, menus and what it does come from here.
package struct CommandEntry: Sendable {
  package let command: Command
  package let task: CommandTask
  /// What the palette and the help call it.
  package let title: String
  /// One sentence for the help.
  package let summary: String
  /// The keys it has unless the configuration says otherwise; empty for commands of the palette alone.
  package let keys: [Key]
  /// Why it does nothing here and now; `nil` when it works.
  let obstacle: @Sendable (InspectorState) -> String?
  let action: @Sendable (inout InspectorState) -> [Effect]
}

extension Command {
  /// The line of the table.
  package var entry: CommandEntry {
    guard let entry = CommandTable.byCommand[self] else { preconditionFailure("\(rawValue) is not in the table") }
    return entry
  }

  package var title: String { entry.title }
  package var summary: String { entry.summary }
  package var defaultKeys: [Key] { entry.keys }
}

extension InspectorState {
  /// Why a command does nothing here and now; `nil` when it works.
  package func obstacle(to command: Command) -> String? { command.entry.obstacle(self) }

  /// Does what a command asks for, or says why not.
  mutating func perform(_ command: Command) -> [Effect] {
    let entry = command.entry
    if let obstacle = entry.obstacle(self) {
      notice = "\(entry.title): \(obstacle)"
      return []
    }
    return entry.action(&self)
  }
}

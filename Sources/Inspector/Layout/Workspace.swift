import Foundation
import TerminalUI

/// Which panels stand beside each other for one kind of work; the first gets most room.
package enum Workspace: String, Sendable, CaseIterable, Codable {
  case explore, attention, codebook, compression, all

  package var panels: [Panel] {
    switch self {
    case .explore: [.image, .attention, .anchors, .verdict]
    case .attention: [.attention, .mask, .image]
    case .codebook: [.anchors, .image, .compression]
    case .compression: [.compression, .image]
    case .all: [.image, .attention, .anchors, .mask, .verdict, .checkpoint]
    }
  }

  package var next: Workspace {
    let all = Workspace.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }

  /// The workspace that a configuration opens with: `{"workspace": "attention"}`; `nil` where it names none.
  ///
  /// - Throws: `KeyMapError` naming the file and the field when there is no such workspace. What is no JSON object is
  ///   the key map's to tell.
  package static func configured(json: String, file: String) throws(KeyMapError) -> Workspace? {
    struct Configuration: Decodable { var workspace: String? }
    guard let name = try? JSONDecoder().decode(Configuration.self, from: Data(json.utf8)).workspace else { return nil }
    guard let workspace = Workspace(rawValue: name) else {
      let names = Workspace.allCases.map(\.rawValue).joined(separator: ", ")
      throw KeyMapError(file: file, field: "workspace", problem: "“\(name)” is none of \(names)")
    }
    return workspace
  }

  /// The panels with the focused one among them: it takes the last one's place when it is not.
  func panels(showing focus: Panel) -> [Panel] {
    panels.contains(focus) ? panels : panels.dropLast() + [focus]
  }

  /// Where the panels stand in so much room; on screens for five of six, `all` leaves one out.
  func places(in room: Rect, focus: Panel) -> [(panel: Panel, rect: Rect)] {
    var panels = panels(showing: focus)
    switch self {
    case .explore:
      let columns = Layout(.horizontal, [.fill(weight: 36, minimum: 0), .fill(weight: 64, minimum: 0)]).split(room)
      let left = Self.rows(columns[0], upper: 64)
      let right = Self.rows(columns[1], upper: 58)
      return [(panels[0], left[0]), (panels[1], right[0]), (panels[2], right[1]), (panels[3], left[1])]
    case .attention, .codebook:
      let columns = Layout(.horizontal, [.fill(weight: 60, minimum: 0), .fill(weight: 40, minimum: 0)]).split(room)
      let right = Self.rows(columns[1], upper: 50)
      return [(panels[0], columns[0]), (panels[1], right[0]), (panels[2], right[1])]
    case .compression:
      let columns = Layout(.horizontal, [.fill(weight: 64, minimum: 0), .fill(weight: 36, minimum: 0)]).split(room)
      return [(panels[0], columns[0]), (panels[1], columns[1])]
    case .all:
      let rows = Self.rows(room, upper: 58)
      let isLarge = room.width >= 180 && room.height >= 46
      if !isLarge { panels.remove(at: focus == panels[5] ? 4 : 5) }
      let thirds: [Layout.Constraint] = [
        .fill(weight: 28, minimum: 0), .fill(weight: 39, minimum: 0), .fill(weight: 33, minimum: 0),
      ]
      let halves: [Layout.Constraint] = [.fill(weight: 30, minimum: 0), .fill(weight: 70, minimum: 0)]
      let places =
        Layout(.horizontal, thirds).split(rows[0]) + Layout(.horizontal, isLarge ? thirds : halves).split(rows[1])
      return Array(zip(panels, places)).map { (panel: $0.0, rect: $0.1) }
    }
  }

  private static func rows(_ rect: Rect, upper: Double) -> [Rect] {
    Layout(.vertical, [.fill(weight: upper, minimum: 0), .fill(weight: 100 - upper, minimum: 0)]).split(rect)
  }
}

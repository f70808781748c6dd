import Foundation
package import TerminalUI
import Trace

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

/// Where everything stands on a screen of a size.
package struct ScreenLayout {
  /// Below this nothing sensible fits.
  package static let smallest = Size(width: 20, height: 5)

  var header: Rect
  /// What a person must know before believing a number, such as untrained parts; empty where there is nothing.
  var banner: Rect
  /// One tab a panel, when not all of them are on screen.
  var tabs: Rect
  var panels: [(panel: Panel, rect: Rect)]
  /// The stages under way; empty when nothing runs.
  var progress: Rect
  var status: Rect
  /// A second line for the hints, on narrow screens.
  var hints: Rect

  init(_ size: Size, state: InspectorState) {
    let width = size.width
    var top = 0
    var bottom = size.height
    func takeTop(_ rows: Int) -> Rect {
      defer { top += rows }
      return Rect(x: 0, y: top, width: width, height: rows)
    }
    func takeBottom(_ rows: Int) -> Rect {
      bottom -= rows
      return Rect(x: 0, y: bottom, width: width, height: rows)
    }
    let hasRoom = size.height >= 12
    header = takeTop(size.height >= 8 ? 1 : 0)
    banner = takeTop(
      size.height < 6
        ? 0 : min(state.bannerLines(width: width).count, size.height >= 24 ? 4 : size.height >= 16 ? 2 : 1))
    hints = takeBottom(hasRoom && width < 150 ? 1 : 0)
    status = takeBottom(1)
    progress = takeBottom(hasRoom && state.showsProgress ? 1 : 0)
    let arrangement = state.view.isZoomed ? .single : Arrangement(size, state.view.workspace)
    // Where not every panel is on screen the tabs tell which there are.
    tabs = takeTop(hasRoom && arrangement != .several(.all) ? 1 : 0)
    panels = arrangement.panels(
      in: Rect(x: 0, y: top, width: width, height: max(0, bottom - top)), focus: state.focus)
  }
}

/// How many panels share the screen.
enum Arrangement: Equatable {
  /// One, with tabs.
  case single
  /// The focused panel and the picture (or its attention) beside it, with tabs.
  case pair
  /// The panels of a workspace.
  case several(Workspace)

  init(_ size: Size, _ workspace: Workspace) {
    self =
      size.width >= 110 && size.height >= 30
      ? .several(workspace) : size.width >= 110 && size.height >= 16 ? .pair : .single
  }

  func panels(in room: Rect, focus: Panel) -> [(panel: Panel, rect: Rect)] {
    switch self {
    case .single: return [(focus, room)]
    case .pair:
      let columns = Layout(.horizontal, [.fraction(0.5), .fill]).split(room)
      let other: Panel = focus == .image ? .attention : .image
      return other == .image ? [(other, columns[0]), (focus, columns[1])] : [(focus, columns[0]), (other, columns[1])]
    case .several(let workspace): return workspace.places(in: room, focus: focus)
    }
  }
}

extension InspectorState {
  /// Whether a line of progress has something to say.
  var showsProgress: Bool {
    work != nil
      || progress.values.contains {
        switch $0.state {
        case .failed, .cancelled, .running: true
        case .finished, .reused: false
        }
      }
  }
}

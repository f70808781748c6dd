package import TerminalUI
import Trace

/// Where everything stands on a screen of a size.
package struct ScreenLayout {
  /// Below this nothing sensible fits.
  package static let smallest = Size(width: 20, height: 5)

  var header: Rect
  /// The line that names untrained parts; empty without them.
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
    banner = takeTop(size.height < 6 ? 0 : min(state.banners.count, size.height >= 24 ? 3 : 1))
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

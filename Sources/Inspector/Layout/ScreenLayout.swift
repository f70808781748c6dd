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
    banner = takeTop(!state.untrainedParts.isEmpty && size.height >= 6 ? 1 : 0)
    hints = takeBottom(hasRoom && width < 150 ? 1 : 0)
    status = takeBottom(1)
    progress = takeBottom(hasRoom && state.showsProgress ? 1 : 0)
    let arrangement = state.view.isZoomed ? .single : Arrangement(size)
    let showsTabs = arrangement == .single || arrangement == .pair
    tabs = takeTop(showsTabs && hasRoom ? 1 : 0)
    panels = arrangement.panels(
      in: Rect(x: 0, y: top, width: width, height: max(0, bottom - top)), focus: state.focus)
  }
}

/// How many panels share the screen.
enum Arrangement: Equatable {
  /// One, with tabs.
  case single
  /// The focused panel and the picture (or its attention) beside it.
  case pair
  /// Image, Attention, Anchors above Mask and Verdict; Checkpoint takes Verdict's place while focused.
  case five
  case all

  init(_ size: Size) {
    self =
      size.width >= 180 && size.height >= 50
      ? .all : size.width >= 110 && size.height >= 30 ? .five : size.width >= 110 && size.height >= 16 ? .pair : .single
  }

  func panels(in room: Rect, focus: Panel) -> [(panel: Panel, rect: Rect)] {
    switch self {
    case .single: return [(focus, room)]
    case .pair:
      let columns = Layout(.horizontal, [.fraction(0.5), .fill]).split(room)
      let other: Panel = focus == .image ? .attention : .image
      return other == .image ? [(other, columns[0]), (focus, columns[1])] : [(focus, columns[0]), (other, columns[1])]
    case .five, .all:
      let rows = Layout(.vertical, [.fill(weight: 58, minimum: 0), .fill(weight: 42, minimum: 0)]).split(room)
      let upper = Layout(
        .horizontal, [.fill(weight: 28, minimum: 0), .fill(weight: 39, minimum: 0), .fill(weight: 33, minimum: 0)]
      ).split(rows[0])
      let lower = Layout(
        .horizontal,
        self == .all
          ? [.fill(weight: 28, minimum: 0), .fill(weight: 39, minimum: 0), .fill(weight: 33, minimum: 0)]
          : [.fill(weight: 30, minimum: 0), .fill(weight: 70, minimum: 0)]
      ).split(rows[1])
      let top: [(panel: Panel, rect: Rect)] = [(.image, upper[0]), (.attention, upper[1]), (.anchors, upper[2])]
      return self == .all
        ? top
          + [(.mask, lower[0]), (.verdict, lower[1]), (focus == .compression ? .compression : .checkpoint, lower[2])]
        : top
          + [
            (.mask, lower[0]), (focus == .checkpoint || focus == .compression ? focus : .verdict, lower[1]),
          ]
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

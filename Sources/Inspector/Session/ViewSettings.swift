package import ColorMaps
package import Evidence
import Trace

/// How the data is shown, and what was asked of the model: what undo takes back.
///
/// The cursor, the focus and scrolling are not part of it, so undo never moves what a person is looking at.
package struct ViewSettings: Sendable, Hashable, Codable {
  /// The question: undo goes back to the run of the one before.
  package var prompt: String
  /// A layer from 0; `nil` is all layers.
  package var layer: Int?
  /// A head from 0; `nil` is all heads.
  package var head: Int?
  /// Whether all heads together show the largest value of any, rather than the mean.
  package var takesMaximum: Bool
  package var metric: AttentionMetric
  package var scale: ValueScale.Kind
  /// Whose row the Attention panel looks at, and how.
  package var inspected: InspectedRow
  package var display: AttentionDisplay
  /// The head that the matrix is sorted by, from 0; `nil` leaves the layers in order.
  package var sortedHead: Int?
  /// Whether attention sinks are left out and the rest renormalized.
  package var hidesSinks: Bool
  /// Whether only anchors and patches are kept and renormalized.
  package var visualOnly: Bool
  package var overlay: PictureOverlay
  /// The range of values that colours keep while layers and pictures change; `nil` follows the data.
  package var heldRange: ClosedRange<Double>?
  /// The keys picked for a knock-out.
  package var selection: Set<KeyReference>
  /// The group whose code grid is shown, from 0.
  package var group: Int
  /// The identifier of the knock-out shown beside the run; `nil` for none.
  package var shownKnockOut: Int?
  package var theme: Int
  package var takesMouse: Bool
  package var isZoomed: Bool
  package var workspace: Workspace
  package var showsMaskCells: Bool
  /// Codes replaced by hand, in order: undo takes them back one by one.
  package var edits: [CodeEdit]
  package var verdictDisplay: VerdictDisplay
  /// Whether the Verdict panel shows the paper's heat map.
  package var showsFigure: Bool { verdictDisplay == .figure }
  /// Whether the Verdict panel unfolds its controls and rules.
  package var showsRules: Bool
  package var compareDisplay: CompareDisplay
  package var anchorsDisplay: AnchorsDisplay
  /// Whether the Checkpoint panel shows how another checkpoint differs.
  package var showsDiff: Bool

  package init() {
    prompt = ""
    layer = nil
    head = nil
    takesMaximum = false
    metric = .share
    scale = .logarithmic
    inspected = .voco
    display = .map
    sortedHead = nil
    hidesSinks = false
    visualOnly = false
    overlay = .none
    heldRange = nil
    selection = []
    group = 0
    shownKnockOut = nil
    theme = 0
    takesMouse = true
    isZoomed = false
    workspace = .explore
    showsMaskCells = false
    edits = []
    verdictDisplay = .claims
    showsRules = false
    compareDisplay = .maps
    anchorsDisplay = .overview
    showsDiff = false
  }

  /// The numbers that these settings ask for.
  package var query: AttentionQuery {
    AttentionQuery(
      layer: layer.map(LayerSelection.single) ?? .all,
      head: head.map(HeadSelection.single) ?? (takesMaximum ? .max : .mean), metric: metric, hidesSinks: hidesSinks,
      visualOnly: visualOnly)
  }
}

extension ValueScale.Kind {
  /// The scale after this one, for a key that steps through them.
  var next: ValueScale.Kind {
    switch self {
    case .logarithmic: .rank
    case .rank: .linear
    case .linear: .logarithmic
    }
  }
}

/// What lies over the picture.
package enum PictureOverlay: String, Sendable, CaseIterable, Codable {
  case none, grid, attention, reconstruction, provenance
}

/// The changes of the view that undo takes back, newest last.
package struct ViewHistory: Sendable, Equatable {
  /// Older changes are forgotten; each may hold a selection of all patches.
  package static let limit = 300

  package private(set) var past: [ViewSettings] = []
  package private(set) var future: [ViewSettings] = []

  package init() {}

  /// Notes that `settings` were replaced.
  package mutating func record(_ settings: ViewSettings) {
    past.append(settings)
    if past.count > ViewHistory.limit { past.removeFirst() }
    future.removeAll()
  }

  /// The settings before `current`; `nil` when there are none.
  package mutating func undo(_ current: ViewSettings) -> ViewSettings? {
    guard let settings = past.popLast() else { return nil }
    future.append(current)
    return settings
  }

  /// The settings that were undone last; `nil` when there are none.
  package mutating func redo(_ current: ViewSettings) -> ViewSettings? {
    guard let settings = future.popLast() else { return nil }
    past.append(current)
    return settings
  }
}

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

  /// For narrow screens.
  var shortTitle: String {
    switch self {
    case .compression: "Compress"
    case .checkpoint: "Checkpt"
    default: title
    }
  }

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

/// How a picture was looked at when it was left: what reopening it brings back.
///
/// Results of the model (cuts, edited codes) are not kept: they would have to be computed before anything is on screen.
package struct KeptView: Sendable, Equatable, Codable {
  package var view: ViewSettings
  package var cursor: LinkedCursor
  package var focus: Panel
  /// SHA-256 of the weights; empty while it was not known.
  package var weightsSHA256: String
}

extension InspectorState {
  /// What to keep of this picture; `nil` before there is anything to keep.
  package var keptView: KeptView? {
    guard let trace, trace.language != nil else { return nil }
    var kept = view
    (kept.shownKnockOut, kept.edits, kept.heldRange) = (nil, [], nil)
    return KeptView(view: kept, cursor: cursor, focus: focus, weightsSHA256: trace.provenance.weightsSHA256)
  }

  /// Shows the picture as it was left; what the model has no layer, head or group for is pulled inside once it is known.
  mutating func reopen(_ kept: KeptView) {
    let (theme, takesMouse) = (view.theme, view.takesMouse)
    view = kept.view
    (view.theme, view.takesMouse) = (theme, takesMouse)
    (view.shownKnockOut, view.edits, view.prompt) = (nil, [], prompt)
    (keptCursor, focus) = (kept.cursor, kept.focus)
    notice = keylessNotice ?? "shown as it was left"
    if trace != nil { clampView() }
    relink()
  }
}

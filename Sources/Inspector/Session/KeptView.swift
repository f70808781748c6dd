import Trace

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
    notice = "shown as it was left"
    if trace != nil { clampView() }
    relink()
  }
}

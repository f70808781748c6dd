import Trace

extension InspectorState {
  /// What the token is called whose row the panels look at.
  package var inspectedToken: String { trace?.model.inspectedToken ?? "<voco>" }

  /// Why there are no codes to look at.
  package var missingCodes: String {
    trace?.model.groups == 0
      ? "This checkpoint has no anchors: it is without a quantizer and its codes." : "The codes are not computed yet."
  }

  /// The same as a command says it that does nothing.
  var codesObstacle: String {
    trace?.model.groups == 0 ? "this checkpoint has no anchors" : "the codes are not computed yet"
  }
}

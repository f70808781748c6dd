package import TerminalUI

/// What a run loop drives: the inspector alone, or something around it.
package protocol InspectorProgram: Sendable {
  /// The session that effects are carried out for.
  var inspector: InspectorState { get }

  /// Takes an action; the effects are for the run loop to carry out.
  mutating func take(_ action: Action) -> [Effect]

  /// The frame, of which it notes what the mouse meets.
  mutating func draw(size: Size, pictures: PictureRenderer?) -> Frame
}

extension InspectorState: InspectorProgram {
  package var inspector: InspectorState { self }

  package mutating func take(_ action: Action) -> [Effect] { update(&self, action) }

  package mutating func draw(size: Size, pictures: PictureRenderer?) -> Frame {
    let screen = Inspector.view(self, size: size, pictures: pictures)
    hits = screen.hits
    return screen.frame
  }
}

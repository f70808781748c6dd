package import Inspector
package import TerminalUI

/// A guided way through the inspector: a real session, and words under it.
///
/// Every key but those of the tour goes to the inspector, so that what is told can be tried.
package struct TourState: InspectorProgram {
  package private(set) var inspector: InspectorState
  package private(set) var step = TourStep.question
  /// The inspector as it was at the end of each step before this.
  private var earlier: [InspectorState] = []
  private var size: Size

  /// - Parameter inspector: a session whose run has not begun, of the whole screen's size.
  package init(_ inspector: InspectorState) {
    self.inspector = inspector
    size = inspector.size
    _ = Inspector.update(&self.inspector, .input(.resize(Self.room(size))))
    _ = begin()
  }

  package var isReady: Bool { step.isReady(inspector) }
  package var text: String { step.text(inspector) }

  /// Takes an action; space goes on once the step is complete, backspace back.
  package mutating func take(_ action: Action) -> [Effect] {
    switch action {
    case .input(.resize(let size)):
      self.size = size
      return Inspector.update(&inspector, .input(.resize(Self.room(size))))
    case .input(.key(" ")) where takesKeys: return goOn()
    case .input(.key(.backspace)) where takesKeys: return goBack()
    case .input(.mouse(let event)) where event.position.y >= Self.room(size).height:
      return event.kind == .press ? goOn() : []
    default: return Inspector.update(&inspector, action)
    }
  }

  /// Whether no menu, line of text or dialog of the inspector waits for keys.
  private var takesKeys: Bool { inspector.mode == .normal && inspector.failure == nil }

  private mutating func goOn() -> [Effect] {
    guard isReady else { return [] }
    guard let next = TourStep(rawValue: step.rawValue + 1) else { return [.quit] }
    earlier.append(inspector)
    step = next
    return begin()
  }

  private mutating func goBack() -> [Effect] {
    guard inspector.work == nil, let before = earlier.popLast(), let step = TourStep(rawValue: step.rawValue - 1) else {
      return []
    }
    inspector = before
    self.step = step
    return Inspector.update(&inspector, .input(.resize(Self.room(size))))
  }

  private mutating func begin() -> [Effect] {
    step.commands.flatMap { Inspector.update(&inspector, .command($0)) }
  }

  /// What the words leave of a screen.
  private static func room(_ size: Size) -> Size { Size(width: size.width, height: max(1, size.height - words(size))) }

  /// Rows of the words: a rule, the text, the keys.
  private static func words(_ size: Size) -> Int {
    guard size.height >= 16 else { return size.height >= 10 ? 3 : 1 }
    return size.width >= 110 ? 5 : 6
  }

  /// The inspector with the words under it; notes what the mouse meets.
  package mutating func draw(size: Size, pictures: PictureRenderer?) -> Frame {
    let room = Self.room(size)
    let above = view(inspector, size: room, pictures: pictures)
    inspector.hits = above.hits
    var canvas = Canvas(size: size, look: inspector.appearance)
    canvas.frame.blit(above.frame, at: Point(x: 0, y: 0))
    canvas.drawTour(self, in: Rect(x: 0, y: room.height, width: size.width, height: size.height - room.height))
    return canvas.screen.frame
  }
}

extension Canvas {
  fileprivate mutating func drawTour(_ tour: TourState, in rect: Rect) {
    guard rect.height > 0 else { return }
    let count = TourStep.allCases.count
    let isLast = tour.step.rawValue + 1 == count
    frame.restyle(rect.top(1)) { $0 = look.theme.banner }
    let heading = " Tour \(tour.step.rawValue + 1)/\(count) · \(tour.step.title)"
    line(heading, in: rect, style: look.theme.banner)
    let keys =
      tour.isReady ? (isLast ? "space ends" : "space goes on") + " · backspace back · q quits " : "computing … "
    if displayWidth(heading) + displayWidth(keys) < rect.width {
      line(keys, in: rect.top(1), style: look.theme.banner, alignment: .trailing)
    }
    let inside = Rect(x: rect.x + 1, y: rect.y + 1, width: max(0, rect.width - 2), height: rect.height - 1)
    paragraph(tour.text, in: inside)
  }
}

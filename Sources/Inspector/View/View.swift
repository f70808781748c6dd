package import TerminalUI

/// A frame, and what its regions mean to the mouse.
package struct Screen: Sendable {
  package let frame: Frame
  package let hits: HitMap<HitTarget>
}

/// Draws the state; a function of its arguments alone.
///
/// - Parameter pictures: how the picture is drawn where the terminal has the colours for it; `nil` draws half blocks.
package func view(_ state: InspectorState, size: Size, pictures: PictureRenderer? = nil) -> Screen {
  let look = state.appearance
  var canvas = Canvas(size: size, look: look)
  guard size.width >= ScreenLayout.smallest.width, size.height >= ScreenLayout.smallest.height else {
    canvas.paragraph("terminal too small: vocoscope needs 20×5", in: Rect(size))
    return canvas.screen
  }
  let layout = ScreenLayout(size, state: state)
  canvas.drawHeader(state, in: layout.header)
  canvas.drawBanner(state, in: layout.banner)
  canvas.drawTabs(state, in: layout.tabs)
  for (panel, rect) in layout.panels {
    canvas.drawPanel(panel, state, in: rect, pictures: look.drawsHalfBlocks ? pictures : nil)
  }
  canvas.drawProgress(state, in: layout.progress)
  canvas.drawStatus(state, layout)
  canvas.drawMenu(state, in: Rect(size))
  if let failure = state.failure {
    Dialog.draw(failure, title: " Something went wrong ", in: Rect(size), of: &canvas.frame, look)
    canvas.hits.add(Rect(size), .dialog)
  }
  return canvas.screen
}

extension Canvas {
  /// What was drawn; in ASCII terminals every character is folded to one they have.
  var screen: Screen { Screen(frame: look.glyphs.isUnicode ? frame : frame.asciiOnly, hits: hits) }

  mutating func drawTabs(_ state: InspectorState, in rect: Rect) {
    let panels = Panel.allCases
    let titles = panels.map { "\($0.rawValue) \($0.title)" }
    let tabs = Tabs(titles, selected: panels.firstIndex(of: state.focus) ?? 0)
    hits.add(tabs.draw(in: rect, of: &frame, look)) { .command(panels[$0].command) }
  }

  mutating func drawPanel(_ panel: Panel, _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard !rect.isEmpty else { return }
    hits.add(rect, .panel(panel))
    let isFocused = panel == state.focus
    // A frame costs two rows; where there are hardly any, the content needs them more.
    let isFramed = rect.height >= 6 && rect.width >= 24
    let inside =
      isFramed
      ? frame.box(
        rect, title: "\(panel.rawValue) \(state.title(of: panel))",
        style: isFocused ? look.theme.focusBorder : look.theme.border,
        titleStyle: isFocused ? look.theme.title : look.theme.dim, glyphs: look.glyphs)
      : rect
    switch panel {
    case .image: drawImage(state, in: inside, frameRect: isFramed ? rect : nil, pictures: pictures)
    case .attention: drawAttention(state, in: inside)
    case .anchors: drawAnchors(state, in: inside, pictures: pictures)
    case .mask: drawMask(state, in: inside)
    case .verdict: drawVerdict(state, in: inside)
    case .compression: drawCompression(state, in: inside, pictures: pictures)
    case .checkpoint: drawCheckpoint(state, in: inside)
    }
  }
}

extension InspectorState {
  func title(of panel: Panel) -> String {
    switch panel {
    case .attention: map == nil ? "Attention of \(inspectedToken)" : "Attention of \(inspectedToken) · \(choiceWords)"
    case .mask: "Mask · arrows go by \(view.showsMaskCells ? "cell" : "segment")"
    default: panel.title
    }
  }
}

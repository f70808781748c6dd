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
  package var screen: Screen { Screen(frame: look.glyphs.isUnicode ? frame : frame.asciiOnly, hits: hits) }

  mutating func drawTabs(_ state: InspectorState, in rect: Rect) {
    let panels = Panel.allCases
    // At 80 columns all of them are there.
    let isNarrow = panels.reduce(0) { $0 + displayWidth($1.title) + 4 } > rect.width
    let titles = panels.map { "\($0.rawValue) \(isNarrow ? $0.shortTitle : $0.title)" }
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
        rect, title: state.title(of: panel, width: rect.width - 6),
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
    case .compare: drawCompare(state, in: inside, pictures: pictures)
    }
  }
}

extension InspectorState {
  /// What the panel shows and what came out, most important first: what does not fit is left out from the end.
  func title(of panel: Panel, width: Int) -> String {
    titleLine(["\(panel.rawValue) \(panel.title)"] + findings(panel), width: width)
  }

  private func findings(_ panel: Panel) -> [String] {
    switch panel {
    case .image: imageFindings
    case .attention: attentionFindings
    case .anchors: anchorsFindings
    case .mask: maskFindings
    case .verdict: verdictFindings
    case .compression: compressionFindings
    case .checkpoint: checkpointFindings
    case .compare: compareFindings
    }
  }
}

/// What a click means.
package enum HitTarget: Sendable, Hashable {
  case panel(Panel)
  case command(Command)
  /// A patch of a map whose cells stand as this layout says.
  case patches(GridLayout)
  /// A patch of the picture, whose cells are stretched over the region.
  case picture
  /// A cell of the code grid.
  case codes(GridLayout)
  /// A cell of one group's code grid, of several that are shown.
  case codesOf(group: Int, GridLayout)
  /// A query and a key of the mask, by their positions.
  case maskEdge(row: Int, column: Int)
  /// A pair of segments of the mask, by their numbers.
  case maskBlock(row: Int, column: Int)
  case key(KeyReference)
  /// A layer; `nil` is all.
  case layer(Int?)
  /// A head, by its number as column and its layer as row.
  case head(GridPoint)
  case tensor(Int)
  /// A row of the open menu.
  case choice(Int)
  /// The inside of a dialog, where clicks do nothing.
  case dialog
}

/// A frame under construction, with what its regions mean to the mouse.
package struct Canvas {
  package var frame: Frame
  package var hits = HitMap<HitTarget>()
  package let look: Appearance

  package init(size: Size, look: Appearance) {
    frame = Frame(size: size)
    self.look = look
    frame.fill(Rect(size), with: Cell(" ", look.theme.text))
  }

  /// Writes one line, cut with an ellipsis where it does not fit.
  package mutating func line(
    _ text: String, in rect: Rect, row: Int = 0, style: Style? = nil, alignment: Alignment = .leading
  ) {
    guard row >= 0 && row < rect.height else { return }
    let place = Rect(x: rect.x, y: rect.y + row, width: rect.width, height: 1)
    frame.writeLine(
      text, in: place, style: style ?? look.theme.text, alignment: alignment, ellipsis: look.glyphs.ellipsis)
  }

  /// Writes spans in one line.
  package mutating func line(_ spans: [Span], in rect: Rect, row: Int = 0) {
    guard row >= 0 && row < rect.height else { return }
    frame.writeLine(spans, in: Rect(x: rect.x, y: rect.y + row, width: rect.width, height: 1), look)
  }

  /// Writes wrapped text; returns the rows it took, at most those there are.
  @discardableResult
  package mutating func paragraph(_ text: String, in rect: Rect, style: Style? = nil) -> Int {
    guard !rect.isEmpty else { return 0 }
    return min(rect.height, frame.writeParagraph(text, in: rect, style: style ?? look.theme.text))
  }

  package mutating func draw(_ widget: some Widget, in rect: Rect) { widget.draw(in: rect, of: &frame, look) }

  /// A part of a panel that takes the room that is left: it is left out where it would be squeezed below its least.
  struct Block {
    let least: Size
    /// Rows that it can use; the last of a column that can use more gets what is left.
    let most: Int
    let draw: (inout Canvas, Rect) -> Void

    init(least: Size, most: Int = .max, draw: @escaping (inout Canvas, Rect) -> Void) {
      (self.least, self.most, self.draw) = (least, max(most, least.height), draw)
    }
  }

  /// Draws as many blocks as fit, the first ones first, in columns beside each other.
  ///
  /// - Parameter columnWidth: a column is at least so wide where there are several.
  mutating func fill(_ rect: Rect, with blocks: [Block], gap: Int = 2, columnWidth: Int = Canvas.columnWidth) {
    let fitting = blocks.filter { $0.least.width <= rect.width && $0.least.height <= rect.height }
    guard !fitting.isEmpty else { return }
    var count = max(1, min(fitting.count, (rect.width + gap) / (columnWidth + gap)))
    let widest = fitting.map(\.least.width).max() ?? 0
    while count > 1 && (rect.width + gap) / count - gap < widest { count -= 1 }
    var columns = [[Block]](repeating: [], count: count)
    func used(_ column: [Block]) -> Int { column.reduce(0) { $0 + $1.least.height + 1 } }
    for block in fitting {
      // The emptiest column takes the next one.
      let index = columns.indices.min { used(columns[$0]) < used(columns[$1]) } ?? 0
      if used(columns[index]) + block.least.height <= rect.height { columns[index].append(block) }
    }
    columns.removeAll(where: \.isEmpty)
    let places = Layout(.horizontal, columns.map { _ in .fill(weight: 1, minimum: 0) }, gap: gap).split(rect)
    for (column, place) in zip(columns, places) { stack(column, in: place) }
  }

  static let columnWidth = 38

  private mutating func stack(_ column: [Block], in rect: Rect) {
    var heights = column.map(\.least.height)
    var spare = rect.height - heights.reduce(0, +) - (column.count - 1)
    while spare > 0,
      let next = column.indices.filter({ heights[$0] < column[$0].most }).min(by: { heights[$0] < heights[$1] })
    {
      heights[next] += 1
      spare -= 1
    }
    var y = rect.y
    for (block, height) in zip(column, heights) {
      block.draw(&self, Rect(x: rect.x, y: y, width: rect.width, height: height))
      y += height + 1
    }
  }
}

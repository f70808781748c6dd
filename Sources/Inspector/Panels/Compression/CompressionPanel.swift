import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// Answers side by side, the bill, the conversation, what is kept, and the codes: one page at a time, or several where
  /// there is room.
  mutating func drawCompression(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard rect.height > 0, rect.width > 0 else { return }
    if rect.width >= 110 && rect.height >= 24 { return drawCompressionBoard(state, in: rect, pictures: pictures) }
    var room = rect
    if rect.height >= 4 {
      let pages = CompressionPage.allCases
      let tabs = Tabs(pages.map(\.title), selected: state.compressionView.page.rawValue)
      _ = tabs.draw(in: Rect(x: room.x, y: room.y, width: room.width, height: 1), of: &frame, look)
      room = room.dropping(top: 1)
    }
    drawCompressionPage(state.compressionView.page, state, in: room, pictures: pictures, scrolls: true)
  }

  /// All pages at once: answers, codes and the table above, bill and conversation below.
  private mutating func drawCompressionBoard(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    let rows = Layout(.vertical, [.fill(weight: 1, minimum: 0), .fill(weight: 1, minimum: 0)], gap: 1).split(rect)
    let isWide = rect.width >= 150
    let upper = Layout(
      .horizontal, isWide ? [.fill(weight: 60, minimum: 0), .fill(weight: 40, minimum: 0)] : [.fill], gap: 2
    ).split(rows[0])
    let lower = Layout(.horizontal, [.fixed(68), .fill], gap: 2).split(rows[1])
    let page = state.compressionView.page
    drawTitled(.answers, state, in: upper[0], pictures: pictures, isChosen: page == .answers)
    drawTitled(.bill, state, in: lower[0], pictures: pictures, isChosen: page == .bill)
    if isWide { drawTitled(.codes, state, in: upper[1], pictures: pictures, isChosen: page == .codes) }
    let side: CompressionPage =
      page == .conversation || page == .families || (page == .codes && !isWide) ? page : .conversation
    drawTitled(side, state, in: lower[1], pictures: pictures, isChosen: page == side)
  }

  private mutating func drawTitled(
    _ page: CompressionPage, _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?, isChosen: Bool
  ) {
    let mark = isChosen ? "\(look.glyphs.pointer)" : " "
    line("\(mark)\(page.title)", in: rect, style: isChosen ? look.theme.title : look.theme.dim)
    drawCompressionPage(page, state, in: rect.dropping(top: 1), pictures: pictures, scrolls: isChosen)
  }

  private mutating func drawCompressionPage(
    _ page: CompressionPage, _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?, scrolls: Bool
  ) {
    guard !rect.isEmpty else { return }
    if page == .codes { return drawCodesBeside(state, in: rect, pictures: pictures) }
    let lines = state.compressionLines(width: rect.width).lines(page)
    ListView(lines, scroll: Scroll(offset: scrolls ? state.compressionView.scroll : 0)).draw(in: rect, of: &frame, look)
  }

  /// The picture beside what its codes decode to.
  private mutating func drawCodesBeside(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    guard let decoded = state.decodedCodes else {
      return line("The codes are not decoded yet.", in: rect, style: look.theme.dim)
    }
    let words = state.codesWords
    let textRows = rect.height >= 8 ? min(3, wrapped(words, to: rect.width).count) : 0
    let halves = Layout(.horizontal, [.fill, .fill], gap: 2).split(rect.dropping(bottom: textRows + 1))
    let shown = [("picture", decoded.picture), ("from its codes", decoded.reconstruction)]
    for (place, (title, picture)) in zip(halves, shown) {
      let size = PictureRenderer.size(ofWidth: picture.width, height: picture.height, in: place.size)
      let cells = (pictures ?? .best(for: look)).render(picture.pixels, picture.width, picture.height, size)
      frame.blit(cells, size: size, at: Point(x: place.x, y: place.y), clippedTo: place)
      line(
        title, in: Rect(x: place.x, y: place.y + size.height, width: place.width, height: 1), style: look.theme.accent)
    }
    if textRows > 0 { paragraph(words, in: rect.bottom(textRows), style: look.theme.dim) }
  }
}

extension InspectorState {
  func compressionLines(width: Int) -> CompressionLines {
    CompressionLines(
      state: compression, view: compressionView, look: appearance, width: width, waiting: compressionWaiting)
  }

  /// The lines of the page on screen, for scrolling.
  var compressionLineCount: Int {
    compressionLines(width: max(20, min(size.width, 110))).lines(compressionView.page).count
  }

  private var compressionWaiting: String {
    if !capabilities.runsModel { return "A trace holds one answer; comparing needs the checkpoint." }
    if trace?.language == nil { return "The decoder has not run yet." }
    return
      "Press \(keyMap.hint(.askAll, unicode: glyphs.isUnicode)) to ask “\(prompt)” from all visual tokens, from <voco> and from no picture."
  }

  /// What the anchors could know.
  var codesWords: String {
    guard let mgvq = trace?.mgvq else { return "" }
    let codes = mgvq.codes
    let count = Format.integer(codes.groups * codes.height * codes.width)
    var words =
      "The \(links.anchors) anchors are made from \(count) codes (\(codes.groups) groups × \(codes.height)×\(codes.width)); "
    words += "what the codes lost, the anchors cannot know."
    if let decibels = decodedCodes?.decibels { words += " \(decimal(decibels, digits: 1)) dB." }
    return words
  }
}

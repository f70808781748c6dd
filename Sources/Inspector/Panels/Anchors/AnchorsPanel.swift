import ColorMaps
import Evidence
import Reports
import Statistics
import Tensor
import TerminalUI
import Trace

/// What the Anchors panel shows large.
package enum AnchorsDisplay: String, Sendable, CaseIterable, Codable {
  /// Vectors, groups, book and usage together, where there is room.
  case overview
  /// The code maps of all groups side by side.
  case groups
  /// One group, as large as it goes.
  case group
  /// The codebook of one group on the plane of its two main directions.
  case book

  var next: AnchorsDisplay {
    let all = AnchorsDisplay.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}

extension Canvas {
  /// The anchor vectors with their similarity and health, and the codes that they are made from.
  mutating func drawAnchors(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer? = nil) {
    let isBoard = rect.width >= 100 && rect.height >= 24
    switch state.view.anchorsDisplay {
    case .overview where isBoard: drawAnchorsBoard(state, in: rect, pictures: pictures)
    case .groups where state.codeFigures != nil && state.codeLab.page == .code: _ = drawGroups(state, in: rect)
    case .book where state.codeFigures?.book != nil && state.codeLab.page == .code:
      guard isBoard else {
        return fill(rect, with: [bookBlock(state), usageBlock(state), codeBlock(state, pictures)].compactMap { $0 })
      }
      drawBookBoard(state, in: rect, pictures: pictures)
    case .group where isBoard:
      let left = rect.left(rect.width * 62 / 100)
      drawCodes(state, in: left, pictures: pictures, withFacts: false)
      fill(
        rect.dropping(left: left.width + 2),
        with: [codeBlock(state, pictures), usageBlock(state), bookBlock(state)].compactMap { $0 })
    default: drawAnchorsColumn(state, in: rect, pictures: pictures)
    }
  }

  /// Everything at once: vectors and their similarity, the groups in a line, and under them the shown group large, what
  /// each head gives each anchor, the code at the cursor, the book and its usage.
  private mutating func drawAnchorsBoard(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    let top = min(state.links.anchors + 2, rect.height / 3)
    let matrix = state.statistics?.anchors == nil ? 0 : min(rect.width / 4, 4 + 8 * state.links.anchors)
    let vectors = rect.dropping(right: matrix + (matrix > 0 ? 2 : 0)).top(top)
    drawVectors(state, in: vectors)
    drawSimilarity(state, in: rect.right(matrix).top(top))
    if let health = state.statistics?.health, state.links.anchors + 1 < top {
      let style = state.collapseWords == nil ? look.theme.good : look.theme.warning
      line(health, in: vectors, row: top - 1, style: style)
    }
    var room = rect.dropping(top: top)
    for text in state.editWords where room.height > 12 {
      room = room.dropping(top: paragraph(text, in: room.top(3), style: look.theme.accent))
    }
    guard state.codeLab.page == .code, state.codeFigures != nil, let codes = state.trace?.mgvq?.codes else {
      return drawCodes(state, in: room, pictures: pictures, withFacts: false)
    }
    let (book, code, usage) = (bookBlock(state), codeBlock(state, pictures), usageBlock(state))
    let heads = anchorHeadsBlock(state)
    let rows = groupRows(codes, width: room.width)
    let used = drawGroups(state, in: room.top(rows > 0 ? rows : room.height / 2))
    let below = room.dropping(top: used)
    // Maps that needed more than a line leave little below them.
    guard below.height >= 24, let group = groupBlock(state, in: below.left(rect.width / 3), part: 1) else {
      return fill(below, with: [code, heads, usage, book].compactMap { $0 })
    }
    group.draw(&self, below.left(group.least.width).top(group.least.height))
    let side = below.dropping(left: group.least.width + 2)
    guard side.width >= 100 else { return fill(side, with: [code, heads, book].compactMap { $0 }) }
    let charts = side.right(side.width * 2 / 5)
    fill(charts, with: [usage, book].compactMap { $0 })
    fill(side.dropping(right: charts.width + 2), with: [code, heads].compactMap { $0 })
  }

  /// The book over how alike the most used codes are; the shown group over the code at the cursor; usage over all codes
  /// by use.
  private mutating func drawBookBoard(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    let left = rect.left(rect.width / 3)
    var books = [bookBlock(state), usageBlock(state)].compactMap { $0 }
    if let likeness = likenessBlock(state), let book = bookBlock(state) {
      // Alike codes are seen as far as there are rows for them; the plane's points need few.
      let rows = max(likeness.least.height, min(likeness.most, left.height - book.least.height - 1))
      if rows + 1 + book.least.height <= left.height {
        likeness.draw(&self, left.bottom(rows))
        books = [book]
        fill(left.dropping(bottom: rows + 1), with: books)
      } else {
        fill(left, with: books)
      }
    } else {
      fill(left, with: books)
    }
    let side = rect.dropping(left: left.width + 2)
    let rest = [books.count == 1 ? usageBlock(state) : nil, rankingBlock(state)].compactMap { $0 }
    guard let group = groupBlock(state, in: side, part: 0.66), side.width >= group.least.width + 36 else {
      return fill(side, with: [codeBlock(state, pictures)].compactMap { $0 } + rest)
    }
    let middle = side.left(group.least.width)
    group.draw(&self, middle.top(group.least.height))
    fill(middle.dropping(top: group.least.height + 1), with: [codeBlock(state, pictures)].compactMap { $0 })
    fill(side.dropping(left: middle.width + 2), with: rest)
  }

  /// One thing under another, for narrow panels.
  private mutating func drawAnchorsColumn(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    var room = rect
    let rows = min(state.links.anchors, max(0, rect.height - 3))
    for anchor in 0..<rows {
      drawAnchor(anchor, state, in: Rect(x: room.x, y: room.y + anchor, width: room.width, height: 1))
    }
    room = room.dropping(top: rows)
    let cosines = state.cosineWords
    if !cosines.isEmpty && room.height >= 8 {
      room = room.dropping(
        top: paragraph(cosines, in: Rect(x: room.x, y: room.y, width: room.width, height: 2), style: look.theme.dim))
    }
    if let collapse = state.collapseWords {
      room = room.dropping(top: paragraph(collapse, in: room, style: look.theme.warning))
    }
    for words in state.editWords where room.height > 6 {
      room = room.dropping(top: paragraph(words, in: room, style: look.theme.accent))
    }
    drawCodes(state, in: room, pictures: pictures, withFacts: true)
  }

  private mutating func drawVectors(_ state: InspectorState, in rect: Rect) {
    line(
      "anchors: \(state.view.metric.rawValue), lift, rank, length, magnitude", in: rect,
      style: look.theme.title)
    for anchor in 0..<min(state.links.anchors, max(0, rect.height - 1)) {
      drawAnchor(anchor, state, in: Rect(x: rect.x, y: rect.y + 1 + anchor, width: rect.width, height: 1))
    }
  }

  private mutating func drawSimilarity(_ state: InspectorState, in rect: Rect) {
    guard let cosines = state.statistics?.anchors?.cosines, rect.width >= 16 else { return }
    let names = cosines.indices.map { "A\($0 + 1)" }
    draw(
      ScoreMatrix(
        title: "cosine", rowNames: names, columnNames: names, values: cosines.map { $0.map { Optional($0) } },
        texts: cosines.map { $0.map { decimal($0, digits: 2) } }, scale: .linear(-1...1), map: .blueOrange),
      in: rect)
  }

  /// `A1 9.1% ×13.2 ▁▇▃ ‖v‖ 3.1`
  private mutating func drawAnchor(_ anchor: Int, _ state: InspectorState, in rect: Rect) {
    let key = KeyReference.anchor(anchor)
    hits.add(rect, .key(key))
    let isHere = state.cursor.key == key
    let pin = state.highlightedKeys.contains(key) ? look.glyphs.bullet : " "
    let text = "\(pin)\(state.anchorLines[anchor]) "
    line(text, in: rect, style: isHere ? look.theme.cursor : look.theme.text)
    let space = rect.dropping(left: displayWidth(text))
    guard space.width >= 4, let vector = state.anchorShape(anchor, width: space.width) else { return }
    line(sparkline(vector.values, range: vector.range, look.glyphs), in: space, style: look.theme.accent)
  }

  /// The code maps of all groups in the largest multiple that lets all of them in; else a page with the shown one.
  /// Returns the rows that they took.
  private mutating func drawGroups(_ state: InspectorState, in rect: Rect) -> Int {
    guard let figures = state.codeFigures, let codes = state.trace?.mgvq?.codes, !rect.isEmpty else { return 0 }
    let legend = rect.height >= 14 ? 1 : 0
    let room = rect.dropping(bottom: legend)
    let plan = groupsPlan(codes, in: room)
    let first = state.view.group / max(1, plan.shown) * plan.shown
    let last = min(codes.groups, first + plan.shown)
    for group in first..<max(first, last) {
      let (column, row) = ((group - first) % plan.columns, (group - first) / plan.columns)
      let place = Rect(
        x: room.x + column * (plan.tile.width + 1), y: room.y + row * (plan.tile.height + 1), width: plan.tile.width,
        height: plan.tile.height + 1
      ).intersection(room)
      let isChosen = group == state.view.group
      let used = state.statistics?.usage[group].used ?? 0
      let name = "\(isChosen ? String(look.glyphs.pointer) : "")group \(group + 1)"
      line(
        titleLine([name, "\(used) used"], width: place.width), in: place,
        style: isChosen ? look.theme.focusBorder : look.theme.dim)
      let area = place.dropping(top: 1)
      guard !area.isEmpty else { continue }
      let layout = drawCodeMap(state, figures, codes, group: group, in: area)
      hits.add(layout.area.intersection(area), .codesOf(group: group, layout))
    }
    guard legend > 0 else { return rect.height }
    let used = min(rect.height - 1, (last - first + plan.columns - 1) / plan.columns * (plan.tile.height + 1))
    line(
      figures.legend(look), in: Rect(x: rect.x, y: rect.y + used, width: rect.width, height: 1), style: look.theme.dim)
    return used + 1
  }

  /// Rows that all groups' maps take in one line beside each other; 0 where they do not fit so.
  private func groupRows(_ codes: CodeGrid, width: Int) -> Int {
    let unit = look.drawsHalfBlocks ? 1 : 2
    guard codes.groups * (codes.width * unit + 1) - 1 <= width else { return 0 }
    return (codes.height * unit + 1) / 2 + 1
  }

  private func groupsPlan(_ codes: CodeGrid, in rect: Rect) -> (columns: Int, shown: Int, tile: Size) {
    let unit = look.drawsHalfBlocks ? 1 : 2
    func plan(_ scale: Int) -> (columns: Int, shown: Int, tile: Size) {
      let width = codes.width * scale * unit
      let height = look.drawsHalfBlocks ? (codes.height * scale + 1) / 2 : codes.height * scale
      let columns = max(1, (rect.width + 1) / (width + 1))
      let shown = columns * max(1, rect.height / (height + 1))
      return (columns, shown, Size(width: min(width, rect.width), height: min(height, max(1, rect.height - 1))))
    }
    return (1...8).reversed().map(plan).first {
      $0.shown >= codes.groups && $0.tile.width * $0.columns <= rect.width && $0.tile.height + 1 <= rect.height
    } ?? plan(1)
  }

  /// One group's map: codes by the colours of their vectors; without those by how often they occur.
  mutating func drawCodeMap(
    _ state: InspectorState, _ figures: CodeFigures, _ codes: CodeGrid, group: Int, in rect: Rect
  ) -> GridLayout {
    let layout = GridLayout(
      columns: codes.width, rows: codes.height, in: rect, look, keeping: state.cursor.code)
    var map = HeatMap(
      figures.usage[group], layout: layout, scale: .logarithmic(1...max(1.5, figures.usage[group].max() ?? 1)))
    map.colors = figures.colors[group]
    draw(map, in: rect)
    draw(GridMarks(layout: layout, cursor: state.cursor.code), in: rect)
    return layout
  }

  private mutating func drawCodes(
    _ state: InspectorState, in rect: Rect, pictures: PictureRenderer?, withFacts: Bool
  ) {
    guard rect.height > 0 else { return }
    guard let mgvq = state.trace?.mgvq, let figures = state.codeFigures else {
      _ = paragraph(state.missingCodes, in: rect, style: look.theme.dim)
      return
    }
    let code = mgvq.codes[state.view.group, state.cursor.code.row, state.cursor.code.column]
    line(
      "group \(state.view.group + 1)/\(mgvq.codes.groups)  code \(Format.integer(code)) at (\(state.cursor.code.row),\(state.cursor.code.column))"
        + (state.capabilities.runsModel ? state.candidateCode.map { "  candidate \($0)" } ?? "" : ""),
      in: rect, style: look.theme.title)
    let room = rect.dropping(top: 1)
    if drawLab(state, in: room, pictures: pictures) { return }
    let digits = String(max(1, state.codesPerGroup - 1)).count
    let asNumbers = room.width >= mgvq.codes.width * (digits + 1) && room.height >= mgvq.codes.height + 1
    let used: Size
    if asNumbers {
      used = drawCodeNumbers(state, figures, mgvq, digits: digits, in: room)
    } else if room.isEmpty {
      used = Size(width: 0, height: 0)
    } else {
      let layout = drawCodeMap(state, figures, mgvq.codes, group: state.view.group, in: room)
      hits.add(layout.area.intersection(room), .codes(layout))
      used = layout.area.size
    }
    let beside = room.dropping(left: used.width + 2)
    let below = room.dropping(top: used.height)
    let width = beside.width >= 13 ? beside.width : below.width
    let facts = (state.codeFacts(mgvq).dropFirst(2) + state.codeLabFacts).map { "\($0.name) \($0.value.text)" }
    let lines = ((withFacts ? facts : []) + [figures.legend(look)]).flatMap { wrapped($0, to: max(8, width)) }
    for (row, text) in lines.enumerated() {
      line(text, in: beside.width >= 13 ? beside : below, row: row, style: look.theme.dim)
    }
  }

  /// Every code as its number on its colour, where the panel is large enough.
  private mutating func drawCodeNumbers(
    _ state: InspectorState, _ figures: CodeFigures, _ mgvq: MGVQTrace, digits: Int, in rect: Rect
  ) -> Size {
    let layout = GridLayout(
      columns: mgvq.codes.width, rows: mgvq.codes.height, in: rect,
      Appearance(theme: look.theme, glyphs: .ascii, depth: look.depth), isSquare: false,
      largestScale: 2 * (digits + 1))
    let colors = look.mapsHaveColor ? figures.colors[state.view.group] : nil
    for row in 0..<mgvq.codes.height {
      for column in 0..<mgvq.codes.width {
        let point = GridPoint(column: column, row: row)
        let text = TextTable.padded(String(mgvq.codes[state.view.group, row, column]), to: digits, .trailing) + " "
        let cell = layout.rect(of: point)
        var style = look.theme.text
        if let color = colors?[row * mgvq.codes.width + column] {
          style = Style(ColorMap.contrasting(color), on: color)
        }
        if point == state.cursor.code { style = look.theme.cursor }
        frame.fill(cell, with: Cell(" ", style))
        line(text, in: cell.dropping(left: (cell.width - digits) / 2), row: cell.height / 2, style: style)
      }
    }
    hits.add(layout.area, .codes(layout))
    return layout.area.size
  }
}

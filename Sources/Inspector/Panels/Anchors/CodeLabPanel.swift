import ColorMaps
import Evidence
import Reports
import Statistics
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// What the page of the code debugger shows below the code grid's title; `false` for the page that the grid fills.
  mutating func drawLab(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) -> Bool {
    switch state.codeLab.page {
    case .code: return false
    case .decoded: drawDecoding(state, in: rect, pictures: pictures)
    case .provenance: drawProvenance(state, in: rect)
    }
    return true
  }

  /// Numbers, then the picture, what was decoded and the error side by side.
  private mutating func drawDecoding(_ state: InspectorState, in rect: Rect, pictures: PictureRenderer?) {
    var room = rect
    for text in state.decodingWords {
      guard room.height > 6 || room == rect else { break }
      room = room.dropping(top: paragraph(text, in: Rect(x: room.x, y: room.y, width: room.width, height: 3)))
    }
    guard let result = state.shownDecoding, let original = state.trace?.mgvq?.pixelValues, room.height >= 4 else {
      return
    }
    let isSwap = result.reach != nil
    let tiles: [(String, Picture)] = [
      ("picture", Picture(signed: original)), ("decoded", result.picture),
      isSwap ? ("difference, stretched", result.difference) : ("error, white = 1", result.error),
    ]
    let count = room.width >= 60 ? 3 : room.width >= 36 ? 2 : 1
    let shown = count == 3 ? tiles : count == 2 ? Array(tiles[1...]) : [tiles[1]]
    let columns = Layout(.horizontal, shown.map { _ in .fill(weight: 1, minimum: 0) }, gap: 1).split(room)
    let renderer = pictures ?? .best(for: look)
    for (tile, column) in zip(shown, columns) {
      line(tile.0, in: column, style: look.theme.dim)
      let place = column.dropping(top: 1)
      let size = renderer.size(ofWidth: tile.1.width, height: tile.1.height, in: place.size)
      frame.drawPicture(
        tile.1.pixels, width: tile.1.width, height: tile.1.height,
        in: Rect(x: place.x, y: place.y, width: size.width, height: size.height), with: renderer)
    }
  }

  /// The map of the anchor over the latent grid, with its words beside or below.
  private mutating func drawProvenance(_ state: InspectorState, in rect: Rect) {
    let words = state.provenanceWords
    guard let provenance = state.codeLab.provenance[state.view.edits], let codes = state.trace?.mgvq?.codes else {
      return line(words[0], in: rect, style: look.theme.dim)
    }
    let values = provenance.map(anchor: state.cursor.anchor)
    let isWide = rect.width >= 3 * rect.height
    let textRows = isWide ? 0 : min(rect.height / 2, words.reduce(0) { $0 + wrapped($1, to: max(8, rect.width)).count })
    let place = rect.dropping(bottom: textRows)
    guard place.height > 0, values.count == codes.height * codes.width else { return }
    let layout = GridLayout(columns: codes.width, rows: codes.height, in: place, look, keeping: state.cursor.code)
    draw(HeatMap(values, layout: layout, range: 0...max(values.max() ?? 0, .ulpOfOne), map: .cividis), in: place)
    draw(GridMarks(layout: layout, cursor: state.cursor.code), in: place)
    hits.add(layout.area.intersection(place), .codes(layout))
    var text = isWide ? rect.dropping(left: layout.area.width + 2) : rect.bottom(textRows)
    for word in words { text = text.dropping(top: paragraph(word, in: text, style: look.theme.dim)) }
    guard isWide else { return }
    fill(text.dropping(top: 1), with: provenanceBlocks(state, provenance, codes))
  }

  /// What each group is worth to the anchor at the cursor, and which cells drive each of the anchors.
  private func provenanceBlocks(_ state: InspectorState, _ provenance: AnchorAblation, _ codes: CodeGrid) -> [Block] {
    let anchor = min(state.cursor.anchor, provenance.cells.shape[0] - 1)
    let groups = provenance.groups[row: anchor].values.map(Double.init)
    let rows = groups.enumerated().map {
      Bars.Row(
        label: "group \($0.offset + 1)", value: $0.element, text: Format.number($0.element),
        isMarked: $0.offset == state.view.group)
    }
    let bars = Bars(
      title: "A\(anchor + 1): change without a group", rows,
      scale: .linear(0...max(groups.max() ?? 0, .ulpOfOne)))
    let unit = look.drawsHalfBlocks ? 1 : 2
    let maps = (0..<provenance.cells.shape[0]).map { index in
      let values = provenance.map(anchor: index)
      let least = Size(width: codes.width * unit, height: (codes.height * unit + 1) / 2 + 1)
      return Block(least: least, most: 2 * least.height) { canvas, rect in
        canvas.line(
          "A\(index + 1): change without a cell, most \(Format.number(values.max() ?? 0))", in: rect,
          style: index == anchor ? canvas.look.theme.accent : canvas.look.theme.title)
        let area = rect.dropping(top: 1)
        let layout = GridLayout(
          columns: codes.width, rows: codes.height, in: area, canvas.look, keeping: state.cursor.code)
        canvas.draw(HeatMap(values, layout: layout, range: 0...max(values.max() ?? 0, .ulpOfOne)), in: area)
        canvas.draw(GridMarks(layout: layout, cursor: state.cursor.code), in: area)
        canvas.hits.add(layout.area.intersection(area), .codes(layout))
      }
    }
    return [Block(least: Size(width: 24, height: 4), most: rows.count + 2) { $0.draw(bars, in: $1) }] + maps
  }
}

/// The parts beside the maps of codes.
extension Canvas {
  /// The shown group in the largest multiple that takes no more than a part of the height.
  func groupBlock(_ state: InspectorState, in room: Rect, part: Double) -> Block? {
    guard let figures = state.codeFigures, let codes = state.trace?.mgvq?.codes else { return nil }
    let unit = look.drawsHalfBlocks ? 1 : 2
    let rows = (codes.height * unit + 1) / 2
    let height = Int(Double(room.height) * part) - 1
    func lines(_ scale: Int) -> Int { (codes.height * unit * scale + 1) / 2 }
    let scale = (1...8).last { codes.width * unit * $0 <= room.width && lines($0) <= height } ?? 1
    let least = Size(width: codes.width * unit * scale, height: min(lines(scale), max(rows, height)) + 1)
    return Block(least: least, most: least.height) { canvas, rect in
      canvas.line(
        "group \(state.view.group + 1) · \(figures.legend(canvas.look))", in: rect, style: canvas.look.theme.title)
      let area = rect.dropping(top: 1)
      let layout = canvas.drawCodeMap(state, figures, codes, group: state.view.group, in: area)
      canvas.hits.add(layout.area.intersection(area), .codes(layout))
    }
  }

  /// The group's codes on the plane of their two main directions, those of this picture lit.
  func bookBlock(_ state: InspectorState) -> Block? {
    guard let book = state.codeFigures?.book else { return nil }
    return Block(least: Size(width: 34, height: 12)) { canvas, rect in
      canvas.draw(book, in: rect)
    }
  }

  /// How often this picture uses each code of the group, the most used first.
  func usageBlock(_ state: InspectorState) -> Block? {
    guard let figures = state.codeFigures else { return nil }
    return Block(least: Size(width: 34, height: 8), most: 16) { canvas, rect in
      canvas.draw(figures.usageChart, in: rect)
    }
  }

  /// Every code of the group that this picture uses, the most used first.
  func rankingBlock(_ state: InspectorState) -> Block? {
    guard let figures = state.codeFigures, let most = figures.ranking.first?.value else { return nil }
    return Block(least: Size(width: 34, height: 8), most: figures.ranking.count + 1) { canvas, rect in
      canvas.line("codes by use", in: rect, style: canvas.look.theme.title)
      let body = rect.dropping(top: 1)
      let marked = figures.ranking.firstIndex(where: \.isMarked)
      let shown = Scroll().revealing(marked, count: figures.ranking.count, height: body.height)
        .range(count: figures.ranking.count, height: body.height)
      let scale = ValueScale.logarithmic(0.5...max(1, most))
      canvas.draw(Bars(Array(figures.ranking[shown]), scale: scale, hasAxis: false), in: body)
    }
  }

  /// How alike the group's most used codes are, each against each: a block off the diagonal is several codes for one thing.
  func likenessBlock(_ state: InspectorState) -> Block? {
    guard let likeness = state.codeFigures?.likeness else { return nil }
    let count = likeness.codes.count
    let unit = look.drawsHalfBlocks ? 1 : 2
    return Block(least: Size(width: 34, height: 12), most: (count * unit + 1) / 2 + 2) { canvas, rect in
      let area = rect.dropping(top: 1).dropping(bottom: 1)
      let side = min(count, area.width / unit, area.height * 2 / unit)
      guard side > 1 else { return }
      canvas.line("cosines of the \(side) most used codes", in: rect, style: canvas.look.theme.title)
      let layout = GridLayout(columns: side, rows: side, in: area, canvas.look)
      let values = (0..<side * side).map { likeness.cosines[$0 / side * count + $0 % side] }
      canvas.draw(HeatMap(values, layout: layout, range: -1...1, map: .blueOrange), in: area)
      let here = state.trace?.mgvq.flatMap { mgvq in
        likeness.codes.prefix(side).firstIndex(
          of: mgvq.codes[state.view.group, state.cursor.code.row, state.cursor.code.column])
      }
      canvas.draw(GridMarks(layout: layout, cursor: here.map { GridPoint(column: $0, row: $0) }), in: area)
      canvas.draw(
        ColorBar(map: .blueOrange, scale: .linear(-1...1), name: "cosine, most used first"),
        in: Rect(x: rect.x, y: layout.area.maxY, width: max(layout.area.width, min(34, rect.width)), height: 1))
    }
  }

  /// The code at the cursor: where it fires, its neighbours and margin, and what would stand in its place.
  func codeBlock(_ state: InspectorState, _ pictures: PictureRenderer?) -> Block? {
    guard let mgvq = state.trace?.mgvq, let figures = state.codeFigures else { return nil }
    let facts = state.codeFacts(mgvq) + state.codeLabFacts
    return Block(least: Size(width: 34, height: 10), most: facts.count + 16) { canvas, rect in
      canvas.line("the code at the cursor", in: rect, style: canvas.look.theme.title)
      var room = rect.dropping(top: 1)
      let words = ReportText.lines(facts, width: room.width)
      let shown = words.prefix(max(5, room.height - (canvas.look.hasColor && room.height >= 14 ? 8 : 2)))
      for (row, text) in shown.enumerated() { canvas.line(text, in: room, row: row) }
      room = room.dropping(top: shown.count)
      if room.height >= 6, canvas.look.hasColor { canvas.drawExemplars(figures, in: room.top(6), pictures) }
      if room.height >= 2 { canvas.paragraph(state.editorWords, in: rect.bottom(2), style: canvas.look.theme.dim) }
    }
  }

  /// The cells where the code fires, each with its neighbours, as they are in the picture.
  private mutating func drawExemplars(_ figures: CodeFigures, in rect: Rect, _ pictures: PictureRenderer?) {
    let (width, height) = (8, 4)
    for (index, exemplar) in figures.exemplars.prefix((rect.width + 1) / (width + 1)).enumerated() {
      let place = Rect(x: rect.x + index * (width + 1), y: rect.y + 1, width: width, height: height).intersection(rect)
      frame.drawPicture(
        exemplar.crop.pixels, width: exemplar.crop.width, height: exemplar.crop.height, in: place,
        with: pictures ?? .best(for: look))
      line(
        "(\(exemplar.cell.row),\(exemplar.cell.column))",
        in: Rect(x: place.x, y: rect.y, width: width, height: 1), style: look.theme.dim)
    }
  }
}

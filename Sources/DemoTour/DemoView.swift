import ColorMaps
import Evidence
import Inspector
import Tensor
package import TerminalUI
import Trace

/// Draws the demo; a function of its arguments alone.
package func view(_ demo: DemoState, pictures: PictureRenderer? = nil) -> Frame {
  var canvas = Canvas(size: demo.size, look: demo.look)
  canvas.draw(demo, pictures: demo.look.drawsHalfBlocks ? pictures : nil)
  return canvas.screen.frame
}

extension Canvas {
  mutating func draw(_ demo: DemoState, pictures: PictureRenderer?) {
    let screen = Rect(demo.size)
    guard screen.width >= ScreenLayout.smallest.width, screen.height >= ScreenLayout.smallest.height else {
      paragraph("terminal too small: vocoscope needs 20×5", in: screen)
      return
    }
    var room = screen
    drawWay(demo, in: Rect(x: 0, y: 0, width: screen.width, height: 1))
    room = room.dropping(top: 1)
    if screen.height >= 8 {
      drawFooter(demo, in: room.bottom(1))
      room = room.dropping(bottom: 1)
    }
    let side = screen.width >= 40 ? 2 : 0
    let inner = Rect(x: side, y: room.y, width: screen.width - 2 * side, height: room.height)
    let visual = drawWords(demo, in: inner)
    guard visual.height >= 2 else { return }
    guard let content = demo.content else {
      if let picture = demo.pictures[demo.index] { drawPicture(picture, in: visual, pictures: pictures) }
      return
    }
    drawStage(demo, content, in: visual, pictures: pictures)
  }

  /// picture → patches → … with the stage that is shown; on narrow screens its number and name alone.
  private mutating func drawWay(_ demo: DemoState, in rect: Rect) {
    let stages = DemoStage.allCases
    let arrow = look.glyphs.isUnicode ? " → " : " > "
    let width = stages.reduce(0) { $0 + displayWidth($1.title) } + (stages.count - 1) * 3
    let name = demo.names[demo.index]
    frame.restyle(rect) { $0 = look.theme.statusLine }
    guard rect.width >= width + 4 else {
      let words = " \(demo.stage.rawValue + 1)/\(stages.count) \(demo.stage.title) · \(name)"
      return line(words, in: rect, style: look.theme.statusLine)
    }
    var x = 1
    for stage in stages {
      let style = stage == demo.stage ? look.theme.cursor : look.theme.statusLine
      x += frame.write(stage.title, at: Point(x: x, y: rect.y), style: style, clippedTo: rect)
      guard stage != stages.last else { continue }
      x += frame.write(arrow, at: Point(x: x, y: rect.y), style: look.theme.statusLine, clippedTo: rect)
    }
    let rest = rect.dropping(left: x + 2)
    let words = "\(name) \(demo.index + 1)/\(demo.names.count) "
    if displayWidth(words) <= rest.width { line(words, in: rest, style: look.theme.statusLine, alignment: .trailing) }
  }

  private mutating func drawFooter(_ demo: DemoState, in rect: Rect) {
    let keys = "space next · p \(demo.isPaused ? "go on" : "pause") · q quit"
    let words = demo.isPaused ? "paused" : demo.content == nil ? "the model is running" : ""
    let bar = rect.dropping(left: 0)
    line(" " + keys, in: bar, style: look.theme.dim)
    let used = displayWidth(keys) + 3
    let room = rect.dropping(left: used)
    guard room.width >= 12 else { return }
    if !words.isEmpty { return line(words + " ", in: room, style: look.theme.warning, alignment: .trailing) }
    let whole = Double(demo.stage.rawValue) + demo.fraction
    var style = look.theme.barFill
    if look.hasColor { style.background = look.theme.field.background }
    let track = Rect(x: room.x, y: room.y, width: room.width - 1, height: 1)
    frame.drawEighths(whole / Double(DemoStage.allCases.count), in: track, style: style, look)
  }

  /// Headline and caption; returns what they leave for the stage's drawing.
  private mutating func drawWords(_ demo: DemoState, in rect: Rect) -> Rect {
    let headline: String
    let caption: String
    if let content = demo.content {
      (headline, caption) = (content.headline(demo.stage), content.caption(demo.stage))
    } else {
      (headline, caption) = ("A picture", demo.names[demo.index])
    }
    if rect.height < 8 {
      // Hardly any room: words say more than a handful of cells.
      let used = paragraph(headline, in: rect, style: look.theme.title)
      let rest = rect.dropping(top: used)
      if rect.height < 6 || demo.stage == .answer {
        if demo.stage == .answer, let content = demo.content {
          return rest.height > 0 ? tinyAnswer(content, rest) : rest
        }
        paragraph(caption, in: rest, style: look.theme.dim)
        return rest.dropping(top: rest.height)
      }
      return rest
    }
    line(headline, in: rect, row: rect.height >= 14 ? 1 : 0, style: look.theme.title)
    var room = rect.dropping(top: rect.height >= 14 ? 2 : 1)
    let most = max(1, room.height / 4)
    let used = paragraph(
      caption, in: Rect(x: room.x, y: room.y, width: min(room.width, 110), height: most), style: look.theme.dim)
    room = room.dropping(top: used + (rect.height >= 14 ? 1 : 0))
    return room
  }

  private mutating func tinyAnswer(_ content: DemoContent, _ rect: Rect) -> Rect {
    guard let exchange = content.compression.latest, let facts = content.compression.facts else { return rect }
    for (row, answer) in exchange.answers.enumerated() {
      line("\(facts.title(of: answer.source)): \(answer.outcome)", in: rect, row: row)
    }
    return rect.dropping(top: rect.height)
  }

  /// A picture as large as fits, in the middle.
  @discardableResult
  mutating func drawPicture(_ picture: Picture, in rect: Rect, pictures: PictureRenderer?) -> Rect {
    let size = (pictures ?? .best(for: look)).size(
      ofWidth: picture.width, height: picture.height, in: rect.size)
    guard size.width > 0 && size.height > 0 else { return rect }
    let place = Rect(
      x: rect.x + (rect.width - size.width) / 2, y: rect.y + (rect.height - size.height) / 2, width: size.width,
      height: size.height)
    let cells = (pictures ?? .best(for: look)).render(picture.pixels, picture.width, picture.height, size)
    frame.blit(cells, size: size, at: Point(x: place.x, y: place.y), clippedTo: place)
    return place
  }
}

extension Canvas {
  /// What a stage shows, as far as it is revealed.
  mutating func drawStage(_ demo: DemoState, _ content: DemoContent, in rect: Rect, pictures: PictureRenderer?) {
    switch demo.stage {
    case .picture: drawPicture(content.square, in: rect, pictures: pictures)
    case .patches: drawPatches(content, demo.revealed, in: rect, pictures: pictures)
    case .codes: drawCodes(content, demo, in: rect, pictures: pictures)
    case .anchors: drawAnchorStrips(content, demo.revealed, in: rect)
    case .mask: drawMaskBlocks(content, demo.revealed, in: rect)
    case .voco: drawCompression(content, demo.revealed, in: rect, pictures: pictures)
    case .answer: drawAnswers(content, demo.revealed, in: rect, pictures: pictures)
    }
  }

  /// Patch after patch the picture becomes a grid of flat squares.
  private mutating func drawPatches(
    _ content: DemoContent, _ revealed: Double, in rect: Rect, pictures: PictureRenderer?
  ) {
    let grid = content.grid
    let done = Int(revealed * Double(grid.count))
    let halves = rect.width >= 2 * rect.height * 2 + 4
    let places = halves ? Layout(.horizontal, [.fill, .fill], gap: 2).split(rect) : [rect]
    if halves { drawPicture(content.square, in: places[0], pictures: pictures) }
    let mosaic = content.square.mosaic(grid, patches: done)
    drawPicture(mosaic, in: places[places.count - 1], pictures: nil)
  }

  /// Code maps of as many groups as fit, row after row, and the picture decoded from them.
  private mutating func drawCodes(
    _ content: DemoContent, _ demo: DemoState, in rect: Rect, pictures: PictureRenderer?
  ) {
    guard let codes = content.codes else { return }
    let hasRoom = rect.width >= 40
    let places = hasRoom ? Layout(.horizontal, [.fill, .fill], gap: 2).split(rect) : [rect]
    let tiles = tiling(of: codes, in: places[0])
    let group = min(codes.groups - 1, Int(demo.fraction * Double(codes.groups)))
    let shown = tiles.count == 1 ? [group] : Array(0..<tiles.count)
    for (tile, group) in zip(tiles, shown) { drawCodeMap(content, codes, group, demo.revealed, in: tile) }
    guard hasRoom, let decoded = content.decoded else { return }
    drawPicture(decoded.reconstruction, in: places[1], pictures: pictures)
  }

  /// Rectangles for all groups if each code gets a half cell, else one.
  private func tiling(of codes: CodeGrid, in rect: Rect) -> [Rect] {
    for columns in [4, 2] {
      let rows = (codes.groups + columns - 1) / columns
      let size = Size(width: rect.width / columns - 1, height: rect.height / rows - 1)
      guard size.width >= codes.width, size.height >= (codes.height + 1) / 2 else { continue }
      return (0..<codes.groups).map { group in
        Rect(
          x: rect.x + group % columns * (size.width + 1), y: rect.y + group / columns * (size.height + 1),
          width: size.width, height: size.height + 1)
      }
    }
    return [rect]
  }

  private mutating func drawCodeMap(
    _ content: DemoContent, _ codes: CodeGrid, _ group: Int, _ revealed: Double, in rect: Rect
  ) {
    line("codebook \(group + 1) of \(codes.groups)", in: rect, style: look.theme.accent)
    let room = rect.dropping(top: 1)
    guard !room.isEmpty else { return }
    let plane = codes.height * codes.width
    let done = Int(revealed * Double(plane))
    let values = (0..<plane).map { index in
      index < done ? Double(codes.indices[group * plane + index]) : .nan
    }
    let layout = GridLayout(columns: codes.width, rows: codes.height, in: room, look)
    draw(
      HeatMap(values, layout: layout, range: 0...Double(max(1, content.trace.model.codesPerGroup - 1)), map: .viridis),
      in: room)
  }

  /// Each anchor as a strip of its numbers, blue below zero and orange above.
  private mutating func drawAnchorStrips(_ content: DemoContent, _ revealed: Double, in rect: Rect) {
    guard let anchors = content.trace.anchors, anchors.rank == 2, anchors.shape[0] > 0 else { return }
    let (count, width) = (anchors.shape[0], anchors.shape[1])
    let label = rect.width >= 30 ? 4 : 0
    let rows = max(1, min(4, rect.height / count - (rect.height >= 2 * count ? 1 : 0)))
    let step = rows + (rect.height >= (rows + 1) * count ? 1 : 0)
    let bins = max(1, min(width, rect.width - label))
    let largest = Double(anchors.values.reduce(0) { max($0, abs($1)) })
    for anchor in 0..<count {
      let place = Rect(x: rect.x, y: rect.y + anchor * step, width: rect.width, height: rows).intersection(rect)
      guard !place.isEmpty else { return }
      if label > 0 { line("A\(anchor + 1)", in: place, row: (rows - 1) / 2, style: look.theme.title) }
      let values = (0..<bins).map { bin -> Double in
        guard Double(bin) < revealed * Double(bins) else { return .nan }
        return Double(anchors.values[anchor * width + bin * width / bins])
      }
      let strip = place.dropping(left: label)
      let layout = GridLayout(columns: bins, rows: 1, in: strip, look, isSquare: false)
      draw(HeatMap(values, layout: layout, range: -largest...largest, map: .blueOrange), in: strip)
    }
  }
}

extension Picture {
  /// The picture with its first patches flattened to their mean colours, alternately a little darker, so that the grid
  /// can be seen at any size.
  func mosaic(_ grid: GridSize, patches: Int) -> Picture {
    var pixels = pixels
    for patch in 0..<min(patches, grid.count) {
      let point = grid.point(patch)
      let rows = point.row * height / grid.rows..<(point.row + 1) * height / grid.rows
      let columns = point.column * width / grid.columns..<(point.column + 1) * width / grid.columns
      guard let mean = meanColor(x: columns, y: rows) else { continue }
      let shade = (point.row + point.column) % 2 == 0 ? 1.0 : 0.84
      let color = [mean.red, mean.green, mean.blue].map { UInt8(Double($0) * shade) }
      for y in rows {
        for x in columns {
          for channel in 0..<3 { pixels[(y * width + x) * 3 + channel] = color[channel] }
        }
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

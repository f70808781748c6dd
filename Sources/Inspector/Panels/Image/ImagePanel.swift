import ColorMaps
import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

extension Canvas {
  /// The picture as large as it goes, with the cursor's patch; in the room beside or below it that patch with its
  /// neighbours, what is known about both, and the stages of the run.
  mutating func drawImage(
    _ state: InspectorState, in rect: Rect, frameRect: Rect?, pictures: PictureRenderer?
  ) {
    guard let picture = state.shownPicture else {
      let waiting = state.trace?.language == nil ? "decoding the picture" : "This trace holds no picture."
      return line(state.progress[.image]?.state.words ?? waiting, in: rect, style: look.theme.dim)
    }
    let legendRows = rect.height >= 8 ? 1 : 0
    let room = rect.dropping(bottom: legendRows)
    // The picture keeps its place and shape when a map is laid over it.
    let size = pictureSize(picture, state.links.geometry.patches, in: room, pictures ?? .best(for: look))
    let area = Rect(x: rect.x, y: rect.y, width: size.width, height: size.height)
    // Under a map each patch keeps its exact colour, and going through layers waits for no picture to be drawn anew.
    let renderer = state.overlaysMap ? .best(for: look) : pictures ?? .best(for: look)
    frame.drawPicture(picture.pixels, width: picture.width, height: picture.height, in: area, with: renderer)
    hits.add(area, .picture)
    drawPatchMarks(state, over: area)
    if let frameRect { drawTicks(state, area, frameRect) }
    if legendRows > 0 {
      drawImageLegend(state, in: Rect(x: rect.x, y: area.maxY, width: max(area.width, min(40, rect.width)), height: 1))
    }
    let side = rect.dropping(left: area.width + 2)
    let below = rect.dropping(top: area.height + legendRows + 1)
    // Two columns of maps where one would leave half of its width empty.
    let isNarrow = side.width < 96
    let map = attentionBlock(state, in: Rect(x: 0, y: 0, width: isNarrow ? 26 : 48, height: 36))
    let pictured = [decodedBlock(state, pictures), map].compactMap { $0 }
    let (magnifier, numbers, stages) = (magnifierBlock(state, pictures), numbersBlock(state), stagesBlock(state))
    let blocks = isNarrow ? [magnifier, numbers] + pictured + [stages] : [magnifier, numbers, stages] + pictured
    if side.width >= 18 {
      fill(side, with: blocks, columnWidth: isNarrow ? 24 : Self.columnWidth)
    } else if below.height >= 5 {
      fill(below, with: blocks)
    }
  }

  /// The cursor's patch with its eight neighbours, from the picture itself.
  private func magnifierBlock(_ state: InspectorState, _ pictures: PictureRenderer?) -> Block {
    Block(least: Size(width: 18, height: 9)) { canvas, rect in
      guard let around = state.magnified else { return }
      let point = state.cursor.patch
      canvas.line("patch (\(point.row),\(point.column)) and its neighbours", in: rect, style: canvas.look.theme.title)
      let room = rect.dropping(top: 1)
      // A multiple of three, so that each patch has cells of its own.
      let renderer = pictures ?? .best(for: canvas.look)
      let whole = renderer.size(ofWidth: 3, height: 3, in: room.size)
      let patch = Size(width: max(1, whole.width / 3), height: max(1, whole.height / 3))
      let area = Rect(x: room.x, y: room.y, width: 3 * patch.width, height: 3 * patch.height).intersection(room)
      canvas.frame.drawPicture(
        around.pixels, width: around.width, height: around.height, in: area, with: renderer)
      let middle = Rect(
        x: area.x + patch.width, y: area.y + patch.height, width: patch.width, height: patch.height)
      canvas.drawBrackets(middle, over: area)
    }
  }

  /// What the picture's codes decode to, unless that is what is shown.
  private func decodedBlock(_ state: InspectorState, _ pictures: PictureRenderer?) -> Block? {
    guard let decoded = state.decodedCodes, state.view.overlay != .reconstruction else { return nil }
    return Block(least: Size(width: 24, height: 13), most: 26) { canvas, rect in
      canvas.line("what the codes decode to", in: rect, style: canvas.look.theme.title)
      let room = rect.dropping(top: 1)
      let picture = decoded.reconstruction
      let renderer = pictures ?? .best(for: canvas.look)
      let size = renderer.size(ofWidth: picture.width, height: picture.height, in: room.size)
      canvas.frame.drawPicture(
        picture.pixels, width: picture.width, height: picture.height,
        in: Rect(x: room.x, y: room.y, width: size.width, height: size.height), with: renderer)
    }
  }

  /// Where the inspected token looks, unless that lies over the picture.
  private func attentionBlock(_ state: InspectorState, in room: Rect) -> Block? {
    guard let map = state.map, !state.overlaysMap else { return nil }
    return mapBlock(state, map, in: room)
  }

  /// What is known about the picture and the patch.
  private func numbersBlock(_ state: InspectorState) -> Block {
    let facts = state.imageFacts
    return Block(least: Size(width: 26, height: 4), most: facts.count + 4) { canvas, rect in
      for (row, text) in ReportText.lines(facts, width: rect.width).enumerated() {
        canvas.line(text, in: rect, row: row)
      }
    }
  }

  /// The stages with their times as bars.
  private func stagesBlock(_ state: InspectorState) -> Block {
    let stages = PipelineStage.allCases.compactMap { state.progress[$0] }
    let rows = stages.map {
      Bars.Row(label: $0.stage.title, value: $0.seconds, text: "\(Format.seconds($0.seconds)) \($0.state.words)")
    }
    let slowest = max(stages.map(\.seconds).max() ?? 0, .ulpOfOne)
    return Block(least: Size(width: 26, height: min(3, rows.count + 1)), most: rows.count + 2) { canvas, rect in
      guard !rows.isEmpty else { return }
      canvas.draw(Bars(title: "stages, seconds", rows, scale: .linear(0...slowest)), in: rect)
    }
  }

  /// Whole half cells per patch where that costs little room, else as large as fits.
  private func pictureSize(
    _ picture: Picture, _ grid: GridSize, in room: Rect, _ renderer: PictureRenderer
  ) -> Size {
    let largest = renderer.size(ofWidth: picture.width, height: picture.height, in: room.size)
    // Half cells are square enough for whole ones per patch where a cell is about twice as high as wide.
    guard abs(renderer.cellAspect - 2) < 0.1 else { return largest }
    let layout = GridLayout(columns: grid.columns, rows: grid.rows, in: room, look)
    let exact = layout.area.size
    let isLargeEnough = 10 * exact.width * exact.height >= 6 * largest.width * largest.height
    return layout.showsAll && isLargeEnough ? exact : largest
  }

  /// The cells that a patch of the stretched picture touches.
  private func cells(of point: GridPoint, _ grid: GridSize, in area: Rect) -> Rect {
    let x = point.column * area.width / grid.columns
    let y = point.row * area.height / grid.rows
    let endX = (point.column + 1) * area.width / grid.columns
    let endY = (point.row + 1) * area.height / grid.rows
    return Rect(x: area.x + x, y: area.y + y, width: max(1, endX - x), height: max(1, endY - y)).intersection(area)
  }

  /// Characters mark patches, so that the marks are there without colour too.
  private mutating func drawPatchMarks(_ state: InspectorState, over area: Rect) {
    let grid = state.links.geometry.patches
    for case .patch(let index) in state.highlightedKeys {
      let cells = cells(of: grid.point(min(index, grid.count - 1)), grid, in: area)
      frame.put(
        look.glyphs.bullet, mark(look.theme.selectionColor), x: cells.x + (cells.width - 1) / 2, y: cells.y, clip: area)
    }
    let cursor = cells(of: state.cursor.patch, grid, in: area)
    if cursor.width == 1 {
      for y in cursor.y..<cursor.maxY { frame.put("+", mark(look.theme.cursorColor), x: cursor.x, y: y, clip: area) }
    } else {
      drawBrackets(cursor, over: area)
    }
  }

  private mutating func drawBrackets(_ place: Rect, over area: Rect) {
    for y in place.y..<place.maxY {
      frame.put("[", mark(look.theme.cursorColor), x: place.x, y: y, clip: area)
      frame.put("]", mark(look.theme.cursorColor), x: place.maxX - 1, y: y, clip: area)
    }
  }

  private func mark(_ color: Color) -> Style {
    look.hasColor ? Style(ColorMap.contrasting(color), on: color, .bold) : look.theme.cursor
  }

  /// Arrows in the frame point at the cursor's row and column.
  private mutating func drawTicks(_ state: InspectorState, _ area: Rect, _ frameRect: Rect) {
    let cursor = cells(of: state.cursor.patch, state.links.geometry.patches, in: area)
    let style = look.theme.accent
    frame.put(look.glyphs.right, style, x: frameRect.x, y: cursor.y, clip: frameRect)
    frame.put(look.glyphs.up, style, x: cursor.x, y: frameRect.maxY - 1, clip: frameRect)
  }

  private mutating func drawImageLegend(_ state: InspectorState, in rect: Rect) {
    let grid = state.links.geometry.patches
    let size = "\(grid.rows)×\(grid.columns) patches"
    switch state.view.overlay {
    case .attention where state.overlaysMap:
      line("\(size), \(state.view.metric.rawValue) over the picture", in: rect, style: look.theme.dim)
    case .grid: line("\(size), their borders", in: rect, style: look.theme.dim)
    case .reconstruction where state.trace?.mgvq?.reconstruction != nil:
      line("what the codes decode to, \(size)", in: rect, style: look.theme.dim)
    case .provenance where look.hasColor && state.codeLab.provenance[state.view.edits] != nil:
      line("what drives A\(state.cursor.anchor + 1), \(size)", in: rect, style: look.theme.dim)
    default: line("\(size), no overlay", in: rect, style: look.theme.dim)
    }
  }
}

extension InspectorState {
  var imageReport: PanelReport {
    var report = PanelReport(.image)
    report.add("image", imageName)
    if let size = pictureSize { report.add("size", "\(size.width)×\(size.height)") }
    for warning in pictureWarnings { report.add("warning", warning) }
    if let model = trace?.model, model.visionImageSize > 0 {
      report.add(
        "input",
        "\(model.visionImageSize)×\(model.visionImageHeight) pixels, \(model.patchGrid)×\(model.patchRows) patches")
      report.add("aspect", model.imageAspectRatio.rawValue)
    }
    report.add("cursor", patchText)
    report.add("patch pixels", patchPixels)
    if let color = patchColor { report.add("mean rgb", "\(color.red),\(color.green),\(color.blue)") }
    if let answer = trace?.generation?.text { report.add("answer", answer) }
    report.add("prompt", prompt)
    if let computation = trace?.provenance.computation {
      report.add("computed with", computation.machine)
      report.add("sampling", computation.sampling)
    }
    if let trainingPictures, let trainingDistance {
      report.add("distance from the training's \(trainingPictures.words)", .number(trainingDistance))
      let count = trainingPictures.heldOutDistances.count
      report.add("farther than", "\(trainingPictures.nearer(than: trainingDistance)) of \(count) held out")
      if trainingPictures.isUnlike(trainingDistance) {
        report.notes.append("\(imageName) is \(trainingPictures.warning(trainingDistance)).")
      }
    }
    report.tables = [stageTable].filter { !$0.rows.isEmpty }
    return report
  }

  var imageFindings: [String] {
    let sees = inspected.map { _ in "\(inspectedToken) sees no patch" } ?? ""
    let looks = mostAttended.map { "\(inspectedToken) looks most at patch (\($0.row),\($0.column))" } ?? sees
    let answer = trace?.generation.map { "“\($0.text)”" } ?? ""
    return [looks, answer].filter { !$0.isEmpty }
  }

  /// The report's facts alone.
  var imageFacts: [PanelReport.Fact] { imageReport.facts }

  /// Width and height of the picture in its file; `nil` before it is known.
  var pictureSize: (width: Int, height: Int)? {
    if let picture { return (picture.width, picture.height) }
    return trace.map { ($0.provenance.imageWidth, $0.provenance.imageHeight) }
  }

  var patchText: String {
    "patch (\(cursor.patch.row),\(cursor.patch.column)) #\(links.geometry.patches.index(cursor.patch))"
  }

  /// The pixels of the file under the patch.
  var patchPixels: String {
    let area = links.geometry.pixels(of: cursor.patch, in: links.geometry.patches)
    let x = area.x.clamped(to: 0..<links.geometry.width)
    let y = area.y.clamped(to: 0..<links.geometry.height)
    if x.isEmpty || y.isEmpty { return "padding" }
    return "x \(x.lowerBound)–\(x.upperBound - 1), y \(y.lowerBound)–\(y.upperBound - 1)"
  }

  /// The mean colour under the cursor's patch; `nil` in the padding or without the picture.
  var patchColor: (red: UInt8, green: UInt8, blue: UInt8)? {
    let area = links.geometry.pixels(of: cursor.patch, in: links.geometry.patches)
    if let picture { return picture.meanColor(x: area.x, y: area.y) }
    guard let pixels = trace?.mgvq?.pixelValues, pixels.rank == 3 else { return nil }
    let grid = links.geometry.patches
    let (height, width) = (pixels.shape[1], pixels.shape[2])
    let x = cursor.patch.column * width / grid.columns
    let y = cursor.patch.row * height / grid.rows
    let columns = x..<max(x + 1, (cursor.patch.column + 1) * width / grid.columns)
    let rows = y..<max(y + 1, (cursor.patch.row + 1) * height / grid.rows)
    let means = (0..<3).map { channel -> UInt8 in
      var sum: Float = 0
      for row in rows { for column in columns { sum += pixels.values[(channel * height + row) * width + column] } }
      let unit = (sum / Float(rows.count * columns.count) + 1) * 127.5
      return UInt8(min(255, max(0, unit.rounded())))
    }
    return (means[0], means[1], means[2])
  }

  /// The stages that have started, in order.
  var stageTable: PanelReport.Table {
    let rows = PipelineStage.allCases.compactMap { stage in
      progress[stage].map { [ReportValue.text(stage.title), .text($0.state.words), .text(Format.seconds($0.seconds))] }
    }
    return PanelReport.Table("stages", columns: ["stage", "state", "time"], rows: rows)
  }
}

extension StageProgress.State {
  /// `12/24`, `done`, `reused`, …
  var words: String {
    switch self {
    case .running(let done, let total): "\(done)/\(total)"
    case .finished: "done"
    case .reused: "reused"
    case .cancelled: "cancelled"
    case .failed(let reason): "failed: \(reason)"
    }
  }
}

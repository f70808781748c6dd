import ColorMaps
import Evidence
import Statistics
import TerminalUI

extension Canvas {
  /// The paper's heat map in the place of the verdict: one line per picture, or a layer while there is one picture; the
  /// anchors and the first patches, and beside them all visual keys, several to a column.
  mutating func drawFigure(_ state: InspectorState, in rect: Rect) {
    let figure = state.paperFigure
    guard let first = figure.rows.first, !first.all.isEmpty else {
      let problem = state.statistics?.attentionProblem ?? "The decoder has not run yet."
      paragraph(
        figure.rows.isEmpty ? problem : "This sequence has no visual keys, so there is nothing to draw.", in: rect,
        style: look.theme.dim)
      return
    }
    let used = paragraph(
      figure.caption, in: Rect(x: rect.x, y: rect.y, width: rect.width, height: max(1, rect.height / 4)),
      style: look.theme.dim)
    var room = rect.dropping(top: used)
    draw(
      MapLegend(map: .cividis, low: Format.number(0), high: Format.number(figure.range.upperBound)), in: room.bottom(1))
    room = room.dropping(bottom: 1)
    let names = min(14, max(10, rect.width / 6))
    let short = first.short.count
    let cell = (room.width - names - 2) / 2 >= 3 * short ? 3 : 1
    let left = Rect(x: room.x + names + 1, y: room.y, width: cell * short, height: room.height)
    let right = room.dropping(left: names + 2 + left.width)
    drawFigureHeads(figure, left: left, right: right, cell: cell)
    let layout = GridLayout(
      columns: short, rows: figure.rows.count, in: left.dropping(top: 1), look, isSquare: false, largestScale: cell)
    draw(HeatMap(figure.rows.flatMap(\.short), layout: layout, range: figure.range), in: left.dropping(top: 1))
    drawAllKeys(figure, in: right.dropping(top: 1))
    for (row, line) in figure.rows.enumerated() {
      let y = 1 + row * layout.scaleY / layout.unitsPerRow
      // Two lines of the figure may share one of the screen.
      guard y < room.height, row == 0 || y != 1 + (row - 1) * layout.scaleY / layout.unitsPerRow else { continue }
      let name = displayWidth(line.name) > names ? line.shortName : line.name
      self.line(name, in: Rect(x: room.x, y: room.y, width: names, height: room.height), row: y)
    }
  }

  private mutating func drawFigureHeads(_ figure: PaperFigureRows, left: Rect, right: Rect, cell: Int) {
    let anchors = figure.rows[0].anchors
    for column in 0..<figure.rows[0].short.count where cell == 3 || column == 0 || column == anchors {
      let name = column < anchors ? "A\(column + 1)" : "P\(column - anchors + 1)"
      let place = Rect(x: left.x + column * cell, y: left.y, width: max(cell, 2), height: 1)
      line(name, in: place, style: look.theme.dim)
    }
    let all = figure.rows[0].all.count
    let perColumn = figure.keysPerColumn(right.width)
    line(
      "all \(all) visual keys" + (perColumn > 1 ? ", the largest of \(perColumn) a column" : ""), in: right,
      style: look.theme.dim)
  }

  private mutating func drawAllKeys(_ figure: PaperFigureRows, in rect: Rect) {
    guard rect.width > 0, rect.height > 0 else { return }
    let binned = figure.binned(to: rect.width)
    let layout = GridLayout(
      columns: binned[0].count, rows: binned.count, in: rect, look, isSquare: false, largestScale: 1)
    draw(HeatMap(Array(binned.joined()), layout: layout, range: figure.range), in: rect)
  }
}

/// The paper's heat map as rows of shares.
package struct PaperFigureRows: Sendable, Equatable {
  package struct Row: Sendable, Equatable {
    package let name: String
    /// The name where there is little room.
    let shortName: String
    package let anchors: Int
    /// Shares of the anchors, then of the patches in raster order.
    package let all: [Double]

    /// The anchors and the first twelve patches.
    package var short: [Double] { Array(all.prefix(anchors + VocoRow.firstPatches)) }

    init(name: String, shortName: String? = nil, anchors: Int, all: [Double]) {
      (self.name, self.shortName, self.anchors, self.all) = (name, shortName ?? name, anchors, all)
    }
  }

  package let rows: [Row]
  /// What the lines and values are.
  package let caption: String
  /// From nothing to the largest share.
  package let range: ClosedRange<Double>

  init(rows: [Row], caption: String) {
    (self.rows, self.caption) = (rows, caption)
    range = 0...max(rows.lazy.flatMap(\.all).max() ?? 1, 1e-9)
  }

  func keysPerColumn(_ width: Int) -> Int {
    let keys = rows.first?.all.count ?? 0
    return max(1, (keys + max(width, 1) - 1) / max(width, 1))
  }

  /// Every row in at most `width` columns, each the largest of its keys.
  func binned(to width: Int) -> [[Double]] {
    let step = keysPerColumn(width)
    return rows.map { row in
      stride(from: 0, to: row.all.count, by: step).map { row.all[$0..<min($0 + step, row.all.count)].max() ?? 0 }
    }
  }
}

extension InspectorState {
  /// What the rows were made of.
  struct FigureKey: Equatable {
    let trace: Int
    let pictures: Int
  }

  private var figureKey: FigureKey { FigureKey(trace: traceCount, pictures: vocoRows.count) }

  /// The verified pictures' rows; without them this picture's, in each layer and over those that somebody reads.
  package var paperFigure: PaperFigureRows {
    if let keptFigure, keptFigure.key == figureKey { keptFigure.rows } else { figureRows }
  }

  /// Keeps the rows while the panel that draws them is looked at.
  mutating func refreshPaperFigure() {
    if focus == .verdict, keptFigure?.key != figureKey { keptFigure = (figureKey, figureRows) }
  }

  private var figureRows: PaperFigureRows {
    if !vocoRows.isEmpty {
      let rows = vocoRows.map {
        PaperFigureRows.Row(name: $0.name, anchors: $0.anchors.count, all: $0.anchors + $0.patches)
      }
      return PaperFigureRows(
        rows: rows,
        caption: "<voco> over the anchors and the first \(VocoRow.firstPatches) patches of \(rows.count) pictures: "
          + VocoRow.formula + ". The paper names no layer, head or averaging; alone this proves nothing.")
    }
    guard let attention = statistics?.attention else { return PaperFigureRows(rows: [], caption: "") }
    let layout = attention.layout
    let layers: [LayerSelection] = [.all] + (0..<attention.layers).map { .single($0) }
    let rows = layers.compactMap { layer -> PaperFigureRows.Row? in
      guard let view = AttentionView(attention, AttentionQuery(layer: layer)) else { return nil }
      let single: String? = if case .single(let index) = layer { "layer \(index + 1)" } else { nil }
      return PaperFigureRows.Row(
        name: single ?? attention.liveWords, shortName: single ?? attention.shortLiveWords,
        anchors: layout.anchors.count, all: view.anchorValues + view.patchValues)
    }
    return PaperFigureRows(
      rows: rows,
      caption:
        "<voco> over the anchors and the first \(VocoRow.firstPatches) patches of this picture: mean over heads of "
        + "the softmax weight. For the paper's 16 pictures run verify and open its state with --evidence.")
  }

  /// The first patches and the sum of all, a row per picture or layer.
  var figureTable: PanelReport.Table? {
    let figure = paperFigure
    guard let first = figure.rows.first else { return nil }
    let heads = first.short.indices.map { $0 < first.anchors ? "A\($0 + 1)" : "P\($0 - first.anchors + 1)" }
    return PanelReport.Table(
      "the paper's heat map", columns: ["row"] + heads + ["all patches"],
      rows: figure.rows.map { row in
        [.text(row.name)] + row.short.map { .number($0) } + [.number(row.all.dropFirst(row.anchors).reduce(0, +))]
      })
  }
}

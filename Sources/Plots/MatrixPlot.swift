package import ColorMaps

/// A heat map of a matrix with a colour bar; the first row stands on top.
package struct MatrixPlot: FigurePanel {
  package var title: String
  /// `[rows][columns]`, all rows of one length; nil or NaN is drawn as no value.
  package var values: [[Double?]]
  /// Ticks at row and column indices.
  package var rowTicks: [ScaleTick]
  package var columnTicks: [ScaleTick]
  package var rowLabel: String
  package var columnLabel: String
  /// Values at both ends of the colours; nil takes the smallest and largest.
  package var range: ClosedRange<Double>?
  /// How values are read, where that is not linear over the range.
  package var scale: ValueScale?
  package var map: ColorMap
  /// What the colour bar measures; nil draws no bar.
  package var measure: String?
  /// Short words on cells, by row and column.
  package var words: [[String]]
  /// Whether cells are squares rather than filling the box.
  package var isSquare: Bool

  package init(
    title: String = "", values: [[Double?]], rowTicks: [ScaleTick] = [], columnTicks: [ScaleTick] = [],
    rowLabel: String = "", columnLabel: String = "", range: ClosedRange<Double>? = nil, scale: ValueScale? = nil,
    map: ColorMap = .cividis, measure: String? = "", words: [[String]] = [], isSquare: Bool = false
  ) {
    precondition(!values.isEmpty && values.allSatisfy { $0.count == values[0].count && !$0.isEmpty })
    precondition(words.isEmpty || words.map(\.count) == values.map(\.count))
    self.title = title
    self.values = values
    self.rowTicks = rowTicks
    self.columnTicks = columnTicks
    self.rowLabel = rowLabel
    self.columnLabel = columnLabel
    self.range = range
    self.scale = scale
    self.map = map
    self.measure = measure
    self.words = words
    self.isSquare = isSquare
  }

  package func draw(in box: PlotBox, on canvas: PlotCanvas) {
    let frame = CellFrame(
      title: title, rows: values.count, columns: values[0].count, rowTicks: rowTicks, columnTicks: columnTicks,
      rowLabel: rowLabel, columnLabel: columnLabel, isSquare: isSquare)
    let scale = shownScale
    let colors = values.map { $0.map { PlotColor(map, $0.flatMap(scale.clampedPosition) ?? .nan) } }
    let cells = frame.draw(in: box, on: canvas, margin: measure == nil ? 4 : 66) { cells in
      canvas.cells(colors, in: cells)
      drawWords(over: colors, in: cells, on: canvas)
    }
    if let measure { ColorBar(map: map, scale: scale, measure: measure).draw(beside: cells, on: canvas) }
  }

  /// How values are read off the colours.
  private var shownScale: ValueScale {
    if let scale { return scale }
    if let range { return .linear(range) }
    return ValueScale(.linear, holding: values.joined().compactMap { $0 })
  }

  private func drawWords(over colors: [[PlotColor]], in box: PlotBox, on canvas: PlotCanvas) {
    let width = box.width / Double(values[0].count)
    let height = box.height / Double(values.count)
    for (row, line) in words.enumerated() {
      for (column, word) in line.enumerated() where canvas.width(of: word, .tick) <= width {
        let middle = PlotPoint(box.x + (Double(column) + 0.5) * width, box.y + (Double(row) + 0.5) * height)
        canvas.text(word, at: middle, .tick.colored(colors[row][column].contrasting), alignX: 0.5)
      }
    }
  }
}

/// The colours of a map beside it, with the values at ends and ticks and the scale in words.
struct ColorBar {
  let map: ColorMap
  let scale: ValueScale
  /// What is measured.
  let measure: String

  func draw(beside cells: PlotBox, on canvas: PlotCanvas) {
    let bar = PlotBox(x: cells.maxX + 10, y: cells.y, width: 10, height: cells.height)
    let steps = 128
    canvas.cells((0..<steps).map { [PlotColor(map, 1 - Double($0) / Double(steps - 1))] }, in: bar)
    canvas.outline(bar, .faint, width: 0.7)
    for tick in ticks(height: bar.height) {
      let y = bar.maxY - bar.height * (scale.clampedPosition(tick.value) ?? 0)
      canvas.text(printed(tick.label), at: PlotPoint(bar.maxX + 4, y), .tick)
    }
    let words =
      scale.kind == .linear ? measure : measure.isEmpty ? scale.kind.rawValue : "\(measure), \(scale.kind.rawValue)"
    canvas.text(words, at: PlotPoint(bar.maxX + 44, bar.middle.y), .tick, alignX: 0.5, degrees: 90)
  }

  private func ticks(height: Double) -> [ScaleTick] {
    let ticks = scale.ticks(count: max(2, Int(height / 45)))
    guard ticks.count < 2 else { return ticks }
    // A low bar may have no room for round values: its ends say as much.
    return [scale.range.lowerBound, scale.range.upperBound].map { ScaleTick($0, tickText($0)) }
  }
}

/// Cells in rows and columns with a title, ticks and names of both sides: what a heat map and a map of kinds share.
struct CellFrame {
  var title: String
  var rows: Int
  var columns: Int
  var rowTicks: [ScaleTick]
  var columnTicks: [ScaleTick]
  var rowLabel: String
  var columnLabel: String
  var isSquare: Bool

  /// Draws all that stands around the cells and then, in their box, the cells; returns that box.
  ///
  /// - Parameter margin: room kept free at the right.
  func draw(in box: PlotBox, on canvas: PlotCanvas, margin: Double, cells: (PlotBox) -> Void) -> PlotBox {
    canvas.text(title, at: PlotPoint(box.x, box.y), .heading, alignY: 0)
    let labels = rowTicks.map { canvas.width(of: $0.label, .tick) + 6 }.max() ?? 0
    let names = columnTicks.map { canvas.width(of: $0.label, .tick) }.max() ?? 0
    var area = box.inset(left: labels + (rowLabel.isEmpty ? 0 : 20), top: title.isEmpty ? 0 : 22, right: margin)
    let isTilted = names + 4 > spacing(in: area)
    let foot = columnTicks.isEmpty ? 0 : (isTilted ? names * 0.7 + 10 : 18)
    area = area.inset(bottom: foot + (columnLabel.isEmpty ? 2 : 18))
    if isSquare { area = area.fitted(ratio: Double(columns) / Double(rows)) }
    cells(area)
    canvas.outline(area, .faint, width: 0.7)
    drawTicks(around: area, isTilted: isTilted, on: canvas)
    canvas.text(columnLabel, at: PlotPoint(area.middle.x, area.maxY + foot + 4), alignX: 0.5, alignY: 0)
    canvas.text(rowLabel, at: PlotPoint(area.x - labels - 12, area.middle.y), alignX: 0.5, degrees: -90)
    return area
  }

  /// The least distance of two column ticks.
  private func spacing(in box: PlotBox) -> Double {
    let places = columnTicks.map(\.value).sorted()
    let least = zip(places, places.dropFirst()).map { $1 - $0 }.min() ?? Double(columns)
    return box.width * least / Double(columns)
  }

  private func drawTicks(around box: PlotBox, isTilted: Bool, on canvas: PlotCanvas) {
    for tick in rowTicks {
      let y = box.y + (tick.value + 0.5) * box.height / Double(rows)
      canvas.text(tick.label, at: PlotPoint(box.x - 5, y), .tick, alignX: 1)
    }
    for tick in columnTicks {
      let x = box.x + (tick.value + 0.5) * box.width / Double(columns)
      canvas.line([PlotPoint(x, box.maxY), PlotPoint(x, box.maxY + 3)], .faint)
      if isTilted {
        canvas.text(tick.label, at: PlotPoint(x + 3, box.maxY + 7), .tick, alignX: 1, degrees: -45)
      } else {
        canvas.text(tick.label, at: PlotPoint(x, box.maxY + 5), .tick, alignX: 0.5, alignY: 0)
      }
    }
  }
}

package import ColorMaps

/// A heat map of a matrix with a colour bar; the first row stands on top.
package struct MatrixPlot: FigurePanel {
  package var title: String
  /// `[rows][columns]`, all rows of one length; nil or NaN is drawn as no value.
  package var values: [[Double?]]
  /// Ticks at row and column indices.
  package var rowTicks: [AxisTick]
  package var columnTicks: [AxisTick]
  package var rowLabel: String
  package var columnLabel: String
  /// Values at both ends of the colours; nil takes the smallest and largest.
  package var range: ClosedRange<Double>?
  package var map: ColorMap
  /// What the colour bar measures; nil draws no bar.
  package var measure: String?
  /// Short words on cells, by row and column.
  package var words: [[String]]
  /// Whether cells are squares rather than filling the box.
  package var isSquare: Bool

  package init(
    title: String = "", values: [[Double?]], rowTicks: [AxisTick] = [], columnTicks: [AxisTick] = [],
    rowLabel: String = "", columnLabel: String = "", range: ClosedRange<Double>? = nil, map: ColorMap = .cividis,
    measure: String? = "", words: [[String]] = [], isSquare: Bool = false
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
    self.map = map
    self.measure = measure
    self.words = words
    self.isSquare = isSquare
  }

  package func draw(in box: PlotBox, on canvas: PlotCanvas) {
    canvas.text(title, at: PlotPoint(box.x, box.y), .heading, alignY: 0)
    let labels = rowTicks.map { canvas.width(of: $0.label, .tick) + 6 }.max() ?? 0
    let names = columnTicks.map { canvas.width(of: $0.label, .tick) }.max() ?? 0
    var cells = box.inset(
      left: labels + (rowLabel.isEmpty ? 0 : 20), top: title.isEmpty ? 0 : 22, right: measure == nil ? 4 : 66)
    let isTilted = names + 4 > cells.width / Double(max(columnTicks.count, 1))
    let foot = columnTicks.isEmpty ? 0 : (isTilted ? names * 0.7 + 10 : 18)
    cells = cells.inset(bottom: foot + (columnLabel.isEmpty ? 2 : 18))
    if isSquare { cells = cells.fitted(ratio: Double(values[0].count) / Double(values.count)) }
    drawCells(in: cells, on: canvas)
    drawTicks(around: cells, isTilted: isTilted, on: canvas)
    canvas.text(
      columnLabel, at: PlotPoint(cells.middle.x, cells.maxY + foot + 4), alignX: 0.5, alignY: 0)
    canvas.text(
      rowLabel, at: PlotPoint(cells.x - labels - 12, cells.middle.y), alignX: 0.5, degrees: -90)
    if let measure { drawBar(beside: cells, measure: measure, on: canvas) }
  }

  /// Values at both ends of the colours.
  private var shownRange: ClosedRange<Double> {
    if let range { return range }
    let all = values.joined().compactMap { $0 }.filter(\.isFinite)
    let low = all.min() ?? 0
    return low...max(all.max() ?? 1, low)
  }

  private func color(_ value: Double?) -> PlotColor {
    guard let value, !value.isNaN else { return .absent }
    let range = shownRange
    let width = range.upperBound - range.lowerBound
    return PlotColor(map, width > 0 ? (value - range.lowerBound) / width : 0)
  }

  private func drawCells(in box: PlotBox, on canvas: PlotCanvas) {
    let width = box.width / Double(values[0].count)
    let height = box.height / Double(values.count)
    for (row, line) in values.enumerated() {
      for (column, value) in line.enumerated() {
        let cell = PlotBox(
          x: box.x + Double(column) * width, y: box.y + Double(row) * height, width: width, height: height)
        let color = color(value)
        canvas.fill(cell, color)
        if !words.isEmpty {
          let word = PlotText.tick.colored(color.contrasting)
          canvas.text(words[row][column], at: cell.middle, word, alignX: 0.5)
        }
      }
    }
    canvas.outline(box, .faint, width: 0.7)
  }

  private func drawTicks(around box: PlotBox, isTilted: Bool, on canvas: PlotCanvas) {
    for tick in rowTicks {
      let y = box.y + (tick.value + 0.5) * box.height / Double(values.count)
      canvas.text(tick.label, at: PlotPoint(box.x - 5, y), .tick, alignX: 1)
    }
    for tick in columnTicks {
      let x = box.x + (tick.value + 0.5) * box.width / Double(values[0].count)
      canvas.line([PlotPoint(x, box.maxY), PlotPoint(x, box.maxY + 3)], .faint)
      if isTilted {
        canvas.text(tick.label, at: PlotPoint(x + 3, box.maxY + 7), .tick, alignX: 1, degrees: -45)
      } else {
        canvas.text(tick.label, at: PlotPoint(x, box.maxY + 5), .tick, alignX: 0.5, alignY: 0)
      }
    }
  }

  private func drawBar(beside cells: PlotBox, measure: String, on canvas: PlotCanvas) {
    let bar = PlotBox(x: cells.maxX + 10, y: cells.y, width: 10, height: cells.height)
    let steps = 128
    for step in 0..<steps {
      let part = PlotBox(
        x: bar.x, y: bar.y + bar.height * Double(step) / Double(steps), width: bar.width,
        height: bar.height / Double(steps))
      canvas.fill(part, PlotColor(map, 1 - Double(step) / Double(steps - 1)))
    }
    canvas.outline(bar, .faint, width: 0.7)
    let axis = ChartAxis(measure, range: shownRange)
    let width = shownRange.upperBound - shownRange.lowerBound
    var ticks = axis.shownTicks(count: max(2, Int(bar.height / 45)))
    // A low bar may have no room for round values: its ends say as much.
    if ticks.count < 2 {
      ticks = [shownRange.lowerBound, shownRange.upperBound].map { AxisTick($0, axisText($0)) }
    }
    for tick in ticks {
      let y = width > 0 ? bar.maxY - bar.height * (tick.value - shownRange.lowerBound) / width : bar.maxY
      canvas.text(tick.label, at: PlotPoint(bar.maxX + 4, y), .tick)
    }
    canvas.text(measure, at: PlotPoint(bar.maxX + 44, bar.middle.y), .tick, alignX: 0.5, degrees: 90)
  }
}

/// Cells of kinds, each in its own colour: a mask, the codes of a picture. The first row stands on top.
package struct ColorGrid: FigurePanel {
  /// A rule between cells, with the names of what lies before and behind.
  package struct Band: Sendable, Hashable {
    package let start: Int
    package let count: Int
    package let name: String

    package init(start: Int, count: Int, name: String) {
      self.start = start
      self.count = count
      self.name = name
    }
  }

  package var title: String
  /// `[rows][columns]`, all rows of one length; nil is drawn as no value.
  package var colors: [[PlotColor?]]
  package var rowLabel: String
  package var columnLabel: String
  package var rowTicks: [AxisTick]
  package var columnTicks: [AxisTick]
  /// Parts of both sides, parted by lines.
  package var bands: [Band]
  /// What colours mean; below the title.
  package var legend: [(name: String, color: PlotColor)]
  package var isSquare: Bool

  package init(
    title: String = "", colors: [[PlotColor?]], rowLabel: String = "", columnLabel: String = "",
    rowTicks: [AxisTick] = [], columnTicks: [AxisTick] = [], bands: [Band] = [],
    legend: [(name: String, color: PlotColor)] = [], isSquare: Bool = true
  ) {
    precondition(!colors.isEmpty && colors.allSatisfy { $0.count == colors[0].count && !$0.isEmpty })
    (self.title, self.colors) = (title, colors)
    (self.rowLabel, self.columnLabel, self.rowTicks, self.columnTicks) = (rowLabel, columnLabel, rowTicks, columnTicks)
    (self.bands, self.legend, self.isSquare) = (bands, legend, isSquare)
  }

  package func draw(in box: PlotBox, on canvas: PlotCanvas) {
    canvas.text(title, at: PlotPoint(box.x, box.y), .heading, alignY: 0)
    let head = (title.isEmpty ? 0 : 22) + drawLegend(in: box, on: canvas)
    let frame = CellFrame(
      title: "", rows: colors.count, columns: colors[0].count, rowTicks: rowTicks, columnTicks: columnTicks,
      rowLabel: rowLabel, columnLabel: columnLabel, isSquare: isSquare)
    _ = frame.draw(in: box.inset(top: head), on: canvas, margin: 4) { cells in
      canvas.fill(cells, .absent)
      canvas.cells(colors, in: cells)
      drawBands(in: cells, on: canvas)
    }
  }

  /// Returns its height.
  private func drawLegend(in box: PlotBox, on canvas: PlotCanvas) -> Double {
    var x = box.x
    for entry in legend {
      let swatch = PlotBox(x: x, y: box.y + (title.isEmpty ? 2 : 22), width: 10, height: 10)
      canvas.fill(swatch, entry.color)
      canvas.outline(swatch, .faint, width: 0.5)
      canvas.text(entry.name, at: PlotPoint(x + 14, swatch.middle.y), .tick)
      x += canvas.width(of: entry.name, .tick) + 28
    }
    return legend.isEmpty ? 0 : 18
  }

  private func drawBands(in box: PlotBox, on canvas: PlotCanvas) {
    for band in bands where band.start > 0 {
      let x = box.x + box.width * Double(band.start) / Double(colors[0].count)
      let y = box.y + box.height * Double(band.start) / Double(colors.count)
      canvas.line([PlotPoint(x, box.y), PlotPoint(x, box.maxY)], .faint.faded(to: 0.6), width: 0.5)
      canvas.line([PlotPoint(box.x, y), PlotPoint(box.maxX, y)], .faint.faded(to: 0.6), width: 0.5)
    }
  }
}

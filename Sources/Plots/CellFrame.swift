import ColorMaps

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

import ImageLoading
package import Tensor

/// One part of a figure.
package protocol FigurePanel: Sendable {
  /// Draws itself, titles and axes included, into a box.
  func draw(in box: PlotBox, on canvas: PlotCanvas)
}

/// A title, panels on a grid and lines of notes: what becomes one PNG, SVG or PDF.
///
/// Equal figures give equal files on one machine; the font is the system's DejaVu Sans, else its sans serif.
package struct Figure: Sendable {
  package var title: String
  /// Widths of the grid's columns and heights of its rows, in units of about a point.
  package var columnWidths: [Double]
  package var rowHeights: [Double]
  /// Row by row; nil leaves a place empty.
  package var panels: [(any FigurePanel)?]
  /// Lines under the panels: what is shown, of what, how it was made. Long ones are wrapped.
  package var notes: [String]
  /// What its file says of itself; title and description are the figure's title and notes.
  package var metadata = FigureMetadata()

  package init(
    title: String, columnWidths: [Double], rowHeights: [Double], panels: [(any FigurePanel)?], notes: [String] = []
  ) {
    precondition(!columnWidths.isEmpty && columnWidths.count * rowHeights.count == panels.count)
    self.title = title
    self.columnWidths = columnWidths
    self.rowHeights = rowHeights
    self.panels = panels
    self.notes = notes
  }

  /// Panels of one size, `columns` to a row.
  package init(
    title: String, columns: Int, panelWidth: Double = 420, panelHeight: Double = 300, panels: [any FigurePanel],
    notes: [String] = []
  ) {
    precondition(columns > 0 && !panels.isEmpty)
    let columns = min(columns, panels.count)
    let rows = (panels.count + columns - 1) / columns
    self.init(
      title: title, columnWidths: Array(repeating: panelWidth, count: columns),
      rowHeights: Array(repeating: panelHeight, count: rows),
      panels: panels + Array(repeating: nil, count: rows * columns - panels.count), notes: notes)
  }

  /// The figure's pixels, at `scale` pixels per unit.
  package func image(scale: Double = 1.5) -> Picture {
    let surface = CairoSurface(width: size.width, height: size.height, .pixels(scale: scale))
    draw(on: PlotCanvas(surface))
    return surface.image()
  }

  /// Width and height, in units of about a point.
  package var size: (width: Double, height: Double) {
    let text = Double(titleLines.count) * Self.titleHeight + Double(noteLines.count) * Self.noteHeight
    return (total(columnWidths) + 2 * Self.margin, 2 * Self.margin + text + total(rowHeights))
  }

  func draw(on canvas: PlotCanvas) {
    for (index, line) in titleLines.enumerated() {
      canvas.text(line, at: PlotPoint(Self.margin, Self.margin + Double(index) * 20), .title, alignY: 0)
    }
    let top = Self.margin + Double(titleLines.count) * Self.titleHeight
    for (index, panel) in panels.enumerated() {
      panel?.draw(in: box(row: index / columnWidths.count, column: index % columnWidths.count, top), on: canvas)
    }
    for (index, line) in noteLines.enumerated() {
      let y = top + total(rowHeights) + (Double(index) + 0.8) * Self.noteHeight
      canvas.text(line, at: PlotPoint(Self.margin, y), .note)
    }
  }

  private static let margin = 14.0
  private static let gap = 18.0
  private static let noteHeight = 15.0
  private static let titleHeight = 26.0

  private func total(_ lengths: [Double]) -> Double { lengths.reduce(0, +) + Self.gap * Double(lengths.count - 1) }

  private func box(row: Int, column: Int, _ top: Double) -> PlotBox {
    func start(_ lengths: [Double], _ index: Int) -> Double { lengths[..<index].reduce(0) { $0 + $1 + Self.gap } }
    return PlotBox(
      x: Self.margin + start(columnWidths, column), y: top + start(rowHeights, row),
      width: columnWidths[column], height: rowHeights[row])
  }

  private var titleLines: [String] { wrapped([title], .title) }

  private var noteLines: [String] { wrapped(notes, .note) }

  private func wrapped(_ texts: [String], _ style: PlotText) -> [String] {
    let ruler = PlotCanvas(CairoSurface(width: 1, height: 1, .pixels(scale: 1)))
    return texts.flatMap { ruler.wrapped($0, style, width: total(columnWidths)) }
  }
}

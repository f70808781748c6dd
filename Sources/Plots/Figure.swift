package import ImageLoading
package import Tensor

/// One part of a figure.
package protocol FigurePanel: Sendable {
  /// Draws itself, titles and axes included, into a box.
  func draw(in box: PlotBox, on canvas: PlotCanvas)
}

/// A title, panels on a grid and lines of notes: what becomes one PNG.
///
/// Equal figures give equal pixels on one machine; the font is the system's DejaVu Sans, else its sans serif.
package struct Figure: Sendable {
  package var title: String
  /// Widths of the grid's columns and heights of its rows, in units of about a point.
  package var columnWidths: [Double]
  package var rowHeights: [Double]
  /// Row by row; nil leaves a place empty.
  package var panels: [(any FigurePanel)?]
  /// Lines under the panels: what is shown, of what, how it was made. Long ones are wrapped.
  package var notes: [String]

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

  /// The figure's pixels, at `scale` pixels a unit.
  package func image(scale: Double = 1.5) -> Picture {
    let lines = wrappedNotes()
    let gridHeight = total(rowHeights)
    let height = Self.margin + titleHeight + gridHeight + Double(lines.count) * Self.noteHeight + Self.margin
    let canvas = PlotCanvas(width: total(columnWidths) + 2 * Self.margin, height: height, scale: scale)
    if !title.isEmpty { canvas.text(title, at: PlotPoint(Self.margin, Self.margin), .title, alignY: 0) }
    for (index, panel) in panels.enumerated() {
      panel?.draw(in: box(row: index / columnWidths.count, column: index % columnWidths.count), on: canvas)
    }
    for (index, line) in lines.enumerated() {
      let y = Self.margin + titleHeight + gridHeight + (Double(index) + 0.8) * Self.noteHeight
      canvas.text(line, at: PlotPoint(Self.margin, y), .note)
    }
    return canvas.image()
  }

  /// Writes the figure as PNG to `path`, which afterwards holds either all of it or what it held before.
  ///
  /// - Throws: `ImageError`, naming `path`.
  package func write(to path: String, scale: Double = 1.5) throws(ImageError) {
    try PNGWriter.write(image(scale: scale), to: path)
  }

  private static let margin = 14.0
  private static let gap = 18.0
  private static let noteHeight = 15.0
  private var titleHeight: Double { title.isEmpty ? 0 : 30 }

  private func total(_ lengths: [Double]) -> Double { lengths.reduce(0, +) + Self.gap * Double(lengths.count - 1) }

  private func box(row: Int, column: Int) -> PlotBox {
    func start(_ lengths: [Double], _ index: Int) -> Double { lengths[..<index].reduce(0) { $0 + $1 + Self.gap } }
    return PlotBox(
      x: Self.margin + start(columnWidths, column), y: Self.margin + titleHeight + start(rowHeights, row),
      width: columnWidths[column], height: rowHeights[row])
  }

  private func wrappedNotes() -> [String] {
    let ruler = PlotCanvas(width: 1, height: 1, scale: 1)
    return notes.flatMap { note in
      note.split(separator: " ").reduce(into: [String]()) { lines, word in
        if let last = lines.last, ruler.width(of: "\(last) \(word)", .note) <= total(columnWidths) {
          lines[lines.count - 1] = "\(last) \(word)"
        } else {
          lines.append(String(word))
        }
      }
    }
  }
}

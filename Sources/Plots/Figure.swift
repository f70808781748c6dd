import Files
package import ImageLoading
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

/// What a figure can be written as.
package enum FigureFormat: String, Sendable, CaseIterable {
  case png, svg, pdf

  /// The format that a path's suffix names; nil for another.
  package init?(path: String) {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), let format = Self(rawValue: name[name.index(after: dot)...].lowercased())
    else { return nil }
    self = format
  }
}

/// What a figure's file says of itself beside the drawing: PNG text chunks, RDF in SVG, the document's properties in PDF.
package struct FigureMetadata: Sendable, Hashable {
  /// A named value: a hash, a version.
  package struct Entry: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The program and its version.
  package var creator: String
  package var entries: [Entry]
  var title = ""
  var description = ""

  package init(creator: String = "vocoscope", entries: [Entry] = []) {
    self.creator = creator
    self.entries = entries
  }
}

extension Figure {
  /// Resolution of a PNG that is printed at the figure's size: 300 dots per inch, in pixels per unit.
  package static let printScale = 300.0 / 72

  /// Writes the figure as its path's suffix says, as PNG where it says nothing known; afterwards the path holds either
  /// all of it or what it held before.
  ///
  /// - Parameter scale: pixels per unit of a PNG.
  /// - Throws: `ImageError`, naming `path`.
  package func write(to path: String, scale: Double = 1.5) throws(ImageError) {
    let bytes = bytes(FigureFormat(path: path) ?? .png, scale: scale)
    do { try FileContents.write(bytes, to: path) } catch { throw .file(error) }
  }

  /// The file's contents.
  package func bytes(_ format: FigureFormat, scale: Double = 1.5) -> [UInt8] {
    var metadata = metadata
    metadata.title = title
    metadata.description = notes.joined(separator: " ")
    return Sheet(width: size.width, height: size.height, metadata: metadata, draw: draw).bytes(format, scale: scale)
  }
}

/// A drawing that fills its file to the edges.
package struct Sheet {
  private let width: Double
  private let height: Double
  private let metadata: FigureMetadata
  /// Whether an SVG's text is set in a font whose characters are all of one width.
  private let isMonospaced: Bool
  private let draw: (PlotCanvas) -> Void

  /// - Parameters:
  ///   - width: in units of about a point.
  ///   - title: of the file, beside the drawing.
  package init(
    width: Double, height: Double, title: String, creator: String, isMonospaced: Bool,
    draw: @escaping (PlotCanvas) -> Void
  ) {
    var metadata = FigureMetadata(creator: creator)
    metadata.title = title
    self.init(width: width, height: height, metadata: metadata, isMonospaced: isMonospaced, draw: draw)
  }

  fileprivate init(
    width: Double, height: Double, metadata: FigureMetadata, isMonospaced: Bool = false,
    draw: @escaping (PlotCanvas) -> Void
  ) {
    (self.width, self.height, self.metadata, self.isMonospaced) = (width, height, metadata, isMonospaced)
    self.draw = draw
  }

  /// - Parameter scale: pixels per unit of a PNG.
  package func bytes(_ format: FigureFormat, scale: Double) -> [UInt8] {
    switch format {
    case .png:
      let surface = CairoSurface(width: width, height: height, .pixels(scale: scale))
      draw(PlotCanvas(surface))
      let texts = [("Title", metadata.title), ("Description", metadata.description), ("Software", metadata.creator)]
      return PNGWriter.encoded(
        surface.image(), dotsPerInch: scale * 72,
        texts: texts.filter { !$0.1.isEmpty } + metadata.entries.map { ($0.name, $0.value) })
    case .svg:
      let surface = SVGSurface(width: width, height: height, isMonospaced: isMonospaced)
      draw(PlotCanvas(surface))
      return Array(surface.document(metadata).utf8)
    case .pdf:
      let surface = CairoSurface(width: width, height: height, .page)
      draw(PlotCanvas(surface))
      return surface.document(metadata)
    }
  }
}

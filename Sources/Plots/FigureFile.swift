internal import Files
package import ImageLoading

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

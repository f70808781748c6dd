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
    switch format {
    case .png:
      let texts = [("Title", title), ("Description", metadata.description), ("Software", metadata.creator)]
      return PNGWriter.encoded(
        image(scale: scale), dotsPerInch: scale * 72,
        texts: texts + metadata.entries.map { ($0.name, $0.value) })
    case .svg:
      let surface = SVGSurface(width: size.width, height: size.height)
      draw(on: PlotCanvas(surface))
      return Array(surface.document(metadata).utf8)
    case .pdf:
      let surface = CairoSurface(width: size.width, height: size.height, .page)
      draw(on: PlotCanvas(surface))
      return surface.document(metadata)
    }
  }
}

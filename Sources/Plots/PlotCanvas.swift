import ImageLoading
package import Tensor

/// What a figure is drawn on: white paper of a fixed size, in units of about a point.
///
/// Not thread safe; a figure makes one for itself while it is drawn.
package final class PlotCanvas {
  private let surface: any PlotSurface
  private let ruler: CairoSurface

  init(_ surface: any PlotSurface) {
    self.surface = surface
    ruler = surface as? CairoSurface ?? CairoSurface(width: 1, height: 1, .pixels(scale: 1))
  }

  /// A line through the points; `dash` is the length of its dashes, 0 for none.
  package func line(_ points: [PlotPoint], _ color: PlotColor, width: Double = 1, dash: Double = 0) {
    guard points.count > 1 else { return }
    surface.line(points, color, width: width, dash: dash)
  }

  package func polygon(_ points: [PlotPoint], _ color: PlotColor) {
    guard points.count > 2 else { return }
    surface.polygon(points, color)
  }

  package func disc(_ middle: PlotPoint, radius: Double, _ color: PlotColor) {
    surface.disc(middle, radius: radius, color)
  }

  package func fill(_ box: PlotBox, _ color: PlotColor) { surface.fill(box, color) }

  /// Fills a box with cells, `[rows][columns]`, between which nothing of the paper shows; nil leaves it showing.
  package func cells(_ colors: [[PlotColor?]], in box: PlotBox) {
    for (row, line) in colors.enumerated() {
      let y = box.y + box.height * Double(row) / Double(colors.count)
      let below = min(box.maxY, box.y + box.height * Double(row + 1) / Double(colors.count) + surface.overlap)
      var start = 0
      // Neighbours of one colour are one shape: a mask has a quarter of a million cells and few colours.
      while start < line.count {
        var end = start + 1
        while end < line.count && line[end] == line[start] { end += 1 }
        let x = box.x + box.width * Double(start) / Double(line.count)
        let right = min(box.maxX, box.x + box.width * Double(end) / Double(line.count) + surface.overlap)
        if let color = line[start] { fill(PlotBox(x: x, y: y, width: right - x, height: below - y), color) }
        start = end
      }
    }
  }

  package func outline(_ box: PlotBox, _ color: PlotColor, width: Double = 1) {
    let corners = [
      PlotPoint(box.x, box.y), PlotPoint(box.maxX, box.y), PlotPoint(box.maxX, box.maxY), PlotPoint(box.x, box.maxY),
      PlotPoint(box.x, box.y),
    ]
    line(corners, color, width: width)
  }

  /// One line of text; `alignX` 0 starts, 1 ends at the point; `alignY` 0 hangs below it, 1 stands on it.
  package func text(
    _ text: String, at point: PlotPoint, _ style: PlotText = .label, alignX: Double = 0, alignY: Double = 0.5,
    degrees: Double = 0
  ) {
    let printable = String(text.unicodeScalars.map { $0.value < 0x20 ? " " : Character($0) })
    surface.text(printable, at: point, style, alignX: alignX, alignY: alignY, degrees: degrees)
  }

  package func width(of text: String, _ style: PlotText = .label) -> Double { ruler.width(of: text, style) }

  /// The text in lines of at most `width`, broken between words.
  package func wrapped(_ text: String, _ style: PlotText, width: Double) -> [String] {
    text.split(separator: " ").reduce(into: [String]()) { lines, word in
      if let last = lines.last, self.width(of: "\(last) \(word)", style) <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
  }

  /// A picture stretched over a box: interpolated, or each pixel a block.
  package func picture(_ image: Picture, in box: PlotBox, isSmooth: Bool = true) {
    surface.picture(image, in: box, isSmooth: isSmooth)
  }

  package func clipped(to box: PlotBox, _ draw: () -> Void) {
    surface.clip(to: box)
    draw()
    surface.unclip()
  }
}

/// Size and colour of a line of text.
package struct PlotText: Sendable {
  package var size: Double
  package var isBold = false
  package var isMonospaced = false
  package var color = PlotColor.ink

  package static let title = PlotText(size: 15, isBold: true)
  package static let heading = PlotText(size: 12, isBold: true)
  package static let label = PlotText(size: 11)
  package static let tick = PlotText(size: 10)
  package static let note = PlotText(size: 10, color: .faint)

  /// The height of a capital over the size of the font: lines of one size stand on one baseline.
  static let capitalHeight = 0.73

  package init(size: Double, isBold: Bool = false, isMonospaced: Bool = false, color: PlotColor = .ink) {
    (self.size, self.isBold, self.isMonospaced, self.color) = (size, isBold, isMonospaced, color)
  }

  package func colored(_ color: PlotColor) -> PlotText {
    PlotText(size: size, isBold: isBold, isMonospaced: isMonospaced, color: color)
  }
}

/// A point of a figure, in its own units; y grows downwards.
package struct PlotPoint: Sendable, Hashable {
  package var x: Double
  package var y: Double

  package init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// A rectangle of a figure.
package struct PlotBox: Sendable, Hashable {
  package var x: Double
  package var y: Double
  package var width: Double
  package var height: Double

  package init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = max(0, width)
    self.height = max(0, height)
  }

  package var maxX: Double { x + width }
  package var maxY: Double { y + height }
  package var middle: PlotPoint { PlotPoint(x + width / 2, y + height / 2) }

  package func inset(left: Double = 0, top: Double = 0, right: Double = 0, bottom: Double = 0) -> PlotBox {
    PlotBox(x: x + left, y: y + top, width: width - left - right, height: height - top - bottom)
  }

  /// The largest box of this ratio (width / height) in the middle of the top edge.
  package func fitted(ratio: Double) -> PlotBox {
    let width = min(self.width, height * ratio)
    return PlotBox(x: x + (self.width - width) / 2, y: y, width: width, height: width / ratio)
  }
}

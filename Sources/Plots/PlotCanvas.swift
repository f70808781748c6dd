internal import CCairo
import ImageLoading
package import Tensor

/// What a figure is drawn on: white paper of a fixed size, in units that `scale` turns into pixels.
///
/// Not thread safe; a figure makes one for itself while it is drawn.
package final class PlotCanvas {
  private let handle: OpaquePointer
  private let pixelWidth: Int
  private let pixelHeight: Int

  init(width: Double, height: Double, scale: Double) {
    let sides = [width, height].map { ($0 * scale).rounded(.up) }
    precondition(sides.allSatisfy { $0 >= 1 && $0 <= 32_767 }, "cairo draws on 1 to 32767 pixels a side, not \(sides)")
    pixelWidth = Int(sides[0])
    pixelHeight = Int(sides[1])
    guard let handle = ccairo_create(Int32(sides[0]), Int32(sides[1]), scale) else {
      preconditionFailure("no memory for a figure of \(pixelWidth) × \(pixelHeight) pixels")
    }
    self.handle = handle
  }

  deinit { ccairo_destroy(handle) }

  func image() -> Picture {
    Picture(width: pixelWidth, height: pixelHeight) { ccairo_pixels(handle, $0.baseAddress) }
  }

  /// A line through the points; `dash` is the length of its dashes, 0 for none.
  package func line(_ points: [PlotPoint], _ color: PlotColor, width: Double = 1, dash: Double = 0) {
    guard points.count > 1 else { return }
    ccairo_polyline(handle, Self.flat(points), points.count, width, dash, Self.color(color))
  }

  package func polygon(_ points: [PlotPoint], _ color: PlotColor) {
    guard points.count > 2 else { return }
    ccairo_polygon(handle, Self.flat(points), points.count, Self.color(color))
  }

  package func disc(_ middle: PlotPoint, radius: Double, _ color: PlotColor) {
    ccairo_circle(handle, middle.x, middle.y, radius, Self.color(color))
  }

  /// Fills whole pixels: neighbours neither overlap nor leave a seam.
  package func fill(_ box: PlotBox, _ color: PlotColor) {
    ccairo_rectangle(handle, box.x, box.y, box.width, box.height, Self.color(color))
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
    ccairo_text(
      handle, printable, point.x, point.y, style.size, style.isBold, alignX, alignY, degrees, Self.color(style.color))
  }

  package func width(of text: String, _ style: PlotText = .label) -> Double {
    ccairo_text_width(handle, text, style.size, style.isBold)
  }

  /// A picture stretched over a box: interpolated, or each pixel a block.
  package func picture(_ image: Picture, in box: PlotBox, isSmooth: Bool = true) {
    ccairo_picture(
      handle, image.pixels, Int32(image.width), Int32(image.height), box.x, box.y, box.width, box.height, isSmooth)
  }

  package func clipped(to box: PlotBox, _ draw: () -> Void) {
    ccairo_clip(handle, box.x, box.y, box.width, box.height)
    draw()
    ccairo_unclip(handle)
  }

  private static func flat(_ points: [PlotPoint]) -> [Double] { points.flatMap { [$0.x, $0.y] } }

  private static func color(_ color: PlotColor) -> ccairo_color {
    func channel(_ shift: UInt32) -> Double { Double(color.hex >> shift & 0xFF) / 255 }
    return ccairo_color(red: channel(16), green: channel(8), blue: channel(0), alpha: color.opacity)
  }
}

/// Size and colour of a line of text.
package struct PlotText: Sendable {
  package var size: Double
  package var isBold = false
  package var color = PlotColor.ink

  package static let title = PlotText(size: 15, isBold: true)
  package static let heading = PlotText(size: 12, isBold: true)
  package static let label = PlotText(size: 11)
  package static let tick = PlotText(size: 10)
  package static let note = PlotText(size: 10, color: .faint)

  package func colored(_ color: PlotColor) -> PlotText { PlotText(size: size, isBold: isBold, color: color) }
}

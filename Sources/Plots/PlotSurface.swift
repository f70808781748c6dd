internal import CCairo
internal import ImageLoading
import Tensor

/// What a canvas draws on: pixels, a page of PDF or the elements of an SVG. Lengths are those of the canvas.
protocol PlotSurface: AnyObject {
  /// How far neighbouring filled boxes reach under each other: viewers that soften the edges of shapes would show the
  /// paper between them. 0 where whole pixels are filled.
  var overlap: Double { get }

  func line(_ points: [PlotPoint], _ color: PlotColor, width: Double, dash: Double)
  func polygon(_ points: [PlotPoint], _ color: PlotColor)
  func disc(_ middle: PlotPoint, radius: Double, _ color: PlotColor)
  func fill(_ box: PlotBox, _ color: PlotColor)
  func text(_ text: String, at point: PlotPoint, _ style: PlotText, alignX: Double, alignY: Double, degrees: Double)
  func picture(_ image: Picture, in box: PlotBox, isSmooth: Bool)
  /// Later drawing stays inside the box until `unclip`.
  func clip(to box: PlotBox)
  func unclip()
}

/// Pixels or a page of PDF, drawn by cairo.
final class CairoSurface: PlotSurface {
  enum Target {
    case pixels(scale: Double)
    case page
  }

  let overlap: Double
  let handle: OpaquePointer
  private let pixelWidth: Int
  private let pixelHeight: Int

  init(width: Double, height: Double, _ target: Target) {
    switch target {
    case .pixels(let scale):
      let sides = [width, height].map { ($0 * scale).rounded(.up) }
      precondition(
        sides.allSatisfy { $0 >= 1 && $0 <= 32_767 }, "cairo draws on 1 to 32767 pixels a side, not \(sides)")
      (pixelWidth, pixelHeight, overlap) = (Int(sides[0]), Int(sides[1]), 0)
      guard let handle = ccairo_create(Int32(sides[0]), Int32(sides[1]), scale) else {
        preconditionFailure("no memory for a figure of \(sides[0]) × \(sides[1]) pixels")
      }
      self.handle = handle
    case .page:
      (pixelWidth, pixelHeight, overlap) = (0, 0, 0.3)
      guard let handle = ccairo_create_pdf(width, height) else { preconditionFailure("no memory for a page") }
      self.handle = handle
    }
  }

  deinit { ccairo_destroy(handle) }

  /// The pixels drawn so far.
  func image() -> Picture {
    Picture(width: pixelWidth, height: pixelHeight) { ccairo_pixels(handle, $0.baseAddress) }
  }

  /// Ends the page.
  func document(_ metadata: FigureMetadata) -> [UInt8] {
    let keywords = metadata.entries.map { "\($0.name): \($0.value)" }.joined(separator: "; ")
    ccairo_pdf_metadata(handle, metadata.title, metadata.description, keywords, metadata.creator)
    var count = 0
    guard let bytes = ccairo_pdf_bytes(handle, &count) else { preconditionFailure("no memory for a page") }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  func width(of text: String, _ style: PlotText) -> Double {
    ccairo_text_width(handle, text, style.size, style.face)
  }

  func line(_ points: [PlotPoint], _ color: PlotColor, width: Double, dash: Double) {
    ccairo_polyline(handle, Self.flat(points), points.count, width, dash, Self.color(color))
  }

  func polygon(_ points: [PlotPoint], _ color: PlotColor) {
    ccairo_polygon(handle, Self.flat(points), points.count, Self.color(color))
  }

  func disc(_ middle: PlotPoint, radius: Double, _ color: PlotColor) {
    ccairo_circle(handle, middle.x, middle.y, radius, Self.color(color))
  }

  func fill(_ box: PlotBox, _ color: PlotColor) {
    ccairo_rectangle(handle, box.x, box.y, box.width, box.height, Self.color(color))
  }

  func text(_ text: String, at point: PlotPoint, _ style: PlotText, alignX: Double, alignY: Double, degrees: Double) {
    ccairo_text(
      handle, text, point.x, point.y, style.size, style.face, alignX, alignY, degrees, Self.color(style.color))
  }

  func picture(_ image: Picture, in box: PlotBox, isSmooth: Bool) {
    ccairo_picture(
      handle, image.pixels, Int32(image.width), Int32(image.height), box.x, box.y, box.width, box.height, isSmooth)
  }

  func clip(to box: PlotBox) { ccairo_clip(handle, box.x, box.y, box.width, box.height) }

  func unclip() { ccairo_unclip(handle) }

  private static func flat(_ points: [PlotPoint]) -> [Double] { points.flatMap { [$0.x, $0.y] } }

  private static func color(_ color: PlotColor) -> ccairo_color {
    func channel(_ shift: UInt32) -> Double { Double(color.hex >> shift & 0xFF) / 255 }
    return ccairo_color(red: channel(16), green: channel(8), blue: channel(0), alpha: color.opacity)
  }
}

extension PlotText {
  fileprivate var face: UInt32 {
    UInt32((isBold ? CCAIRO_BOLD : 0) | (isMonospaced ? CCAIRO_MONOSPACED : 0))
  }
}

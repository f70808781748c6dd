import CCairo
import Foundation
import ImageLoading
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

/// The elements of an SVG 1.1. Text stays text, which cairo's own SVG makes outlines of.
final class SVGSurface: PlotSurface {
  let overlap = 0.3
  private let width: Double
  private let height: Double
  private var body = ""
  private var clips = 0
  /// For lengths of text.
  private let ruler = CairoSurface(width: 1, height: 1, .pixels(scale: 1))

  private let family: String

  init(width: Double, height: Double, isMonospaced: Bool = false) {
    family =
      isMonospaced ? "'DejaVu Sans Mono', Menlo, Consolas, monospace" : "'DejaVu Sans', Verdana, Arial, sans-serif"
    self.width = width
    self.height = height
  }

  /// The whole document.
  func document(_ metadata: FigureMetadata) -> String {
    let size = "width=\"\(Self.number(width))pt\" height=\"\(Self.number(height))pt\""
    let view = "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" \(size) \(view)>
      <title>\(Self.escaped(metadata.title))</title>
      <desc>\(Self.escaped(metadata.description))</desc>
      \(Self.dublinCore(metadata))
      <rect width="100%" height="100%" fill="#FFFFFF"/>
      <g font-family="\(family)" stroke-linejoin="round">
      \(body)</g>
      </svg>

      """
  }

  /// Title, program and sources as RDF, which SVG editors show.
  private static func dublinCore(_ metadata: FigureMetadata) -> String {
    let sources = metadata.entries.map { "<dc:source>\(escaped("\($0.name): \($0.value)"))</dc:source>" }
    return """
      <metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" \
      xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description rdf:about="">
      <dc:title>\(escaped(metadata.title))</dc:title>
      <dc:creator>\(escaped(metadata.creator))</dc:creator>
      \(sources.joined(separator: "\n"))
      </rdf:Description></rdf:RDF></metadata>
      """
  }

  func line(_ points: [PlotPoint], _ color: PlotColor, width: Double, dash: Double) {
    let dashes = dash > 0 ? " stroke-dasharray=\"\(Self.number(dash))\"" : ""
    body +=
      "<polyline points=\"\(Self.list(points))\" fill=\"none\" stroke-width=\"\(Self.number(width))\"\(dashes)"
      + "\(Self.paint("stroke", color))/>\n"
  }

  func polygon(_ points: [PlotPoint], _ color: PlotColor) {
    body += "<polygon points=\"\(Self.list(points))\"\(Self.paint("fill", color))/>\n"
  }

  func disc(_ middle: PlotPoint, radius: Double, _ color: PlotColor) {
    let place = "cx=\"\(Self.number(middle.x))\" cy=\"\(Self.number(middle.y))\" r=\"\(Self.number(radius))\""
    body += "<circle \(place)\(Self.paint("fill", color))/>\n"
  }

  func fill(_ box: PlotBox, _ color: PlotColor) {
    body += "<rect \(Self.place(box)) shape-rendering=\"crispEdges\"\(Self.paint("fill", color))/>\n"
  }

  func text(_ text: String, at point: PlotPoint, _ style: PlotText, alignX: Double, alignY: Double, degrees: Double) {
    guard !text.isEmpty else { return }
    let anchors = [0: "", 0.5: " text-anchor=\"middle\"", 1: " text-anchor=\"end\""]
    let anchor = anchors[alignX]
    let left = anchor == nil ? -alignX * ruler.width(of: text, style) : 0
    let baseline = (1 - alignY) * PlotText.capitalHeight * style.size
    let place =
      degrees == 0
      ? "x=\"\(Self.number(point.x + left))\" y=\"\(Self.number(point.y + baseline))\""
      : "x=\"\(Self.number(left))\" y=\"\(Self.number(baseline))\" "
        + "transform=\"translate(\(Self.number(point.x)) \(Self.number(point.y))) rotate(\(Self.number(degrees)))\""
    let weight = style.isBold ? " font-weight=\"bold\"" : ""
    body +=
      "<text \(place)\(anchor ?? "") font-size=\"\(Self.number(style.size))\"\(weight)"
      + "\(Self.paint("fill", style.color))>\(Self.escaped(text))</text>\n"
  }

  func picture(_ image: Picture, in box: PlotBox, isSmooth: Bool) {
    let data = Data(PNGWriter.encoded(image)).base64EncodedString()
    let blocks = isSmooth ? "" : " style=\"image-rendering:optimizeSpeed;image-rendering:pixelated\""
    body +=
      "<image \(Self.place(box)) preserveAspectRatio=\"none\"\(blocks) xlink:href=\"data:image/png;base64,\(data)\"/>\n"
  }

  func clip(to box: PlotBox) {
    clips += 1
    body +=
      "<clipPath id=\"clip\(clips)\"><rect \(Self.place(box))/></clipPath>\n<g clip-path=\"url(#clip\(clips))\">\n"
  }

  func unclip() { body += "</g>\n" }

  private static func place(_ box: PlotBox) -> String {
    "x=\"\(number(box.x))\" y=\"\(number(box.y))\" width=\"\(number(box.width))\" height=\"\(number(box.height))\""
  }

  private static func list(_ points: [PlotPoint]) -> String {
    points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
  }

  private static func paint(_ attribute: String, _ color: PlotColor) -> String {
    let opacity = color.opacity < 1 ? " \(attribute)-opacity=\"\(number(color.opacity))\"" : ""
    return " \(attribute)=\"#\(String(format: "%06X", color.hex))\"\(opacity)"
  }

  /// A thousandth of a point is finer than any press; without trailing zeros.
  private static func number(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
  }

  /// Text as XML 1.0 may hold it.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\u{0}"..<"\u{9}", "\u{B}", "\u{C}", "\u{E}"..<" ", "\u{FFFE}", "\u{FFFF}": result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

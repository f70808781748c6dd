package import ColorMaps
import Foundation
import Plots
import Tensor
package import TerminalUI

/// What a screen can be written as.
package enum ScreenFile: String, Sendable, CaseIterable {
  case svg, png, pdf, ans, txt

  /// The format that a path's suffix names.
  ///
  /// - Throws: `PanelExportError.unknownScreen`.
  package init(path: String) throws(PanelExportError) {
    guard let format = Self(rawValue: URL(fileURLWithPath: path).pathExtension.lowercased()) else {
      throw .unknownScreen(path: path)
    }
    self = format
  }

  /// The file's contents: a drawing has its text as text and its pictures as pixels.
  ///
  /// - Parameters:
  ///   - depth: the colours of an `.ans`.
  ///   - isLight: whether the terminal's own background is light.
  package func bytes(of frame: Frame, depth: ColorDepth = .trueColor, isLight: Bool = false, title: String = "")
    -> [UInt8]
  {
    switch self {
    case .txt: Array((frame.text + "\n").utf8)
    case .ans: Array(frame.ansi(depth).utf8)
    case .svg: drawing(frame, isLight, title).bytes(.svg, scale: 1)
    case .png: drawing(frame, isLight, title).bytes(.png, scale: 1)
    case .pdf: drawing(frame, isLight, title).bytes(.pdf, scale: 1)
    }
  }

  private func drawing(_ frame: Frame, _ isLight: Bool, _ title: String) -> Sheet {
    let drawing = ScreenDrawing(frame, isLight: isLight)
    return Sheet(
      width: Double(frame.size.width) * ScreenDrawing.cellWidth,
      height: Double(frame.size.height) * ScreenDrawing.cellHeight,
      title: title, creator: "vocoscope", isMonospaced: true, draw: drawing.draw)
  }
}

/// A frame's cells as a drawing: backgrounds and blocks as boxes, lines as lines, dots as dots, the rest as text.
private struct ScreenDrawing {
  static let cellWidth = 8.0
  static let cellHeight = 16.0
  /// DejaVu Sans Mono is 0.602 of its size wide.
  private static let fontSize = cellWidth / 0.602

  private let frame: Frame
  private let ink: PlotColor
  private let ground: PlotColor

  init(_ frame: Frame, isLight: Bool) {
    self.frame = frame
    (ink, ground) =
      isLight
      ? (PlotColor(hex: 0x202020), PlotColor(hex: 0xFFFFFF)) : (PlotColor(hex: 0xD6D6D6), PlotColor(hex: 0x14171A))
  }

  func draw(_ canvas: PlotCanvas) {
    let (width, height) = (frame.size.width, frame.size.height)
    let box = PlotBox(x: 0, y: 0, width: Double(width) * Self.cellWidth, height: Double(height) * Self.cellHeight)
    canvas.cells(grounds, in: box)
    for region in frame.pictures {
      canvas.picture(
        Picture(width: region.width, height: region.height, pixels: region.pixels), in: place(region.rect),
        isSmooth: true)
    }
    for y in 0..<height {
      var x = 0
      while x < width { x += draw(x, y, canvas) }
    }
  }

  /// Draws what begins at a cell; returns how many cells that took.
  private func draw(_ x: Int, _ y: Int, _ canvas: PlotCanvas) -> Int {
    let cell = frame[x, y]
    let colors = colors(of: cell.style)
    if Self.halves(cell.character) != nil || Self.shades[cell.character] != nil
      || cell.character == Cell.continuation.character
      || cell.character == Cell.picture.character
    {
      return 1
    }
    if let part = Self.eighths(cell.character) {
      let place = place(Rect(x: x, y: y, width: 1, height: 1))
      canvas.fill(
        PlotBox(
          x: place.x, y: place.maxY - place.height * part.height, width: place.width * part.width,
          height: place.height * part.height), colors.front)
      return 1
    }
    if let dots = Self.dots(cell.character) {
      draw(dots, in: place(Rect(x: x, y: y, width: 1, height: 1)), colors.front, canvas)
      return 1
    }
    if let arms = Self.arms[cell.character] { return line(x, y, arms, colors.front, canvas) }
    var end = x + 1
    var word = String(cell.character)
    while end < frame.size.width, frame[end, y].style == cell.style, Self.isText(frame[end, y].character) {
      word.append(frame[end, y].character)
      end += 1
    }
    let baseline = (Double(y) + 0.76) * Self.cellHeight
    let style = PlotText(
      size: Self.fontSize, isBold: cell.style.attributes.contains(.bold), isMonospaced: true, color: colors.front)
    canvas.text(word, at: PlotPoint(Double(x) * Self.cellWidth, baseline), style, alignY: 1)
    if cell.style.attributes.contains(.underline) {
      let y = baseline + 2
      canvas.line(
        [PlotPoint(Double(x) * Self.cellWidth, y), PlotPoint(Double(end) * Self.cellWidth, y)], colors.front)
    }
    return end - x
  }

  /// The dots of a Braille pattern, which the font has none of: bit n of the code is the dot at `dotPlaces[n]`.
  private func draw(_ dots: UInt32, in cell: PlotBox, _ color: PlotColor, _ canvas: PlotCanvas) {
    for (bit, dot) in Self.dotPlaces.enumerated() where dots >> UInt32(bit) & 1 == 1 {
      let corner = PlotPoint(cell.x + cell.width * dot.column / 2 + 1, cell.y + cell.height * dot.row / 4 + 1)
      canvas.fill(PlotBox(x: corner.x, y: corner.y, width: 2, height: 2), color)
    }
  }

  private static let dotPlaces: [(column: Double, row: Double)] = [
    (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3),
  ]

  private static func dots(_ character: Character) -> UInt32? {
    guard let scalar = character.unicodeScalars.first, (0x2800...0x28FF).contains(scalar.value) else { return nil }
    return scalar.value - 0x2800
  }

  /// A line's character, joined with those of its row that go on in the same colour.
  private func line(_ x: Int, _ y: Int, _ arms: Arms, _ color: PlotColor, _ canvas: PlotCanvas) -> Int {
    let middle = PlotPoint((Double(x) + 0.5) * Self.cellWidth, (Double(y) + 0.5) * Self.cellHeight)
    let (top, bottom) = (Double(y) * Self.cellHeight, Double(y + 1) * Self.cellHeight)
    if arms.contains(.up) || arms.contains(.down) {
      canvas.line(
        [
          PlotPoint(middle.x, arms.contains(.up) ? top : middle.y),
          PlotPoint(middle.x, arms.contains(.down) ? bottom : middle.y),
        ], color)
    }
    if arms.contains(.left) && !arms.contains(.right) {
      canvas.line([PlotPoint(Double(x) * Self.cellWidth, middle.y), middle], color)
    }
    guard arms.contains(.right) else { return 1 }
    var end = x + 1
    while arms == [.left, .right], end < frame.size.width, frame[end, y] == frame[x, y] { end += 1 }
    canvas.line(
      [
        PlotPoint(arms.contains(.left) ? Double(x) * Self.cellWidth : middle.x, middle.y),
        PlotPoint(Double(end) * Self.cellWidth, middle.y),
      ], color)
    return end - x
  }

  /// The upper and the lower half of every cell: its background, or half blocks. As boxes, since some viewers blur the
  /// pixels of a picture.
  private var grounds: [[PlotColor?]] {
    (0..<2 * frame.size.height).map { row in
      (0..<frame.size.width).map { x in
        let cell = frame[x, row / 2]
        let shown = colors(of: cell.style)
        if let part = Self.shades[cell.character] { return Self.mixed(shown.front, shown.back, twentieths: part) }
        let filled = Self.halves(cell.character) ?? (upper: false, lower: false)
        return (row % 2 == 0 ? filled.upper : filled.lower) ? shown.front : shown.back
      }
    }
  }

  private func place(_ rect: Rect) -> PlotBox {
    PlotBox(
      x: Double(rect.x) * Self.cellWidth, y: Double(rect.y) * Self.cellHeight,
      width: Double(rect.width) * Self.cellWidth, height: Double(rect.height) * Self.cellHeight)
  }

  private func colors(of style: Style) -> (front: PlotColor, back: PlotColor) {
    func plot(_ color: Color, _ own: PlotColor) -> PlotColor { color == .terminal ? own : PlotColor(color) }
    var colors = (front: plot(style.foreground, ink), back: plot(style.background, ground))
    if style.attributes.contains(.reverse) { colors = (colors.back, colors.front) }
    if style.attributes.contains(.dim) { colors.front = Self.mixed(colors.front, colors.back, twentieths: 12) }
    return colors
  }

  private static func mixed(_ first: PlotColor, _ second: PlotColor, twentieths: UInt32) -> PlotColor {
    PlotColor(
      hex: [UInt32(16), 8, 0].reduce(UInt32(0)) { hex, shift in
        hex << 8 | (twentieths * (first.hex >> shift & 0xFF) + (20 - twentieths) * (second.hex >> shift & 0xFF)) / 20
      })
  }

  /// Twentieths of its cell that a character covers evenly.
  private static let shades: [Character: UInt32] = ["░": 5, "▒": 10, "▓": 15]

  private static func isText(_ character: Character) -> Bool {
    character != " " && character != Cell.continuation.character && character != Cell.picture.character
      && halves(character) == nil && shades[character] == nil && eighths(character) == nil && dots(character) == nil
      && arms[character] == nil
  }

  /// Which halves of its cell a character fills.
  private static func halves(_ character: Character) -> (upper: Bool, lower: Bool)? {
    switch character {
    case " ": (false, false)
    case "▀": (true, false)
    case "▄": (false, true)
    case "█": (true, true)
    default: nil
    }
  }

  /// The part of its cell that a block fills from the lower left corner.
  private static func eighths(_ character: Character) -> (width: Double, height: Double)? {
    if let index = Array("▁▂▃▄▅▆▇").firstIndex(of: character) { return (1, Double(index + 1) / 8) }
    if let index = Array("▏▎▍▌▋▊▉").firstIndex(of: character) { return (Double(index + 1) / 8, 1) }
    return nil
  }

  private struct Arms: OptionSet {
    let rawValue: Int
    static let up = Arms(rawValue: 1)
    static let down = Arms(rawValue: 2)
    static let left = Arms(rawValue: 4)
    static let right = Arms(rawValue: 8)
  }

  private static let arms: [Character: Arms] = [
    "─": [.left, .right], "│": [.up, .down], "┌": [.down, .right], "┐": [.down, .left], "└": [.up, .right],
    "┘": [.up, .left], "├": [.up, .down, .right], "┤": [.up, .down, .left], "┬": [.down, .left, .right],
    "┴": [.up, .left, .right], "┼": [.up, .down, .left, .right], "╭": [.down, .right], "╮": [.down, .left],
    "╰": [.up, .right], "╯": [.up, .left],
  ]
}

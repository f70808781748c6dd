package import ColorMaps
import Synchronization

/// Draws a picture with characters; a value, so that the backend chooses how and panels need not know.
package struct PictureRenderer: Sendable {
  package let name: String
  /// Whether pictures are regions of the frame that the terminal draws in pixels.
  package let leavesPixelsToTerminal: Bool
  /// Height of a character cell over its width: what keeps a picture's shape. 2 for characters, whose halves stand for
  /// squares; the terminal's own for pixels.
  package let cellAspect: Double

  /// Cells, row-major and exactly `cells.width * cells.height`, of RGB pixels `[height, width, 3]` stretched over them.
  package let render: @Sendable (_ rgb: [UInt8], _ width: Int, _ height: Int, _ cells: Size) -> [Cell]

  package init(
    name: String, render: @escaping @Sendable (_ rgb: [UInt8], _ width: Int, _ height: Int, _ cells: Size) -> [Cell]
  ) {
    self.name = name
    self.render = render
    (leavesPixelsToTerminal, cellAspect) = (false, 2)
  }

  private init(_ graphics: PixelGraphics, cellAspect: Double, orElse characters: PictureRenderer) {
    name = graphics.rawValue
    render = characters.render
    leavesPixelsToTerminal = true
    // A font of another shape than this is a terminal's mistake about its pixels.
    self.cellAspect = (1...4).contains(cellAspect) ? cellAspect : 2
  }

  /// Pictures in the terminal's own pixels, by `Frame.drawPicture`; whoever asks for cells gets characters.
  ///
  /// - Parameter cell: pixels of a character cell; `nil` where the terminal does not tell.
  package static func pixels(
    _ graphics: PixelGraphics, cell: (width: Int, height: Int)? = nil, orElse characters: PictureRenderer
  ) -> PictureRenderer {
    let aspect = cell.flatMap { $0.width > 0 ? Double($0.height) / Double($0.width) : nil } ?? 2
    return PictureRenderer(graphics, cellAspect: aspect, orElse: characters)
  }

  /// Two pixels a character, each the mean of the picture's area that it covers.
  package static let halfBlocks = PictureRenderer(name: "half blocks") { rgb, width, height, cells in
    guard cells.width > 0 && cells.height > 0 else { return [] }
    let pixels = boxFiltered(rgb, width: width, height: height, toWidth: cells.width, toHeight: cells.height * 2)
    return (0..<cells.width * cells.height).map { index in
      let upper = index / cells.width * 2 * cells.width + index % cells.width
      return halfBlockCell(upper: color(pixels, upper), lower: color(pixels, upper + cells.width), .unicode)
    }
  }

  /// One pixel a character: of sixteen colours mixed, or a ramp of characters for lightness, drawn in the theme's text style.
  package static func ramp(_ look: Appearance) -> PictureRenderer {
    PictureRenderer(name: look.mapsHaveColor ? "shades" : "character ramp") { rgb, width, height, cells in
      guard cells.width > 0 && cells.height > 0 else { return [] }
      let pixels = boxFiltered(rgb, width: width, height: height, toWidth: cells.width, toHeight: cells.height)
      return (0..<cells.width * cells.height).map { index in
        look.mapsHaveColor
          ? look.cell(of: color(pixels, index))
          : Cell(look.glyphs.rampCharacter(lightness(color(pixels, index))), look.theme.text)
      }
    }
  }

  /// What a terminal of this look can show best with characters alone.
  package static func best(for look: Appearance) -> PictureRenderer {
    look.drawsHalfBlocks ? .halfBlocks : ramp(look)
  }

  /// The largest size in cells that keeps a picture's shape.
  package func size(ofWidth width: Int, height: Int, in room: Size) -> Size {
    guard width > 0 && height > 0 && room.width > 0 && room.height > 0 else { return Size(width: 0, height: 0) }
    let scale = min(Double(room.width) / Double(width), Double(room.height) * cellAspect / Double(height))
    return Size(
      width: min(room.width, max(1, Int((Double(width) * scale).rounded()))),
      height: min(room.height, max(1, Int((Double(height) * scale / cellAspect).rounded()))))
  }
}

private func color(_ pixels: [UInt8], _ index: Int) -> Color {
  .rgb(pixels[3 * index], pixels[3 * index + 1], pixels[3 * index + 2])
}

extension PictureRenderer {
  /// The same renderer, which remembers its latest pictures: moving the cursor draws no picture anew.
  ///
  /// A picture is recognised by all its pixels, so what is drawn is the same with and without.
  package func remembering(_ limit: Int = 4) -> PictureRenderer {
    let memory = Memory(limit: limit)
    return PictureRenderer(name: name) { rgb, width, height, cells in
      let request = Memory.Request(rgb: rgb, width: width, height: height, cells: cells)
      if let known = memory[request] { return known }
      let drawn = render(rgb, width, height, cells)
      memory.add(request, drawn)
      return drawn
    }
  }

  private final class Memory: Sendable {
    struct Request: Sendable, Equatable {
      // Compared first to last: what differs most often and costs least comes first.
      let cells: Size
      let width: Int
      let height: Int
      let rgb: [UInt8]

      init(rgb: [UInt8], width: Int, height: Int, cells: Size) {
        self.cells = cells
        self.width = width
        self.height = height
        self.rgb = rgb
      }
    }

    private let limit: Int
    private let entries = Mutex<[(request: Request, cells: [Cell])]>([])

    init(limit: Int) {
      precondition(limit > 0)
      self.limit = limit
    }

    /// The latest comes first: the same array again is then known without a look at its pixels.
    subscript(request: Request) -> [Cell]? {
      entries.withLock { entries in
        guard let found = entries.firstIndex(where: { $0.request == request }) else { return nil }
        if found > 0 { entries.insert(entries.remove(at: found), at: 0) }
        return entries[0].cells
      }
    }

    func add(_ request: Request, _ cells: [Cell]) {
      entries.withLock { entries in
        entries.insert((request, cells), at: 0)
        if entries.count > limit { entries.removeLast() }
      }
    }
  }
}

/// How a terminal shows pictures in real pixels, if it does.
package enum PixelGraphics: String, Sendable, Hashable, CaseIterable {
  /// kitty's graphics protocol.
  case kitty
  case sixel

  /// What a person asked for: `auto` asks the terminal, `symbols` are characters alone.
  package enum Request: String, Sendable, Hashable, CaseIterable {
    case auto
    case kitty
    case sixel
    case symbols
  }
}

/// A picture that a terminal with pixels draws over cells of a frame.
///
/// It shows wherever the frame still holds `Cell.picture`: what is drawn later (a mark, a dialog) covers it as it covers
/// text.
package struct PictureRegion: Sendable, Equatable {
  /// The cells over which the picture is stretched.
  package let rect: Rect
  /// `[height, width, 3]`.
  package let pixels: [UInt8]
  package let width: Int
  package let height: Int

  package init(rect: Rect, pixels: [UInt8], width: Int, height: Int) {
    precondition(pixels.count == width * height * 3 && width > 0 && height > 0, "RGB pixels fill the picture")
    (self.rect, self.pixels, self.width, self.height) = (rect, pixels, width, height)
  }

  /// Whether both show the same pixels, stretched over as many cells.
  package func hasSameContent(as other: PictureRegion) -> Bool {
    rect.size == other.rect.size && width == other.width && height == other.height && pixels == other.pixels
  }
}

extension Frame {
  /// Shows a picture `[height, width, 3]` stretched over `rect`: in pixels where the renderer leaves it to the terminal,
  /// else in characters. This is how panels draw pictures.
  package mutating func drawPicture(
    _ pixels: [UInt8], width: Int, height: Int, in rect: Rect, with renderer: PictureRenderer,
    clippedTo clip: Rect? = nil
  ) {
    guard !rect.isEmpty && width > 0 && height > 0 else { return }
    guard renderer.leavesPixelsToTerminal else {
      let cells = renderer.render(pixels, width, height, rect.size)
      return blit(cells, size: rect.size, at: Point(x: rect.x, y: rect.y), clippedTo: clip ?? rect)
    }
    // The ground stays, for terminals that draw the cells before the pixels.
    let shown = rect.intersection(clip ?? rect).intersection(bounds)
    for y in shown.y..<shown.maxY {
      for x in shown.x..<shown.maxX {
        put(Cell.picture.character, self[x, y].style, x: x, y: y, clip: shown)
      }
    }
    pictures.append(PictureRegion(rect: rect, pixels: pixels, width: width, height: height))
  }

  /// The cells in which a region of this frame shows, as rectangles that do not overlap, row by row.
  package func visibleRects(of index: Int) -> [Rect] {
    let region = pictures[index]
    let covering = pictures[(index + 1)...]
    return rectangles(in: region.rect.intersection(bounds)) { point in
      self[point.x, point.y].character == Cell.picture.character && !covering.contains { $0.rect.contains(point) }
    }
  }
}

/// The cells of `area` that `holds` is true of, as rectangles: runs of a row, joined with equal runs of the rows above.
package func rectangles(in area: Rect, where holds: (Point) -> Bool) -> [Rect] {
  var done: [Rect] = []
  var open: [Rect] = []
  for y in area.y..<area.maxY {
    var runs: [Rect] = []
    var x = area.x
    while x < area.maxX {
      let start = x
      while x < area.maxX && holds(Point(x: x, y: y)) { x += 1 }
      if x > start { runs.append(Rect(x: start, y: y, width: x - start, height: 1)) } else { x += 1 }
    }
    var next: [Rect] = []
    for run in runs {
      if let above = open.firstIndex(where: { $0.x == run.x && $0.width == run.width }) {
        next.append(Rect(x: run.x, y: open[above].y, width: run.width, height: open[above].height + 1))
        open.remove(at: above)
      } else {
        next.append(run)
      }
    }
    done += open
    open = next
  }
  return done + open
}

/// RGB pixels `[toHeight, toWidth, 3]`: each the mean of the source area it covers, parts of pixels by their share.
///
/// - Parameter rgb: `[height, width, 3]`.
package func boxFiltered(_ rgb: [UInt8], width: Int, height: Int, toWidth: Int, toHeight: Int) -> [UInt8] {
  precondition(width > 0 && height > 0 && toWidth > 0 && toHeight > 0, "a picture has pixels")
  precondition(rgb.count == width * height * 3, "RGB pixels fill the picture")
  if width == toWidth && height == toHeight { return rgb }
  let columns = BoxWeights(from: width, to: toWidth)
  let rows = BoxWeights(from: height, to: toHeight)
  let stride = width * 3
  return withUnsafeTemporaryAllocation(of: Float.self, capacity: stride) { line in
    [UInt8](unsafeUninitializedCapacity: toWidth * toHeight * 3) { result, count in
      rgb.withUnsafeBufferPointer { source in
        for y in 0..<toHeight {
          rows.sumRows(of: source, stride: stride, target: y, into: line)
          columns.sumColumns(of: line, into: UnsafeMutableBufferPointer(rebasing: result[(y * toWidth * 3)...]))
        }
      }
      count = toWidth * toHeight * 3
    }
  }
}

/// For each target pixel the source pixels it covers and their shares, which add up to 1.
private struct BoxWeights {
  private var firsts: [Int] = []
  /// Where each target's shares start; one more than there are targets.
  private var starts = [0]
  private var weights: [Float] = []

  init(from: Int, to: Int) {
    let step = Double(from) / Double(to)
    for target in 0..<to {
      let start = Double(target) * step
      let end = start + step
      let first = min(Int(start), from - 1)
      let last = min(max(first, Int(end.rounded(.up)) - 1), from - 1)
      firsts.append(first)
      for source in first...last {
        weights.append(Float((min(end, Double(source + 1)) - max(start, Double(source))) / step))
      }
      starts.append(weights.count)
    }
  }

  func sumRows(
    of source: UnsafeBufferPointer<UInt8>, stride: Int, target: Int, into line: UnsafeMutableBufferPointer<Float>
  ) {
    line.initialize(repeating: 0)
    for (offset, weight) in weights[starts[target]..<starts[target + 1]].enumerated() {
      let row = (firsts[target] + offset) * stride
      for index in 0..<stride { line[index] += weight * Float(source[row + index]) }
    }
  }

  /// Rounds to the nearest; shares of bytes add up to a byte, give or take the last bit.
  func sumColumns(of line: UnsafeMutableBufferPointer<Float>, into result: UnsafeMutableBufferPointer<UInt8>) {
    weights.withUnsafeBufferPointer { weights in
      for target in firsts.indices {
        var (r, g, b) = (Float(0.5), Float(0.5), Float(0.5))
        var at = firsts[target] * 3
        for index in starts[target]..<starts[target + 1] {
          let weight = weights[index]
          r += weight * line[at]
          g += weight * line[at + 1]
          b += weight * line[at + 2]
          at += 3
        }
        result[target * 3] = UInt8(min(r, 255))
        result[target * 3 + 1] = UInt8(min(g, 255))
        result[target * 3 + 2] = UInt8(min(b, 255))
      }
    }
  }
}

/// A picture with a map laid over it: pixel = picture · (1 − opacity) + map colour · opacity, by grid cell.
///
/// - Parameters:
///   - rgb: `[height, width, 3]`.
///   - colors: row-major `[rows, columns]`; a cell that is `nil` or the terminal's own colour leaves the picture.
///   - opacity: 0…1.
package func overlaid(
  _ rgb: [UInt8], width: Int, height: Int, colors: [Color?], columns: Int, rows: Int, opacity: Double
) -> [UInt8] {
  precondition(rgb.count == width * height * 3 && colors.count == columns * rows, "pixels and grid fill their sizes")
  var result = rgb
  for y in 0..<height {
    let row = y * rows / height
    for x in 0..<width {
      guard case .rgb(let r, let g, let b)? = colors[row * columns + x * columns / width] else { continue }
      let at = (y * width + x) * 3
      result[at] = blend(result[at], r, opacity)
      result[at + 1] = blend(result[at + 1], g, opacity)
      result[at + 2] = blend(result[at + 2], b, opacity)
    }
  }
  return result
}

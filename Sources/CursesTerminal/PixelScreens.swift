import Foundation
package import TerminalUI

/// Keeps the pixels on a terminal's screen in step with the pictures of its frames: what to send after the cells of a
/// frame so that every picture shows where, and only where, the frame says.
package struct PicturePainter {
  /// Six-row bands of coloured pixels for RGB pixels `[height, width, 3]` (DEC's sixel).
  package typealias SixelEncoder = (_ pixels: [UInt8], _ width: Int, _ height: Int) -> [UInt8]

  private var screen: any PixelScreen

  /// - Parameters:
  ///   - cell: pixels of a character cell.
  ///   - encodeSixel: used where `graphics` is sixel.
  package init(_ graphics: PixelGraphics, cell: (width: Int, height: Int), encodeSixel: @escaping SixelEncoder) {
    switch graphics {
    case .kitty: screen = KittyScreen(cell: cell)
    case .sixel: screen = SixelScreen(cell: cell, encode: encodeSixel)
    }
  }

  /// What to send once the cells of `frame` are on the screen.
  ///
  /// - Parameters:
  ///   - written: the runs of cells that were sent for it.
  ///   - size: what the screen holds; its last row stays free of pixels, since a picture that touches it scrolls the
  ///     screen.
  package mutating func update(to frame: Frame, written: [FrameRun], size: Size) -> [UInt8] {
    let room = Rect(x: 0, y: 0, width: size.width, height: size.height - 1)
    let shown = frame.pictures.indices.map { index in
      (frame.pictures[index], frame.visibleRects(of: index).map { $0.intersection(room) }.filter { !$0.isEmpty })
    }
    let bytes = screen.update(to: shown.map { ShownPicture(region: $0, rects: $1) }, written: written)
    // The cursor is where ncurses left it, whatever was drawn.
    return bytes.isEmpty ? [] : Array("\u{1B}7".utf8) + bytes + Array("\u{1B}8".utf8)
  }

  /// The whole screen is about to be drawn anew; what to send first.
  package mutating func forget() -> [UInt8] { screen.forget() }

  /// Takes every pixel off the screen.
  package static let farewell = "\u{1B}_Ga=d,d=A,q=2\u{1B}\\"
}

/// A picture and the cells it shows in.
struct ShownPicture {
  let region: PictureRegion
  let rects: [Rect]
}

/// What a terminal's screen shows in pixels, and how it is changed.
protocol PixelScreen {
  mutating func update(to pictures: [ShownPicture], written: [FrameRun]) -> [UInt8]
  mutating func forget() -> [UInt8]
}

/// Moves the cursor to a cell.
func moveCursor(x: Int, y: Int) -> [UInt8] { Array("\u{1B}[\(y + 1);\(x + 1)H".utf8) }

/// Pictures by kitty's graphics protocol: sent once, then placed, cut and taken away by number.
///
/// Source: "Terminal graphics protocol", sw.kovidgoyal.net/kitty/graphics-protocol.
struct KittyScreen: PixelScreen {
  private struct Image {
    let id: Int
    let region: PictureRegion
    /// Pixels of one cell in what was sent.
    let unit: (width: Int, height: Int)
  }

  private struct Placement: Equatable {
    let id: Int
    let rect: Rect
    let origin: Point
  }

  /// Pictures that stay with the terminal after they are gone from the screen: turning an overlay off sends none anew.
  private static let kept = 6

  private let cell: (width: Int, height: Int)
  /// The latest last.
  private var images: [Image] = []
  private var placed: [Placement] = []
  private var lastID = 0

  init(cell: (width: Int, height: Int)) { self.cell = cell }

  mutating func update(to pictures: [ShownPicture], written: [FrameRun]) -> [UInt8] {
    var bytes: [UInt8] = []
    let wanted = pictures.flatMap { picture -> [Placement] in
      guard !picture.rects.isEmpty else { return [] }
      let image = image(picture.region, &bytes)
      let origin = Point(x: picture.region.rect.x, y: picture.region.rect.y)
      return picture.rects.map { Placement(id: image.id, rect: $0, origin: origin) }
    }
    if wanted != placed {
      // A picture's placements go together: they have no numbers of their own.
      let changed = Set((wanted + placed).map(\.id)).filter { id in
        wanted.filter { $0.id == id } != placed.filter { $0.id == id }
      }
      for id in changed.sorted() where placed.contains(where: { $0.id == id }) { bytes += command("a=d,d=i,i=\(id)") }
      for placement in wanted where changed.contains(placement.id) { bytes += place(placement) }
      placed = wanted
    }
    bytes += dropOldest()
    return bytes
  }

  /// Clearing the screen makes kitty forget every picture that has no place on it, so that all are sent anew.
  mutating func forget() -> [UInt8] {
    defer { (images, placed) = ([], []) }
    return images.flatMap { command("a=d,d=I,i=\($0.id)") }
  }

  /// The picture's number, sent now if the terminal does not hold it.
  private mutating func image(_ region: PictureRegion, _ bytes: inout [UInt8]) -> Image {
    if let known = images.firstIndex(where: { $0.region.hasSameContent(as: region) }) {
      images.append(images.remove(at: known))
      return images[images.count - 1]
    }
    // As fine as the picture, at most as the screen, and whole pixels per cell, so that it can be cut between cells.
    let unit = (
      width: min(cell.width, max(1, (region.width + region.rect.width - 1) / region.rect.width)),
      height: min(cell.height, max(1, (region.height + region.rect.height - 1) / region.rect.height))
    )
    lastID += 1
    let image = Image(id: lastID, region: region, unit: unit)
    images.append(image)
    let (width, height) = (region.rect.width * unit.width, region.rect.height * unit.height)
    let pixels = boxFiltered(
      region.pixels, width: region.width, height: region.height, toWidth: width, toHeight: height)
    bytes += transmission(pixels, "a=t,t=d,f=24,i=\(image.id),s=\(width),v=\(height)")
    return image
  }

  private func place(_ placement: Placement) -> [UInt8] {
    guard let unit = images.first(where: { $0.id == placement.id })?.unit else { return [] }
    let rect = placement.rect
    let left = (rect.x - placement.origin.x) * unit.width
    let top = (rect.y - placement.origin.y) * unit.height
    let source = "x=\(left),y=\(top),w=\(rect.width * unit.width),h=\(rect.height * unit.height)"
    return moveCursor(x: rect.x, y: rect.y)
      + command("a=p,i=\(placement.id),\(source),c=\(rect.width),r=\(rect.height),C=1")
  }

  private mutating func dropOldest() -> [UInt8] {
    var bytes: [UInt8] = []
    while images.count > Self.kept, !placed.contains(where: { $0.id == images[0].id }) {
      bytes += command("a=d,d=I,i=\(images.removeFirst().id)")
    }
    return bytes
  }

  /// A command without payload; `q=2` asks for no answer.
  private func command(_ keys: String) -> [UInt8] { Array("\u{1B}_G\(keys),q=2\u{1B}\\".utf8) }

  /// Base 64 in chunks of 4,096 bytes, as the protocol asks.
  private func transmission(_ pixels: [UInt8], _ keys: String) -> [UInt8] {
    let payload = [UInt8](Data(pixels).base64EncodedData())
    var bytes: [UInt8] = []
    bytes.reserveCapacity(payload.count + payload.count / 256)
    for start in stride(from: 0, to: payload.count, by: 4096) {
      let end = min(start + 4096, payload.count)
      let more = end < payload.count ? 1 : 0
      bytes += Array("\u{1B}_G\(start == 0 ? keys + ",q=2," : "")m=\(more);".utf8)
      bytes += payload[start..<end]
      bytes += Array("\u{1B}\\".utf8)
    }
    return bytes
  }
}

/// Pictures in sixels: pixels that lie on the screen until text is written over them, so that only the cells whose pixels
/// are missing or others are drawn, as cells of text are.
struct SixelScreen: PixelScreen {
  private struct Cell: Equatable {
    /// Index into `contents`.
    let content: Int
    let origin: Point
  }

  private static let kept = 8
  /// In pixels.
  private static let largestPiece = (width: 640, height: 240)

  private let cell: (width: Int, height: Int)
  private let encode: PicturePainter.SixelEncoder
  /// Pictures that are on the screen.
  private var contents: [PictureRegion] = []
  /// The same pictures in the screen's pixels.
  private var scaled: [[UInt8]] = []
  private var shown: [Point: Cell] = [:]

  init(cell: (width: Int, height: Int), encode: @escaping PicturePainter.SixelEncoder) {
    (self.cell, self.encode) = (cell, encode)
  }

  mutating func update(to pictures: [ShownPicture], written: [FrameRun]) -> [UInt8] {
    eraseWritten(written)
    // Few pictures are looked at in turns; once in a while all are forgotten, and those in sight drawn again.
    if contents.count > Self.kept { (contents, scaled, shown) = ([], [], [:]) }
    var wanted: [Point: Cell] = [:]
    var bytes: [UInt8] = []
    for picture in pictures {
      let content = content(picture.region)
      let origin = Point(x: picture.region.rect.x, y: picture.region.rect.y)
      let mine = Cell(content: content, origin: origin)
      for rect in picture.rects {
        for y in rect.y..<rect.maxY { for x in rect.x..<rect.maxX { wanted[Point(x: x, y: y)] = mine } }
        let missing = rectangles(in: rect) { shown[$0] != mine }
        for part in missing.flatMap(pieces) { bytes += draw(part, of: content, origin: origin) }
      }
    }
    shown = wanted
    return bytes
  }

  mutating func forget() -> [UInt8] {
    shown = [:]
    return []
  }

  /// Text takes the pixels under it away; between the first and the last changed cell of a row ncurses may write any.
  private mutating func eraseWritten(_ runs: [FrameRun]) {
    var spans: [Int: Range<Int>] = [:]
    for run in runs {
      let span = run.x..<run.x + run.cells.count
      let old = spans[run.y] ?? span
      spans[run.y] = min(old.lowerBound, span.lowerBound)..<max(old.upperBound, span.upperBound)
    }
    for (y, span) in spans { for x in span { shown[Point(x: x, y: y)] = nil } }
  }

  private mutating func content(_ region: PictureRegion) -> Int {
    if let known = contents.firstIndex(where: { $0.hasSameContent(as: region) }) { return known }
    contents.append(region)
    scaled.append(
      boxFiltered(
        region.pixels, width: region.width, height: region.height, toWidth: region.rect.width * cell.width,
        toHeight: region.rect.height * cell.height))
    return contents.count - 1
  }

  /// A rectangle in parts that every terminal takes: a VT340's screen had 800×480 pixels, and xterm draws no more at once.
  private func pieces(_ rect: Rect) -> [Rect] {
    let width = max(1, Self.largestPiece.width / cell.width)
    let height = max(1, Self.largestPiece.height / cell.height)
    return stride(from: rect.y, to: rect.maxY, by: height).flatMap { y in
      stride(from: rect.x, to: rect.maxX, by: width).map { x in
        Rect(x: x, y: y, width: min(width, rect.maxX - x), height: min(height, rect.maxY - y))
      }
    }
  }

  private func draw(_ part: Rect, of content: Int, origin: Point) -> [UInt8] {
    let stride = contents[content].rect.width * cell.width * 3
    let left = (part.x - origin.x) * cell.width * 3
    let top = (part.y - origin.y) * cell.height
    let (width, height) = (part.width * cell.width, part.height * cell.height)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for row in top..<top + height {
      pixels += scaled[content][row * stride + left..<row * stride + left + width * 3]
    }
    return moveCursor(x: part.x, y: part.y) + encode(pixels, width, height)
  }
}

import TerminalUI

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

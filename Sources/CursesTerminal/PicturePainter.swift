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

import ColorMaps
import Synchronization
import TerminalUI
import Testing

@Suite("Pictures")
struct PictureTests {
  @Test("Scaling down takes the mean of the area, parts of pixels by their share")
  func boxFilter() {
    let row: [UInt8] = [0, 30, 60, 90, 120, 150].flatMap { [$0, $0, $0] }
    #expect(boxFiltered(row, width: 6, height: 1, toWidth: 3, toHeight: 1).everyThird == [15, 75, 135])
    #expect(boxFiltered(row, width: 6, height: 1, toWidth: 4, toHeight: 1).everyThird == [10, 50, 100, 140])
    #expect(boxFiltered(row, width: 6, height: 1, toWidth: 6, toHeight: 2).everyThird.count == 12)
    let scaledUp = boxFiltered([0, 0, 0, 200, 200, 200], width: 2, height: 1, toWidth: 4, toHeight: 1)
    #expect(scaledUp.everyThird == [0, 0, 200, 200])
  }

  @Test("Scaling keeps a flat picture exactly and never leaves the range of its pixels")
  func flat() {
    for (width, height, toWidth, toHeight) in [(7, 5, 3, 4), (336, 336, 24, 24), (5, 3, 11, 8), (1, 1, 9, 9)] {
      let flat = [UInt8](repeating: 217, count: width * height * 3)
      let scaled = boxFiltered(flat, width: width, height: height, toWidth: toWidth, toHeight: toHeight)
      #expect(scaled == [UInt8](repeating: 217, count: toWidth * toHeight * 3))
    }
  }

  @Test("A remembering renderer draws what it wraps draws, and draws it once")
  func remembers() {
    let drawings = Mutex(0)
    let counting = PictureRenderer(name: "counting") { rgb, width, height, cells in
      drawings.withLock { $0 += 1 }
      return PictureRenderer.halfBlocks.render(rgb, width, height, cells)
    }
    let renderer = counting.remembering(2)
    let (red, blue): ([UInt8], [UInt8]) = ([255, 0, 0], [0, 0, 255])
    for rgb in [red, blue, red, blue] {
      #expect(
        renderer.render(rgb, 1, 1, Size(width: 3, height: 2))
          == PictureRenderer.halfBlocks.render(rgb, 1, 1, Size(width: 3, height: 2)))
    }
    #expect(drawings.withLock { $0 } == 2)
    _ = renderer.render(red, 1, 1, Size(width: 2, height: 2))
    #expect(drawings.withLock { $0 } == 3)
    _ = renderer.render(red, 1, 1, Size(width: 3, height: 2))
    #expect(drawings.withLock { $0 } == 4, "only the two latest are kept")
  }

  @Test("Half blocks show two pixels a character exactly")
  func halfBlocks() {
    let pixels: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 0]
    let cells = PictureRenderer.halfBlocks.render(pixels, 2, 2, Size(width: 2, height: 1))
    #expect(
      cells == [
        Cell("▀", Style(.rgb(255, 0, 0), on: .rgb(0, 0, 255))), Cell(" ", Style(.rgb(0, 255, 0), on: .rgb(0, 255, 0))),
      ])
    #expect(PictureRenderer.halfBlocks.render(pixels, 2, 2, Size(width: 0, height: 4)) == [])
  }

  @Test("Without colour lighter parts get denser characters", arguments: [Glyphs.unicode, .ascii])
  func ramp(glyphs: Glyphs) {
    let look = Appearance(glyphs: glyphs, depth: .mono)
    let pixels = (0..<8).flatMap { [UInt8](repeating: UInt8($0 * 36), count: 3) }
    let cells = PictureRenderer.best(for: look).render(pixels, 8, 1, Size(width: 8, height: 1))
    let steps = cells.compactMap { glyphs.ramp.firstIndex(of: $0.character) }
    #expect(steps.count == 8 && steps == steps.sorted() && Set(steps).count >= min(7, glyphs.ramp.count))
    #expect(cells.allSatisfy { $0.style == look.theme.text })
  }

  @Test("A picture keeps its shape in any room")
  func shape() {
    #expect(
      PictureRenderer.halfBlocks.size(ofWidth: 336, height: 336, in: Size(width: 50, height: 20))
        == Size(width: 40, height: 20))
    #expect(
      PictureRenderer.halfBlocks.size(ofWidth: 400, height: 100, in: Size(width: 40, height: 20))
        == Size(width: 40, height: 5))
    #expect(
      PictureRenderer.halfBlocks.size(ofWidth: 1, height: 9000, in: Size(width: 40, height: 20))
        == Size(width: 1, height: 20))
    #expect(
      PictureRenderer.halfBlocks.size(ofWidth: 0, height: 5, in: Size(width: 4, height: 4)) == Size(width: 0, height: 0)
    )
  }

  @Test("A picture in pixels keeps its shape by the terminal's own cells", arguments: [(10, 25), (8, 16), (9, 14)])
  func shapeInPixels(width: Int, height: Int) {
    let renderer = PictureRenderer.pixels(.kitty, cell: (width, height), orElse: .halfBlocks)
    let cells = renderer.size(ofWidth: 400, height: 300, in: Size(width: 90, height: 20))
    let shape = Double(cells.width * width) / Double(cells.height * height)
    #expect(abs(shape - 4.0 / 3) < 0.05 && cells.height == 20)
    let unknown = PictureRenderer.pixels(.kitty, cell: (1, 90), orElse: .halfBlocks)
    #expect(unknown.cellAspect == 2)
  }

  @Test("A map over a picture mixes by opacity, cell by cell, and leaves cells without data")
  func overlay() {
    let picture = [UInt8](repeating: 100, count: 4 * 2 * 3)
    let mixed = overlaid(
      picture, width: 4, height: 2, colors: [.rgb(200, 0, 100), nil], columns: 2, rows: 1, opacity: 0.5)
    #expect(Array(mixed[0..<12]) == [150, 50, 100, 150, 50, 100, 100, 100, 100, 100, 100, 100])
    let whole = overlaid(picture, width: 4, height: 2, colors: [.rgb(1, 2, 3)], columns: 1, rows: 1, opacity: 1)
    #expect(Array(whole.suffix(3)) == [1, 2, 3])
  }
}

extension [UInt8] {
  /// The red channel.
  fileprivate var everyThird: [UInt8] { stride(from: 0, to: count, by: 3).map { self[$0] } }
}

import ChafaPictures
import ColorMaps
import TerminalUI
import Testing

@Suite("Pictures through libchafa")
struct ChafaPicturesTests {
  private let size = Size(width: 12, height: 6)

  /// Left half one colour, right half another, `[height, width, 3]`.
  private func halves(_ left: [UInt8], _ right: [UInt8], width: Int = 96, height: Int = 96) -> [UInt8] {
    (0..<height).flatMap { _ in (0..<width).flatMap { $0 < width / 2 ? left : right } }
  }

  /// The colour a cell shows when it is all one colour.
  private func solid(_ cell: Cell) -> Color? {
    if cell.character == " " || cell.style.foreground == cell.style.background { return cell.style.background }
    return cell.character == "█" ? cell.style.foreground : nil
  }

  @Test("Flat parts keep their colour exactly, with every kind of symbol", arguments: PictureSymbols.allCases)
  func flat(symbols: PictureSymbols) {
    let cells = PictureRenderer.chafa(symbols, Appearance()).render(halves([200, 10, 20], [0, 90, 250]), 96, 96, size)
    #expect(cells.count == 72)
    guard symbols != .ascii else { return }
    for y in 0..<6 {
      #expect(solid(cells[y * 12 + 1]) == .rgb(200, 10, 20))
      #expect(solid(cells[y * 12 + 10]) == .rgb(0, 90, 250))
    }
  }

  @Test("Half blocks show the upper and the lower half of each cell")
  func rows() {
    let picture: [UInt8] = (0..<12).flatMap { y in
      (0..<12).flatMap { _ -> [UInt8] in y % 2 == 0 ? [255, 255, 255] : [0, 0, 0] }
    }
    let cells = PictureRenderer.chafa(.halfBlocks, Appearance()).render(picture, 12, 12, size)
    for cell in cells {
      let isUpper = cell.character == "▀"
      #expect(isUpper || cell.character == "▄")
      #expect(relativeLuminance(isUpper ? cell.style.foreground : cell.style.background) > 0.9)
      #expect(relativeLuminance(isUpper ? cell.style.background : cell.style.foreground) < 0.1)
    }
  }

  @Test("Only the symbols that were asked for are used")
  func alphabets() {
    let noise = (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    func characters(_ symbols: PictureSymbols, _ look: Appearance) -> Set<Character> {
      Set(PictureRenderer.chafa(symbols, look).render(noise, 64, 64, Size(width: 30, height: 15)).map(\.character))
    }
    #expect(characters(.halfBlocks, Appearance()).isSubset(of: [" ", "▀", "▄"]))
    #expect(characters(.quadrants, Appearance()).isSubset(of: Set(" ▀▄▌▐▖▗▘▝▚▞▙▛▜▟█")))
    let sextants = characters(.sextants, Appearance()).filter { ("\u{1FB00}"..."\u{1FB3B}").contains($0) }
    #expect(!sextants.isEmpty)
    for shown in [characters(.ascii, Appearance()), characters(.halfBlocks, Appearance(glyphs: .ascii))] {
      #expect(shown.count > 1 && shown.filter(\.isASCII) == shown)
    }
  }

  @Test("Palette depths get colours that reduce to themselves", arguments: [ColorDepth.palette256, .ansi16])
  func palettes(depth: ColorDepth) {
    let look = Appearance(depth: depth)
    let cells = PictureRenderer.chafa(.halfBlocks, look).render(halves([201, 17, 33], [4, 90, 250]), 96, 96, size)
    for cell in cells {
      for color in [cell.style.foreground, cell.style.background] {
        guard case .index(let index) = depth.reduce(color) else { continue }
        guard case .rgb(let r, let g, let b) = color, case .rgb(let r2, let g2, let b2) = paletteColor(index) else {
          Issue.record("\(color) is no colour")
          continue
        }
        // libchafa and xterm differ in a few of the first sixteen.
        let worst = max(abs(Int(r) - Int(r2)), abs(Int(g) - Int(g2)), abs(Int(b) - Int(b2)))
        #expect(worst <= (depth == .ansi16 ? 100 : 0))
      }
    }
  }

  @Test("Without colour the theme's text style is all there is, and light and dark still differ")
  func mono() {
    let look = Appearance(depth: .mono)
    let cells = PictureRenderer.chafa(.halfBlocks, look).render(halves([255, 255, 255], [0, 0, 0]), 96, 96, size)
    #expect(cells.allSatisfy { $0.style == look.theme.text })
    #expect(cells[1].character != cells[10].character)
  }

  @Test("Degenerate pictures and rooms are drawn or empty, never a trap")
  func degenerate() {
    let renderer = PictureRenderer.chafa(.halfBlocks, Appearance())
    #expect(renderer.render([9, 8, 7], 1, 1, Size(width: 40, height: 20)).count == 800)
    #expect(renderer.render([9, 8, 7], 1, 1, Size(width: 0, height: 5)) == [])
    #expect(renderer.render([UInt8](repeating: 1, count: 3000), 1000, 1, Size(width: 1, height: 1)).count == 1)
  }

  @Test("Many pictures at once come out as they do one by one")
  func threads() async {
    let renderer = PictureRenderer.chafa(.quadrants, Appearance())
    let pictures = (0..<24).map { seed in (0..<40 * 40 * 3).map { UInt8(truncatingIfNeeded: $0 &* (seed &+ 3) >> 3) } }
    let expected = pictures.map { renderer.render($0, 40, 40, Size(width: 20, height: 10)) }
    await withTaskGroup(of: (Int, [Cell]).self) { group in
      for (index, picture) in pictures.enumerated() {
        group.addTask { (index, renderer.render(picture, 40, 40, Size(width: 20, height: 10))) }
      }
      for await (index, cells) in group { #expect(cells == expected[index]) }
    }
  }
}

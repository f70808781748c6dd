import TerminalUI
import Testing

@Suite("The searchable menu")
struct MenuTests {
  private let menu = Menu([
    .init("Next layer", hint: "]", keywords: "forward deeper"),
    .init("Previous layer", hint: "["),
    .init("Knock out selection", hint: "x", keywords: "ablate"),
    .init("Toggle overlay", hint: "o"),
    .init("Export…", hint: "e"),
  ])

  private func titles(_ query: String) -> [String] {
    var menu = menu
    menu.paste(query)
    return menu.matches.map { menu.items[$0].title }
  }

  @Test("Characters in order find an item, starts of words first; case does not matter")
  func matching() {
    #expect(titles("") == menu.items.map(\.title))
    #expect(titles("layer") == ["Next layer", "Previous layer"])
    #expect(titles("KO").first == "Knock out selection")
    #expect(titles("pl").first == "Previous layer")
    #expect(titles("ablate") == ["Knock out selection"])
    #expect(titles("zzz") == [])
  }

  @Test("The matched characters are the ones a person would point at")
  func positions() throws {
    let match = try #require(FuzzyMatch("os", in: "Knock out selection"))
    #expect(match.positions == [6, 10])
    #expect(FuzzyMatch("layer", in: "Next layer")?.positions == [5, 6, 7, 8, 9])
    #expect(FuzzyMatch("", in: "x")?.positions == [])
    #expect(FuzzyMatch("xy", in: "x") == nil)
  }

  @Test("Arrows move around the matches, typing starts again at the best")
  func moving() {
    var menu = menu
    _ = menu.handle(.up)
    #expect(menu.selectedItem == 4)
    _ = menu.handle(.down)
    _ = menu.handle(.down)
    #expect(menu.selectedItem == 1)
    for character in "over" { _ = menu.handle(.character(character)) }
    #expect(menu.selectedItem == 3)
    _ = menu.handle(.character("q"))
    #expect(menu.selectedItem == nil)
    _ = menu.handle(.down)
    let isTaken = menu.handle(.escape)
    #expect(!isTaken)
  }

  @Test("Each visible row says which match it shows")
  func drawing() {
    var menu = menu
    menu.paste("layer")
    menu.select(row: 1)
    var frame = Frame(size: Size(width: 24, height: 4))
    let hits = menu.draw(in: frame.bounds, of: &frame, Appearance())
    #expect(frame.text == "> layer\nNext layer             ]\nPrevious layer         [\n")
    #expect(hits.map(\.row) == [0, 1])
    #expect(frame[0, 2].style == Theme.dark.menuSelected)
    #expect(frame[5, 1].style == Theme.dark.menuMatch)
    #expect(frame.caret == Point(x: 7, y: 0))
    for _ in 0..<3 { _ = menu.handle(.character("z")) }
    menu.draw(in: frame.bounds, of: &frame, Appearance())
    #expect(frame.text.contains("nothing found"))
  }
}

import TerminalUI
import Testing

@Suite("Searching by letters in order")
struct FuzzyMatchTests {
  private let titles = ["Next layer", "Previous layer", "Knock out selection", "Toggle overlay", "Export…"]

  private func best(_ query: String) -> [String] {
    titles.compactMap { title in FuzzyMatch(query, in: title).map { (title, $0.score) } }
      .sorted { $0.1 > $1.1 }.map(\.0)
  }

  @Test("Characters in order find an item, starts of words first; case does not matter")
  func matching() {
    #expect(best("layer").prefix(2) == ["Next layer", "Previous layer"])
    #expect(best("KO").first == "Knock out selection")
    #expect(best("pl").first == "Previous layer")
    #expect(best("zzz") == [])
  }

  @Test("The matched characters are the ones a person would point at")
  func positions() throws {
    let match = try #require(FuzzyMatch("os", in: "Knock out selection"))
    #expect(match.positions == [6, 10])
    #expect(FuzzyMatch("layer", in: "Next layer")?.positions == [5, 6, 7, 8, 9])
    #expect(FuzzyMatch("", in: "x")?.positions == [])
    #expect(FuzzyMatch("xy", in: "x") == nil)
  }
}

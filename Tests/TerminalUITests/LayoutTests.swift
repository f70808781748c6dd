import TerminalUI
import Testing

@Suite("Layout, scrolling and hit-testing")
struct LayoutTests {
  private let rect = Rect(x: 2, y: 1, width: 100, height: 10)

  private func widths(_ constraints: [Layout.Constraint], gap: Int = 0) -> [Int] {
    Layout(.horizontal, constraints, gap: gap).split(rect).map(\.width)
  }

  @Test("Fixed parts and fractions come first, fills share the rest exactly by weight")
  func shares() {
    #expect(widths([.fixed(20), .fill, .fill]) == [20, 40, 40])
    #expect(widths([.fraction(0.25), .fill(weight: 2, minimum: 0), .fill(weight: 1, minimum: 0)]) == [25, 50, 25])
    #expect(widths([.fill, .fill, .fill]).reduce(0, +) == 100)
    #expect(widths([.fill, .fixed(10), .fill], gap: 2) == [43, 10, 43])
    #expect(widths([.fill(weight: 1, minimum: 70), .fill, .fill]) == [70, 15, 15])
    #expect(widths([.fixed(10)]) == [10])
    #expect(widths([]) == [])
  }

  @Test("When room runs out the last parts shrink to nothing, and none leaves the rectangle")
  func overflow() {
    #expect(widths([.fixed(80), .fixed(40), .fixed(5)]) == [80, 20, 0])
    var random = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let constraints: [Layout.Constraint] = (0..<Int.random(in: 1..<6, using: &random)).map { _ in
        switch Int.random(in: 0..<3, using: &random) {
        case 0: .fixed(Int.random(in: -3..<60, using: &random))
        case 1: .fraction(Double.random(in: 0..<1, using: &random))
        default:
          .fill(weight: Double.random(in: 0..<3, using: &random), minimum: Int.random(in: 0..<30, using: &random))
        }
      }
      let whole = Rect(x: 3, y: 4, width: Int.random(in: 0..<90, using: &random), height: 7)
      let parts = Layout(.horizontal, constraints, gap: Int.random(in: 0..<3, using: &random)).split(whole)
      #expect(parts.count == constraints.count)
      #expect(parts.allSatisfy { $0.isEmpty || $0.intersection(whole) == $0 })
      #expect(zip(parts, parts.dropFirst()).allSatisfy { $0.maxX <= $1.x })
    }
  }

  @Test("A vertical split stacks its parts")
  func vertical() {
    let parts = Layout(.vertical, [.fixed(1), .fill, .fixed(1)]).split(rect)
    #expect(parts.map(\.y) == [1, 2, 10])
    #expect(parts.map(\.height) == [1, 8, 1])
    #expect(parts.allSatisfy { $0.x == 2 && $0.width == 100 })
  }

  @Test("Scrolling stays within the list and moves no further than needed")
  func scrolling() {
    #expect(Scroll(offset: 95).range(count: 100, height: 10) == 90..<100)
    #expect(Scroll(offset: -4).range(count: 3, height: 10) == 0..<3)
    #expect(Scroll(offset: 5).range(count: 0, height: 10).isEmpty)
    #expect(Scroll(offset: 20).revealing(25, count: 100, height: 10).offset == 20)
    #expect(Scroll(offset: 20).revealing(30, count: 100, height: 10).offset == 21)
    #expect(Scroll(offset: 20).revealing(5, count: 100, height: 10).offset == 5)
    #expect(Scroll(offset: 20).moved(by: .max, count: 100, height: 10).offset == 90)
    #expect(Scroll(offset: 20).moved(by: .min, count: 100, height: 10).offset == 0)
  }

  @Test("The region noted last is the one that is hit, and empty ones never are")
  func hits() {
    var hits = HitMap<String>()
    hits.add(Rect(x: 0, y: 0, width: 10, height: 5), "panel")
    hits.add(Rect(x: 2, y: 2, width: 3, height: 1), "row")
    hits.add(Rect(x: 2, y: 2, width: 0, height: 9), "nothing")
    #expect(hits[Point(x: 3, y: 2)] == "row")
    #expect(hits[Point(x: 5, y: 2)] == "panel")
    #expect(hits[Point(x: 10, y: 2)] == nil)
    #expect(hits.region(at: Point(x: 2, y: 2))?.rect.width == 3)
  }
}

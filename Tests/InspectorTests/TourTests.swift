import DemoTour
import Inspector
import TerminalUI
import Testing
import Trace

@Suite("The tour")
struct TourTests {
  private static func tour(_ size: Size = Size(width: 80, height: 24)) -> TourState {
    TourState(InspectorState.complete(size: size))
  }

  @Test("It waits until what a step tells of has been computed")
  func waits() {
    var tour = TourState(InspectorState(imageName: "a.png", prompt: "what?", size: Size(width: 80, height: 24)))
    #expect(!tour.isReady && tour.text.contains("at work"))
    #expect(tour.take(.input(.key(" "))).isEmpty && tour.step == .question)
  }

  @Test("Space goes through all eight steps, each doing in the inspector what it tells, and ends")
  func walks() throws {
    var tour = Self.tour()
    var focused: [Panel] = []
    while tour.step != .cut {
      #expect(tour.isReady && !tour.text.isEmpty)
      focused.append(tour.inspector.focus)
      #expect(tour.take(.input(.key(" "))).allSatisfy { if case .knockOut = $0 { true } else { false } })
    }
    #expect(focused == [.image, .anchors, .mask, .attention])
    #expect(!tour.isReady, "the cut has been asked for and is not answered")
    let cut = try #require(Self.cut(&tour))
    #expect(tour.isReady && tour.text.contains("“nothing”") && cut.keys.count == tour.inspector.view.selection.count)
    let draws = try #require(
      tour.take(.input(.key(" "))).compactMap { effect -> MatchedRandomRequest? in
        if case .matchedRandom(let request) = effect { request } else { nil }
      }.first)
    _ = tour.take(.matchedRandom(MatchedRandomResult(request: draws, kls: (0..<draws.draws).map { Double($0) / 1000 })))
    #expect(tour.isReady && tour.text.contains("200 random draws"))
    _ = tour.take(.input(.key(" ")))
    #expect(tour.step == .verdict && tour.inspector.focus == .verdict && tour.text.contains("never a yes"))
    _ = tour.take(.input(.key(" ")))
    #expect(tour.step == .compression && tour.inspector.focus == .compression)
  }

  /// Answers the cut that the fifth step asks for.
  private static func cut(_ tour: inout TourState) -> KnockOutRequest? {
    // Asked for when the step began: the state counts it.
    let positions = tour.inspector.cuttableKeys
    let request = KnockOutRequest(id: 1, label: "A1–A4", keys: positions, layer: nil, head: nil)
    guard let row = tour.inspector.trace?.language?.attentionVoco else { return nil }
    _ = tour.take(
      .knockOutFinished(
        KnockOutResult(request: request, answer: "nothing", kl: 0.05, leadChange: -1, attentionVoco: row)))
    return request
  }

  @Test("Backspace goes back to what a step left behind, and other keys reach the inspector")
  func back() {
    var tour = Self.tour()
    _ = tour.take(.input(.key(" ")))
    _ = tour.take(.input(.key("t")))
    #expect(tour.inspector.view.theme == 1)
    _ = tour.take(.input(.key(.backspace)))
    #expect(tour.step == .question && tour.inspector.view.theme == 0 && tour.inspector.focus == .image)
  }

  @Test(
    "Its words stand under the inspector at every size, in mono and ASCII too",
    arguments: [(20, 5), (80, 24), (120, 36), (200, 56)])
  func sizes(width: Int, height: Int) {
    let size = Size(width: width, height: height)
    var tour = Self.tour(size)
    let frame = tour.draw(size: size, pictures: nil)
    #expect(flaws(frame) == [] && tour.inspector.size.height < height)
    #expect(frame.text.contains("Tour 1/8"))
    #expect(tour.inspector.hits.regions.allSatisfy { $0.rect.y + $0.rect.height <= tour.inspector.size.height })
  }
}

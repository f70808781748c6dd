import Evidence
import Foundation
import Inspector
import TerminalUI
import TestSupport
import Testing
import Trace

@Suite("The Compression panel")
struct CompressionTests {
  private func state(_ size: Size = Size(width: 80, height: 24)) -> InspectorState {
    var state = InspectorState.complete(size: size)
    state.postCompression()
    return state
  }

  @Test("The panel asks the question on screen as soon as it is opened, and only once")
  func opens() {
    var state = InspectorState.complete()
    #expect(state.type("6") == [.compress(.ask("what is in the picture?", keepsTurns: false))])
    #expect(state.work == .compression("answering"))
    for event in SyntheticCompression.asked(1, "what is in the picture?", [:]) { state.post(.compression(event)) }
    state.post(.compressionFinished)
    #expect(state.work == nil)
    #expect(state.type("16") == [])
  }

  @Test("A follow-up question goes to all sources, with the turns before it where that is chosen")
  func followUp() {
    var state = state()
    state.post(.command(.compressionPanel))
    state.post(.cancelled)
    state.type("T")
    state.type("p")
    state.press(.control("u"))
    state.type("is it red?")
    #expect(state.press(.enter).last == .compress(.ask("is it red?", keepsTurns: true)))
    #expect(state.press(.escape) == [.cancel])
  }

  @Test("Keys add a picture, ask the families and start anew; while the model is busy they say so")
  func keys() {
    var state = state()
    state.type("P")
    state.type("dog.png")
    #expect(state.press(.enter) == [.compress(.addPicture(path: "dog.png"))])
    #expect(state.type("F") == [])
    #expect(state.notice?.contains("busy") == true)
    state.post(.cancelled)
    #expect(state.type("F") == [.compress(.families)])
    state.post(.compressionFinished)
    #expect(state.type("R") == [.compress(.restart("what is in the picture?"))])
  }

  @Test("A trace without weights has nothing to compare")
  func trace() {
    var state = InspectorState(
      imageName: "a", prompt: "?", size: Size(width: 80, height: 24), capabilities: .init(runsModel: false))
    state.post(.trace(SyntheticTrace().trace))
    #expect(state.type("6") == [])
    #expect(state.focus == .compression)
    #expect(state.obstacle(to: .askAll) != nil)
    #expect(!state.reports.contains { $0.panel == "compression" })
  }

  @Test("Agreement counts equal tokens before the end of sequence over the longer answer, and names where they part")
  func agreement() throws {
    let exchange = try #require(state().compression.exchanges.first)
    let pairs = exchange.agreements
    #expect(pairs.map { [$0.equal, $0.length, $0.partsAt ?? -1] } == [[1, 3, 1], [0, 3, 0], [0, 1, 0]])
    #expect(exchange.divergence(of: .voco) == nil && exchange.divergence(of: .full) == 1)
    #expect(exchange.divergence(of: .none) == 0)
    let latest = try #require(state().compression.latest)
    #expect(latest.agreements[0].partsAt == nil && latest.agreements[0].share == 1)
  }

  @Test("The bill has K/V bytes as measured and as computed, and the published shape's 0.5 MiB against 291")
  func bill() throws {
    let compression = state().compression
    let bill = CompressionBill(
      SyntheticCompression.facts, pictures: compression.pictures, latest: compression.latest)
    for source in VisualSource.allCases { #expect(bill[source]?.measuredBytes == bill[source]?.computedBytes) }
    #expect(bill.published.map(\.computedBytes) == [582 << 19, 1 << 19, 1 << 19])
    #expect(bill[.voco]?.rows == 1 && bill[.full]?.rows == 582)
    #expect(bill.sentence.contains("4 layers of state") && bill.sentence.contains("6.0 KiB"))
    let (full, voco) = (try #require(bill[.full]), try #require(bill[.voco]))
    #expect(voco.questionOperations < full.questionOperations && bill.ratio == 582)
    #expect(bill[.voco]?.tokenSeconds == 0.0019)
  }

  @Test("What the checkpoint was not trained for is said; without trained_sources it is unknown")
  func edges() {
    var facts = SyntheticCompression.facts
    #expect(facts.edges()[0].contains("from 580 tokens or from no picture is outside of its training"))
    #expect(facts.edges(of: [.voco]) == [])
    facts.trainedSources = nil
    #expect(facts.edges().count == 1 && facts.edges()[0].contains("unknown"))
    facts.trainedSources = VisualSource.allCases
    #expect(facts.edges() == [])
  }

  @Test("Kept is what voco answers rightly; without a right answer it is what all tokens say too")
  func families() {
    let families = state().compression.families
    #expect(families.map(\.verdict) == ["kept", "lost"])
    let unknown = FamilyAnswer(family: "a", question: "b", right: nil, answers: families[1].answers)
    #expect(unknown.verdict == "same" && unknown.isRight(.voco) == nil)
  }

  @Test("Every number on the panel is in its JSON")
  func numbers() throws {
    let wide = Size(width: 200, height: 60)
    var state = state(wide)
    state.post(.command(.compressionPanel))
    state.post(.cancelled)
    state.post(.command(.zoomIn))
    let report = state.report(.compression)
    let json = ReportText.json([report])
    for text in ["0.891", "0.996", "3575808", "582", "0.0612", "0.0117", "0.0019", "305135616", "591", "1024"] {
      #expect(json.contains(text), "\(text)")
    }
    let facts = Set(report.facts.map(\.name))
    #expect(facts.isSuperset(of: ["weights sha256", "seed", "trained to answer from"]))
    #expect(report.tables.map(\.title).contains("what is kept and what is lost"))
    #expect(view(state, size: wide).frame.text.contains("99.6%"))
  }

  @Test("A word said over and over is said once, with its count")
  func loops() {
    #expect(withoutLoops("trumpet trumpet trumpet trumpet") == "trumpet (4 times)")
    #expect(withoutLoops("a cat cat sat") == "a cat cat sat")
  }

  @Test("Every page of the panel fits every size")
  func sizes() {
    for page in CompressionPage.allCases {
      var state = state()
      state.post(.command(.compressionPanel))
      for _ in 0..<page.rawValue { state.press(.right) }
      #expect(state.compressionView.page == page)
      state.press(.end, .home, .pageDown, .down, .up)
      for height in Array(1...12) + [20, 30, 50] {
        for width in [1, 2, 10, 19, 20, 21, 30, 48, 60, 110, 160] {
          let size = Size(width: width, height: height)
          let screen = view(state, size: size)
          #expect(flaws(screen.frame, screen.hits) == [], "\(page) at \(size)")
        }
      }
    }
  }

  struct Scene: Sendable, CustomTestStringConvertible {
    let name: String
    let size: Size
    let page: CompressionPage
    let isZoomed: Bool
    let variants: [FrameSnapshot.Variant]

    var testDescription: String { name }
  }

  static let scenes: [Scene] =
    CompressionPage.allCases.map {
      Scene(
        name: "compression-\($0)-80x24", size: SnapshotTests.small, page: $0, isZoomed: false,
        variants: $0 == .answers ? FrameSnapshot.Variant.allCases : [.mono])
    } + [
      Scene(
        name: "compression-120x36", size: SnapshotTests.medium, page: .conversation, isZoomed: true,
        variants: [.trueColor, .ascii]),
      Scene(
        name: "compression-corner-120x36", size: SnapshotTests.medium, page: .answers, isZoomed: false,
        variants: [.mono]),
      Scene(
        name: "compression-200x60", size: SnapshotTests.large, page: .families, isZoomed: true,
        variants: [.mono]),
    ]

  @Test("The panel looks as recorded", arguments: scenes)
  func scene(_ scene: Scene) {
    let failures = FrameSnapshot.failures(named: scene.name, variants: scene.variants) { look in
      var synthetic = SyntheticTrace.large
      synthetic.prompt = "how many objects do you see?"
      var state = InspectorState.complete(synthetic, size: scene.size, glyphs: look.glyphs, depth: look.depth)
      state.postCompression()
      state.post(.command(.compressionPanel))
      if scene.isZoomed { state.post(.command(.zoomIn)) }
      for _ in 0..<scene.page.rawValue { state.press(.right) }
      return view(state, size: scene.size).frame
    }
    #expect(failures == [])
  }
}

import ColorMaps
import DemoTour
import Evidence
import Inspector
import TerminalUI
import TestSupport
import Testing
import Trace

@Suite("The demo")
struct DemoTests {
  private static func content(_ synthetic: SyntheticTrace = SyntheticTrace()) -> DemoContent? {
    var compression = CompressionState()
    let asked = SyntheticCompression.asked(
      1, "what object is at the top?",
      [
        .full: [("▁fries", 0.4), ("▁and", 0.2), ("▁fries", 0.6), ("</s>", 0.5)],
        .voco: [("▁balloon", 0.891), ("</s>", 0.9999)], .none: [("▁shark", 0.232), ("</s>", 1)],
      ])
    for event in [.facts(SyntheticCompression.facts), .picture(SyntheticCompression.picture)] + asked {
      compression.apply(event)
    }
    var trace = synthetic.trace
    trace.mgvq = synthetic.mgvq
    return DemoContent(name: "scene-1.png", trace: trace, compression: compression, right: "balloon")
  }

  private static func demo(
    _ size: Size = Size(width: 80, height: 24), _ look: Appearance? = nil, loops: Bool = true,
    _ synthetic: SyntheticTrace = SyntheticTrace()
  ) -> DemoState {
    var demo = DemoState(
      names: ["scene-1.png", "cat.jpg", "coffee.jpg"], size: size,
      look: look ?? Appearance(theme: .dark, glyphs: .unicode, depth: .trueColor), seconds: 4, loops: loops)
    _ = demo.begin()
    if let content = content(synthetic) { _ = update(&demo, .content(0, content)) }
    return demo
  }

  @Test("It begins with the first picture and prepares the next one meanwhile")
  func begins() {
    var demo = DemoState(
      names: ["a.png", "b.png", "c.png"], size: Size(width: 80, height: 24),
      look: Appearance(theme: .dark, glyphs: .unicode, depth: .trueColor), seconds: 4, loops: true)
    #expect(demo.begin() == [.prepare(0), .prepare(1)])
    #expect(update(&demo, .tick(100)) == [])
    #expect(demo.stage == .picture, "without the model's work it waits")
  }

  @Test("Time walks through every stage and on to the next picture")
  func walks() throws {
    var demo = Self.demo()
    for stage in DemoStage.allCases {
      #expect(demo.stage == stage && demo.index == 0)
      _ = update(&demo, .tick(2))
      #expect(demo.stage == stage)
      let effects = update(&demo, .tick(2.1))
      #expect(effects == (stage == .answer ? [.prepare(1), .prepare(2)] : []))
    }
    #expect(demo.index == 1 && demo.stage == .picture)
  }

  @Test("Keys step, go back, pause, change the picture and quit")
  func keys() {
    var demo = Self.demo()
    func press(_ key: Key) -> [DemoEffect] { update(&demo, .input(.key(key))) }
    _ = press(.character(" "))
    #expect(demo.stage == .patches)
    _ = press(.left)
    #expect(demo.stage == .picture)
    _ = press(.character("p"))
    #expect(demo.isPaused && update(&demo, .tick(50)) == [] && demo.stage == .picture)
    _ = press(.down)
    #expect(demo.index == 1)
    _ = press(.up)
    #expect(demo.index == 0)
    #expect(press(.character("q")) == [.quit])
  }

  @Test("With --once it ends after the last picture")
  func once() {
    var demo = Self.demo(loops: false)
    for index in 1...2 {
      _ = update(&demo, .input(.key(.down)))
      #expect(demo.index == index)
      if let content = Self.content() { _ = update(&demo, .content(index, content)) }
    }
    var effects: [DemoEffect] = []
    for _ in DemoStage.allCases { effects = update(&demo, .tick(4.1)) }
    #expect(effects == [.quit])
  }

  @Test("The sentences carry the run's numbers")
  func words() throws {
    var demo = Self.demo(Size(width: 120, height: 36))
    var screens: [DemoStage: String] = [:]
    for stage in DemoStage.allCases {
      _ = update(&demo, .tick(3.9))
      screens[stage] = view(demo).text
      _ = update(&demo, .input(.key(.character(" "))))
    }
    #expect(screens[.patches]?.contains("36 patches") == true)
    #expect(screens[.codes]?.contains("50 discrete codes") == true)
    #expect(screens[.anchors]?.contains("A4") == true)
    #expect(screens[.mask]?.contains("No patch sees another") == true)
    #expect(screens[.voco]?.contains("4 layers of state") == true && screens[.voco]?.contains("×582") == true)
    #expect(screens[.answer]?.contains("balloon") == true && screens[.answer]?.contains("kept it") == true)
    #expect(screens[.answer]?.contains("outside of its training") == true)
  }

  @Test("Every stage fits every size, with and without its content, in colour and in ASCII")
  func sizes() {
    let looks = [
      Appearance(theme: .dark, glyphs: .unicode, depth: .trueColor),
      Appearance(theme: .dark, glyphs: .ascii, depth: .mono),
    ]
    for look in looks {
      var demo = Self.demo(Size(width: 80, height: 24), look)
      for _ in DemoStage.allCases {
        for height in [1, 4, 5, 6, 7, 8, 10, 14, 24, 48] {
          for width in [1, 19, 20, 21, 40, 60, 80, 160] {
            let size = Size(width: width, height: height)
            _ = update(&demo, .input(.resize(size)))
            #expect(flaws(view(demo)) == [], "\(demo.stage) at \(size)")
          }
        }
        _ = update(&demo, .tick(1))
        _ = update(&demo, .input(.key(.character(" "))))
      }
    }
    #expect(view(Self.demo(Size(width: 20, height: 5))).text.contains("A picture"))
  }

  @Test("Stages look as recorded", arguments: DemoStage.allCases)
  func scene(_ stage: DemoStage) {
    for (size, variants) in [
      (SnapshotTests.small, [FrameSnapshot.Variant.trueColor, .ascii]), (Size(width: 20, height: 5), [.mono]),
    ] {
      let name = "demo-\(stage.title)-\(size.width)x\(size.height)"
      let failures = FrameSnapshot.failures(named: name, variants: variants) { look in
        var demo = Self.demo(size, look, loops: true, .large)
        for _ in 0..<stage.rawValue { _ = update(&demo, .input(.key(.character(" ")))) }
        _ = update(&demo, .tick(3))
        return view(demo)
      }
      #expect(failures == [])
    }
  }
}

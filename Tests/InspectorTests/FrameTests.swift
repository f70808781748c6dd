import ColorMaps
import Evidence
import Foundation
import Inspector
import Statistics
import TerminalUI
import TestSupport
import Testing
import Trace

/// What no screen may have, whatever is on it: nothing to read, half of a wide character, a caret or a region for the
/// mouse outside of it.
func flaws(_ frame: Frame, _ hits: HitMap<HitTarget> = HitMap()) -> [String] {
  var flaws = frame.text.allSatisfy(\.isWhitespace) ? ["is blank"] : []
  for y in 0..<frame.size.height {
    for x in 0..<frame.size.width {
      let isWide = displayWidth(frame[x, y].character) == 2
      let isFollowed = x + 1 < frame.size.width && frame[x + 1, y].character == Cell.continuation.character
      if isWide != isFollowed { flaws.append("half a character at (\(x),\(y))") }
    }
  }
  if let caret = frame.caret, !frame.bounds.contains(caret) { flaws.append("caret at (\(caret.x),\(caret.y))") }
  return flaws
    + hits.regions.filter { $0.rect.intersection(frame.bounds) != $0.rect }.map { "\($0.target) at \($0.rect)" }
}

@Suite("Frames")
struct FrameTests {
  @Test("No size and no panel crashes, cuts a character in two or puts anything outside")
  func sizes() {
    var states = [
      InspectorState.complete(),
      InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 1, height: 1)),
      InspectorState.complete(SyntheticTrace(anchors: 0, untrained: ["decoder"])),
      InspectorState.complete(glyphs: .ascii, depth: .mono),
    ]
    states[2].type("]]}")
    for state in states {
      for panel in Panel.allCases {
        var state = state
        state.post(.command(panel.command))
        for height in Array(1...12) + [20] {
          for width in [1, 2, 5, 10, 19, 20, 21, 24, 25, 30, 41, 60] {
            let size = Size(width: width, height: height)
            let screen = view(state, size: size)
            #expect(flaws(screen.frame, screen.hits) == [], "\(panel) at \(size)")
          }
        }
      }
    }
  }

  @Test("Menus fit every size too")
  func menuSizes() {
    for command in [Command.help, .palette, .find, .prompt, .export] {
      var state = InspectorState.complete()
      state.post(.command(command))
      for height in 1...12 {
        for width in [1, 4, 8, 20, 33, 60] {
          let size = Size(width: width, height: height)
          let screen = view(state, size: size)
          #expect(flaws(screen.frame, screen.hits) == [], "\(command) at \(size)")
        }
      }
    }
  }

  @Test("Below 20×5 the screen says that it is too small, at 20×5 it shows something")
  func smallest() {
    let state = InspectorState.complete()
    #expect(view(state, size: Size(width: 19, height: 5)).frame.text.contains("too small"))
    #expect(view(state, size: Size(width: 20, height: 4)).frame.text.contains("too small"))
    let frame = view(state, size: Size(width: 20, height: 5)).frame.text
    #expect(!frame.contains("too small"))
    #expect(frame.contains("patch (0,0)"))
  }

  @Test("Random keys crash nothing, and undo leads back to the first view", arguments: 0..<6)
  func fuzz(seed: Int) {
    let keys: [Key] =
      "hjklgG[]{},.amsioxXr v?:/p+_e1234572tMuUyV".map(Key.character)
      + [.up, .down, .left, .right, .tab, .backTab, .enter, .escape, .pageUp, .pageDown, .home, .end, .backspace]
    let synthetic = SyntheticTrace(grid: 4, latent: 3)
    var state = InspectorState.complete(synthetic)
    let first = state.view
    for step in 0..<250 {
      let key = keys[Int(hash(step, seed: UInt64(seed)) % UInt64(keys.count))]
      for effect in state.press(key) {
        switch effect {
        case .knockOut(let request): state.post(.knockOutFinished(synthetic.knockOut(request)))
        case .matchedRandom(let request):
          state.post(.matchedRandom(MatchedRandomResult(request: request, kls: .init(repeating: 0.1, count: 200))))
        case .run: state.post(.finished)
        default: break
        }
      }
      if step % 25 == 0 {
        let size = Size(width: 20 + step % 130, height: 5 + step % 55)
        let screen = view(state, size: size)
        #expect(flaws(screen.frame, screen.hits) == [], "step \(step) at \(size)")
      }
    }
    let last = state.view
    if state.mode != .normal { state.press(.escape) }
    while !state.history.past.isEmpty { state.post(.command(.undo)) }
    #expect(state.view == first)
    while !state.history.future.isEmpty { state.post(.command(.redo)) }
    #expect(state.view == last)
  }

  @Test("Random clicks, drags and wheels crash nothing", arguments: 0..<4)
  func mouseFuzz(seed: Int) {
    var state = InspectorState.complete(SyntheticTrace(grid: 4, latent: 3), size: Size(width: 110, height: 30))
    let kinds: [MouseEvent.Kind] = [.press, .release, .drag, .doubleClick, .scrollUp, .scrollDown]
    for step in 0..<60 {
      let random = hash(step, seed: UInt64(90 + seed))
      let point = Point(x: Int(random % 112), y: Int((random >> 16) % 31))
      state.post(.input(.mouse(MouseEvent(kinds[Int((random >> 32) % 6)], at: point))))
    }
    let screen = view(state, size: state.size)
    #expect(flaws(screen.frame, screen.hits) == [])
  }

  @Test("With untrained parts no panel says yes, and a banner says why")
  func neverYes() {
    var state = InspectorState.complete(SyntheticTrace(untrained: ["anchor projector"]))
    var verdict = state.evidence
    verdict?.attends.word = .yes
    verdict?.contributes.word = .yes
    verdict?.causes.word = .yes
    verdict?.n = 100
    verdict?.anecdote = false
    if let verdict { state.post(.verdict(verdict)) }
    for panel in Panel.allCases {
      state.post(.command(panel.command))
      for size in [Size(width: 80, height: 24), Size(width: 200, height: 60)] {
        let text = view(state, size: size).frame.text
        #expect(text.contains("untrained or random: anchor projector"))
        #expect(
          !text.split(separator: "\n").contains { line in
            line.split { !$0.isLetter }.contains("yes") && !line.contains("Rule")
              && !line.contains("ntrained parts: never yes")
          })
      }
      #expect(!state.tiers.contains { $0.word == "yes" })
    }
  }

  @Test("A banner says all that it has to say at 80 columns, and all panels have their tabs there")
  func narrow() {
    let parts = ["anchor projector", "vision tower of another checkpoint", "MGVQ encoder", "MGVQ codebooks"]
    let state = InspectorState.complete(SyntheticTrace(untrained: parts), size: Size(width: 80, height: 24))
    let text = view(state, size: state.size).frame.text
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("untrained or random: \(parts.joined(separator: ", ")); these numbers support no verdict"))
    let tabs = text.split(separator: "\n").first { $0.contains("2 Attention") } ?? ""
    #expect(Panel.allCases.allSatisfy { tabs.contains("\($0.rawValue) \($0.title.prefix(5))") })
  }

  @Test("A picture unlike those of the training gets a banner on screen and a note in the report, another one none")
  func unlikeTraining() throws {
    func text(_ distance: Double) throws -> (frame: String, notes: [String]) {
      var state = InspectorState.complete(size: Size(width: 200, height: 60))
      let json = """
        {"words": "drawn scenes", "held_out_distances": [\(distance)], "mean": [0, 0, 0, 0], "directions": []}
        """
      state.post(.trainingPictures(try JSONDecoder().decode(TrainingPictures.self, from: Data(json.utf8))))
      return (view(state, size: state.size).frame.text, state.report(.image).notes)
    }
    let (far, near) = (try text(0.01), try text(100))
    #expect(far.frame.contains("chelsea.png is unlike the drawn scenes") && far.notes.count == 1)
    #expect(!near.frame.contains("unlike") && near.notes.isEmpty)
  }

  @Test("One picture is an anecdote, and what was not measured says so")
  func anecdote() {
    let state = InspectorState.complete()
    #expect(state.tiers.map(\.word) == ["anecdote", "anecdote", "not measured"])
    #expect(state.tiers[2].sentence.contains("run verify"))
    // Beside the other panels as well, where three lines are what there is.
    let corner = view(state, size: Size(width: 120, height: 36)).frame.text
    #expect(corner.contains("anecdote.") && corner.contains("not measured"))
  }

  @Test("The status line gives value, rank, lift and colour of the patch")
  func statusNumbers() throws {
    var state = InspectorState.complete(size: Size(width: 200, height: 60))
    state.press(.right, .down)
    let map = try #require(state.map)
    let key = 1 + 4 + 7
    let rank = try #require(map.view.rank(of: key))
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("patch (1,1) #7 · attention \(Format.number(map.view.values[key]))"))
    #expect(text.contains("rank \(rank)/42 · lift \(liftText(map.view.lift(of: key))) · rgb "))
  }

  @Test("The formula and the range of values are printed with the map")
  func formula() throws {
    let state = InspectorState.complete(size: Size(width: 200, height: 60))
    let map = try #require(state.map)
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("mean over live layers and heads of share"))
    #expect(map.scale == .logarithmic)
    #expect(text.contains(" \(tickText(map.range.upperBound)) log share"))
  }

  @Test("A running stage shows its steps and its time")
  func progress() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 100, height: 30))
    state.post(.picture(SyntheticTrace().picture, name: "a.png"))
    state.post(.progress(StageProgress(stage: .image, state: .finished, seconds: 0.012)))
    state.post(.progress(StageProgress(stage: .vision, state: .running(done: 6, of: 24), seconds: 1.25)))
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("vision tower"))
    #expect(text.contains("25% 1.2 s, 3.8 s left") || text.contains("25% 1.3 s, 3.8 s left"))
    #expect(text.contains("image done 12 ms"))
  }

  @Test("The decoder's time left counts a layer on all tokens and the one after it on voco as one")
  func decoderProgress() {
    func left(_ done: Int, of total: Int) -> Double? {
      StageProgress(stage: .decoder, state: .running(done: done, of: total), seconds: Double(done) * 2).secondsLeft
    }
    #expect(left(0, of: 64) == nil)
    #expect(left(7, of: 64) == 98)
    #expect(left(8, of: 64) == 112)
    #expect(left(31, of: 64) == 62)
    #expect(left(63, of: 64) == nil)
  }

  @Test("A click in the map moves the cursor, a drag selects, a click on a hint works")
  func mouse() throws {
    var state = InspectorState.complete(size: Size(width: 120, height: 36))
    let hits = view(state, size: state.size).hits
    let region = try #require(hits.regions.first { if case .patches = $0.target { true } else { false } })
    guard case .patches(let layout) = region.target else { return }
    let target = layout.rect(of: GridPoint(column: 3, row: 2))
    state.post(.input(.mouse(MouseEvent(.press, at: Point(x: target.x, y: target.y)))))
    #expect(state.cursor.patch == GridPoint(column: 3, row: 2))
    #expect(state.focus == .attention)
    let end = layout.rect(of: GridPoint(column: 4, row: 4))
    state.post(.input(.mouse(MouseEvent(.drag, at: Point(x: end.x, y: end.y)))))
    state.post(.input(.mouse(MouseEvent(.release, at: Point(x: end.x, y: end.y)))))
    #expect(state.view.selection.count == 6)
    let hint = try #require(
      view(state, size: state.size).hits.regions.first { $0.target == .command(.help) })
    state.post(.input(.mouse(MouseEvent(.press, at: Point(x: hint.rect.x, y: hint.rect.y)))))
    guard case .help = state.mode else { return #expect(Bool(false), "help did not open") }
  }

  @Test("A double click zooms the panel under it, the wheel scrolls it")
  func mouseZoomAndWheel() throws {
    var state = InspectorState.complete(size: Size(width: 120, height: 36))
    let anchors = try #require(view(state, size: state.size).hits.regions.first { $0.target == .panel(.anchors) })
    let point = Point(x: anchors.rect.x + 1, y: anchors.rect.y)
    state.post(.input(.mouse(MouseEvent(.scrollDown, at: point))))
    #expect(state.view.group == 1)
    #expect(state.focus == .image)
    state.post(.input(.mouse(MouseEvent(.doubleClick, at: point))))
    #expect(state.view.isZoomed)
    #expect(state.focus == .anchors)
  }
}

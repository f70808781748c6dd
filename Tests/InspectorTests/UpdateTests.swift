import Evidence
import Inspector
import Statistics
import TerminalUI
import Testing
import Trace

@Suite("Update")
struct UpdateTests {
  @Test("The picture alone is enough to look at")
  func pictureFirst() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24))
    state.post(.picture(SyntheticTrace().picture, name: "a.png"))
    #expect(state.shownPicture != nil)
    #expect(state.reading.text.contains("patch (0,0) #0"))
    #expect(state.reading.text.contains("the decoder has not run yet"))
  }

  @Test("A generated token changes the answer and leaves what follows from the rest alone")
  func generation() {
    var state = InspectorState.complete()
    let (map, cursor) = (state.map?.view.values, state.cursor)
    state.post(.generation(GenerationTrace(tokenIDs: [5, 6], text: "a red ball")))
    #expect(state.answerWords.contains("a red ball"))
    #expect(state.map?.view.values == map && state.cursor == cursor)
  }

  @Test("Before anything is drawn the mouse points at nothing")
  func undrawn() {
    var state = InspectorState.complete()
    let before = state.cursor
    _ = update(&state, .input(.mouse(MouseEvent(.press, at: Point(x: 10, y: 10)))))
    #expect(state.cursor == before && state.focus == .image)
    state.hits = view(state, size: state.size).hits
    _ = update(&state, .input(.mouse(MouseEvent(.press, at: Point(x: 60, y: 8)))))
    #expect(state.focus == .attention)
  }

  @Test("Escape stops the run, and a second one says that nothing runs")
  func cancel() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24))
    #expect(state.press(.escape) == [.cancel])
    state.post(.cancelled)
    #expect(state.press(.escape).isEmpty)
    #expect(state.notice == "cancel: nothing runs")
  }

  @Test("Layers and heads step from all to the last and stop there")
  func layersAndHeads() {
    var state = InspectorState.complete()
    state.type("]")
    #expect(state.view.layer == 0)
    state.type("]]]]]")
    #expect(state.view.layer == 2)
    state.type("[[[[")
    #expect(state.view.layer == nil)
    state.type("}}}}")
    #expect(state.view.head == 1)
    state.type("{{")
    #expect(state.view.head == nil)
  }

  @Test("* goes to the layer and head that the title names, and & selects the anchors")
  func strongest() throws {
    var state = InspectorState.complete(size: Size(width: 200, height: 60))
    let title = view(state, size: state.size).frame.text
    state.type("*&")
    let (layer, head) = (try #require(state.view.layer), try #require(state.view.head))
    #expect(title.contains("most in layer \(layer + 1) head \(head + 1) "))
    #expect(state.view.selection == Set((0..<4).map(KeyReference.anchor)))
  }

  @Test("Every view change is taken back by u and made again by U")
  func undo() {
    var state = InspectorState.complete()
    let first = state.view
    state.type("]}msaiot.")
    let last = state.view
    #expect(first != last)
    for _ in 0..<20 { state.type("u") }
    #expect(state.view == first)
    for _ in 0..<20 { state.type("U") }
    #expect(state.view == last)
  }

  @Test("Of the knock-outs of a question the latest are kept, with their random draws")
  func boundedKnockOuts() {
    let synthetic = SyntheticTrace(grid: 4, latent: 3)
    var state = InspectorState.complete(synthetic)
    let most = KnockOutResult.kept
    for id in 1...most + 6 {
      let request = KnockOutRequest(id: id, label: "a patch", keys: [2], layer: nil, head: nil)
      state.post(.knockOutFinished(synthetic.knockOut(request)))
      state.post(
        .matchedRandom(
          MatchedRandomResult(
            request: MatchedRandomRequest(knockOut: request, draws: 1, candidates: [3], seed: 0), kls: [0.1])))
    }
    #expect(state.knockOuts.map(\.request.id) == Array(7...most + 6))
    #expect(state.matchedRandom.keys.sorted() == Array(7...most + 6))
  }

  @Test("Moving the cursor is not a change that undo takes back")
  func undoKeepsCursor() {
    var state = InspectorState.complete()
    state.type("]")
    state.press(.right, .down)
    let cursor = state.cursor
    state.type("u")
    #expect(state.cursor == cursor)
    #expect(state.view.layer == nil)
  }

  @Test("A metric that the trace lacks is passed over")
  func metricsAvailable() {
    var trace = SyntheticTrace().trace
    trace.language?.valueNorms = nil
    trace.language?.rolloutVoco = nil
    var state = InspectorState.complete()
    state.post(.trace(trace))
    state.type("m")
    #expect(state.view.metric == .lift)
    state.type("m")
    #expect(state.view.metric == .share)
  }

  @Test("A new prompt runs from the cached picture, and the header says so")
  func prompt() {
    var state = InspectorState.complete()
    state.type("p")
    state.press(.control("u"))
    state.type("how many?")
    #expect(state.press(.enter) == [.run(prompt: "how many?", reusesImage: true)])
    #expect(state.answerWords.contains("image reused"))
    #expect(state.work == .run)
  }

  @Test("Without a picture's trace a prompt runs everything")
  func promptWithoutImage() {
    var state = InspectorState(imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24))
    state.type("p")
    #expect(state.type("!").isEmpty)
    #expect(state.press(.enter) == [.run(prompt: "?!", reusesImage: false)])
  }

  @Test("An empty prompt asks nothing")
  func emptyPrompt() {
    var state = InspectorState.complete()
    state.type("p")
    state.press(.control("u"))
    #expect(state.press(.character(" "), .enter).isEmpty)
    #expect(state.notice == "the prompt is empty")
  }

  @Test("A pasted prompt is one line")
  func paste() {
    var state = InspectorState.complete()
    state.type("p")
    state.press(.control("u"))
    state.post(.input(.paste("is it\na cat?")))
    #expect(state.press(.enter) == [.run(prompt: "is it a cat?", reusesImage: true)])
  }

  @Test("A knock-out cuts the selection, shows its result beside the run, and X puts it aside")
  func knockOut() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.post(.command(.selectAnchors))
    let effects = state.type("x")
    guard case .knockOut(let request) = try #require(effects.first) else { return #expect(Bool(false), "no knock-out") }
    #expect(request.keys == [1, 2, 3, 4])
    #expect(request.label == "A1–A4")
    #expect(request.layer == nil && request.head == nil)
    #expect(state.type("x").isEmpty, "the model is busy")
    state.post(.knockOutFinished(synthetic.knockOut(request)))
    let cut = try #require(state.map?.knockOut)
    #expect(cut.shares.anchors == 0)
    #expect(state.report(.verdict).tables.contains { $0.title == "cuts" })
    state.type("X")
    #expect(state.view.selection.isEmpty)
    state.type("X")
    #expect(state.map?.knockOut == nil)
  }

  @Test("A cut in one head takes the anchors, or what is selected")
  func knockOutInHead() {
    var state = InspectorState.complete()
    for command in [Command.nextLayer, .nextHead] { state.post(.command(command)) }
    #expect(
      state.post(.command(.knockOutHead))
        == [.knockOut(KnockOutRequest(id: 1, label: "A1–A4", keys: [1, 2, 3, 4], layer: 0, head: 0))])
    state.post(.cancelled)
    state.post(.command(.pin))
    #expect(
      state.post(.command(.knockOutHead))
        == [.knockOut(KnockOutRequest(id: 2, label: "patch (0,0)", keys: [5], layer: 0, head: 0))])
  }

  @Test("Without a selection the key under the cursor is cut")
  func knockOutAtCursor() {
    var state = InspectorState.complete()
    state.press(.right)
    #expect(
      state.type("x")
        == [.knockOut(KnockOutRequest(id: 1, label: "patch (0,1)", keys: [6], layer: nil, head: nil))])
  }

  @Test("<voco> never loses itself")
  func knockOutKeepsVoco() {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.type("/voco")
    state.press(.enter)
    #expect(state.type("x").isEmpty)
    #expect(state.notice == "cut: <voco> sees none of the selected keys")
  }

  @Test("Matched random draws take as many patches from those left, and give a percentile")
  func matchedRandom() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    #expect(state.type("r").isEmpty)
    guard case .knockOut(let request)? = state.type("x").first else { return #expect(Bool(false)) }
    state.post(.knockOutFinished(synthetic.knockOut(request)))
    guard case .matchedRandom(let draws)? = state.type("r").first else { return #expect(Bool(false)) }
    #expect(draws.draws == 200)
    #expect(draws.candidates.count == synthetic.patches - 1)
    #expect(!draws.candidates.contains(request.keys[0]))
    state.post(.matchedRandom(MatchedRandomResult(request: draws, kls: [0.01, 0.02, 0.03, 0.0213])))
    #expect(state.work == .matchedRandom)
    #expect(state.matchedRandom[1]?.percentile(of: 0.0213) == 62.5)
    state.post(.matchedRandom(MatchedRandomResult(request: draws, kls: .init(repeating: 0, count: 200))))
    #expect(state.work == nil)
  }

  @Test("A trace without weights runs nothing and says so")
  func withoutWeights() {
    var state = InspectorState(
      imageName: "a.png", prompt: "?", size: Size(width: 80, height: 24),
      capabilities: .init(runsModel: false))
    state.post(.trace(SyntheticTrace().trace))
    #expect(state.type("xp").isEmpty)
    #expect(state.notice == "prompt: this trace was opened without weights")
    #expect(state.mode == .normal)
  }

  @Test("v selects the rectangle of patches up to the cursor")
  func range() {
    var state = InspectorState.complete()
    state.type("v")
    state.press(.right, .right, .down)
    #expect(state.highlightedKeys == Set([0, 1, 2, 6, 7, 8].map(KeyReference.patch)))
    #expect(state.view.selection.isEmpty)
    state.type("v")
    #expect(state.view.selection.count == 6)
    state.type("u")
    #expect(state.view.selection.isEmpty)
  }

  @Test("Escape drops a range before it stops anything")
  func escapeDropsRange() {
    var state = InspectorState.complete()
    state.type("v")
    #expect(state.press(.escape).isEmpty)
    #expect(state.rangeStart == nil)
  }

  @Test("An error is one sentence in a box that any key takes away")
  func failure() {
    var state = InspectorState.complete()
    state.post(.failed("model.safetensors: the header is truncated"))
    #expect(view(state, size: state.size).frame.text.contains("the header is truncated"))
    #expect(state.type("q").isEmpty)
    #expect(state.failure == nil)
    #expect(state.type("q") == [.quit])
  }

  @Test("y copies the number under the cursor")
  func copy() throws {
    var state = InspectorState.complete()
    let value = try #require(state.reading.copyableValue)
    #expect(state.type("y") == [.copy(value)])
    #expect(state.reading.text.contains(value))
  }

  @Test("The held range stays while the layer changes")
  func heldRange() throws {
    var state = InspectorState.complete()
    let range = try #require(state.map?.range)
    state.type("H]")
    #expect(state.map?.range == range)
    state.type("H")
    #expect(state.map?.range != range)
  }

  @Test("S swaps the anchors with the picture that was named, and what came out stands as such")
  func swap() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.type("S")
    state.type("other.png")
    guard case .knockOut(let request)? = state.press(.enter).first else { return #expect(Bool(false), "no run") }
    #expect(request.donor == "other.png" && request.keys == [1, 2, 3, 4])
    state.post(.knockOutFinished(synthetic.knockOut(request.named("other.png"))))
    #expect(state.shownKnockOut?.request.words == "anchors of other.png instead of its own")
    #expect(state.notice?.hasPrefix("anchors of other.png instead of its own: “a dog”, KL") == true)
    #expect(state.obstacle(to: .matchedRandom)?.contains("swapped") == true)
    var none = InspectorState.complete(SyntheticTrace(anchors: 0))
    none.type("S")
    #expect(none.mode == .normal && none.notice?.contains("no anchors") == true)
  }

  @Test("n opens the next picture: what was known of this one goes, how things are shown stays")
  func nextPicture() {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.type("]} ")
    #expect(state.type("n") == [.openPicture(by: 1)])
    state.post(.cancelled)
    state.post(.picture(synthetic.picture, name: "b.png"))
    #expect(state.work == .run && state.trace == nil && state.map == nil && state.view.selection.isEmpty)
    #expect(state.imageName == "b.png" && state.view.layer == 0 && state.view.head == 0)
    state.post(.trace(synthetic.trace))
    state.post(.finished)
    #expect(state.map != nil && state.work == nil)
    #expect(state.type("N") == [.openPicture(by: -1)])
  }

  @Test("w goes through the workspaces, and the focus moves into one that lacks the panel")
  func workspaces() {
    var state = InspectorState.complete(size: Size(width: 120, height: 36))
    func shown() -> Set<Panel> {
      Set(
        view(state, size: state.size).hits.regions.compactMap {
          if case .panel(let panel) = $0.target { panel } else { nil }
        })
    }
    #expect(shown() == [.image, .attention, .anchors, .verdict])
    state.post(.command(.anchorsPanel))
    state.type("w")
    #expect(state.view.workspace == .attention && state.focus == .attention)
    #expect(shown() == [.attention, .mask, .image])
    // A panel that does not belong takes the last one's place.
    state.post(.command(.checkpointPanel))
    #expect(shown() == [.attention, .mask, .checkpoint])
    state.type("www")
    #expect(state.view.workspace == .all && shown().count == 5)
    state.type("w")
    #expect(state.view.workspace == .explore)
  }

  @Test("A configuration opens with a workspace, and one that there is not is told")
  func configuredWorkspace() throws {
    #expect(try Workspace.configured(json: #"{"workspace": "codebook"}"#, file: "c.json") == .codebook)
    #expect(try Workspace.configured(json: "{}", file: "c.json") == nil)
    let error = try #require(throws: KeyMapError.self) {
      try Workspace.configured(json: #"{"workspace": "desk"}"#, file: "c.json")
    }
    #expect(error.description.hasPrefix("c.json: workspace: “desk” is none of explore, "))
  }

  @Test("The mouse is taken and left")
  func mouse() {
    var state = InspectorState.complete()
    #expect(state.type("M") == [.setMouse(false)])
    #expect(state.type("u") == [.setMouse(true)])
  }
}

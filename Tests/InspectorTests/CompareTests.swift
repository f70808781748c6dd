import ColorMaps
import Evidence
import Inspector
import Tensor
import TerminalUI
import Testing
import Trace

extension SyntheticTrace {
  /// The same model on another picture.
  var second: ComparedRun {
    var other = self
    (other.salt, other.imageName) = (7, "coffee.jpg")
    return ComparedRun(kind: .picture, name: "coffee.jpg", outcome: .run(other.trace, picture: other.picture))
  }
}

@Suite("Two runs held against each other")
struct CompareTests {
  private func compared(_ second: ComparedRun? = nil) -> InspectorState {
    var state = InspectorState.complete()
    state.post(.compared(second ?? SyntheticTrace().second))
    return state
  }

  @Test("The difference of each patch is the second run's value minus the first's")
  func difference() throws {
    let state = compared()
    let comparison = try #require(state.comparison)
    let map = try #require(state.map)
    #expect(comparison.obstacle == nil)
    #expect(comparison.difference.count == 36)
    for (index, position) in map.view.layout.patches.enumerated() {
      #expect(comparison.first[index] == map.view.values[position])
      #expect(comparison.difference[index] == comparison.second[index] - comparison.first[index])
    }
    #expect(comparison.difference.contains { $0 > 0 } && comparison.difference.contains { $0 < 0 })
  }

  @Test("Changes are listed by their size, and the range holds both runs")
  func changes() throws {
    let comparison = try #require(compared().comparison)
    let sizes = comparison.changes.map { abs($0.difference) }
    #expect(sizes == sizes.sorted(by: >))
    #expect(comparison.limit == sizes[0])
    let all = comparison.changes.flatMap { [$0.first, $0.second] }
    #expect(comparison.scale.range.upperBound == all.max())
  }

  @Test("An exact run takes the place of the one of 8 bits, which stays to be compared with until the next run")
  func refined() throws {
    var state = InspectorState.complete()
    let rounded = try #require(state.trace)
    state.post(.refining)
    #expect(state.work == .refinement)
    var exact = SyntheticTrace()
    exact.salt = 7
    let first = ComparedRun(kind: .precision, name: "int8", outcome: .run(rounded, picture: nil))
    state.post(.refined(exact.trace, from: first, words: "exact in the place of int8: the same answer"))
    state.post(.finished)
    #expect(state.work == nil && state.notice == "exact in the place of int8: the same answer")
    #expect(state.trace?.language?.attentionVoco == exact.trace.language?.attentionVoco)
    let comparison = try #require(state.comparison)
    #expect(comparison.difference.contains { $0 != 0 })
    #expect(state.focus != .compare)
    state.post(.trace(rounded))
    #expect(state.compared == nil)
  }

  @Test("A second run that was asked for stays where an exact one arrives")
  func refinedBeside() throws {
    var state = compared()
    let rounded = try #require(state.trace)
    let first = ComparedRun(kind: .precision, name: "int8", outcome: .run(rounded, picture: nil))
    state.post(.refined(SyntheticTrace().trace, from: first, words: ""))
    #expect(state.compared?.name == "coffee.jpg")
  }

  @Test("Another layer or head compares anew")
  func view() throws {
    var state = compared()
    let before = try #require(state.comparison).difference
    state.post(.command(.nextLayer))
    state.post(.command(.nextHead))
    #expect(try #require(state.comparison).difference != before)
    state.post(.command(.undo))
    state.post(.command(.undo))
    #expect(try #require(state.comparison).difference == before)
  }

  @Test("A run against itself differs nowhere")
  func same() throws {
    let synthetic = SyntheticTrace()
    let state = compared(
      ComparedRun(kind: .trace, name: "again", outcome: .run(synthetic.trace, picture: nil)))
    let comparison = try #require(state.comparison)
    #expect(comparison.limit == 0 && comparison.difference.allSatisfy { $0 == 0 })
    #expect(state.report(.compare)[fact: "same answer"] == .flag(true))
    #expect(state.report(.compare)[fact: "KL of the next token, nat"] == .number(0))
    #expect(state.report(.compare)[fact: "mask edges that differ"] == .integer(0))
  }

  @Test("A cut is held against the run before it")
  func cut() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.post(.command(.selectAnchors))
    guard case .knockOut(let request)? = state.post(.command(.knockOut)).first else {
      return #expect(Bool(false), "nothing was cut")
    }
    state.post(.knockOutFinished(synthetic.knockOut(request)))
    state.post(.command(.compare))
    let row = try #require(state.choices.firstIndex { $0.target == .compare(.cut) })
    for _ in 0..<row { state.press(.down) }
    state.press(.enter)
    #expect(state.focus == .compare)
    let comparison = try #require(state.comparison)
    #expect(comparison[.anchor(0)]?.second == 0)
    #expect((comparison[.anchor(0)]?.first ?? 0) > 0)
    #expect(state.report(.compare)[fact: "KL of the next token, nat"] == .number(0.0213))
    // What is cut are the edges from voco to the anchors, and nothing else.
    let masks = try #require(comparison.masks)
    #expect(masks.blocks.count == 1 && masks.firstCount == 4 && masks.secondCount == 0)
    #expect(masks.blocks[0].query == .voco && masks.blocks[0].key == .anchors && masks.blocks[0].total == 4)
  }

  @Test("Two masks are compared segment by segment, whatever the questions' lengths, and drawn where they differ")
  func masks() throws {
    var other = SyntheticTrace()
    (other.visualMask, other.text) = (.causal, 3)
    var state = compared(ComparedRun(kind: .checkpoint, name: "causal", outcome: .run(other.trace, picture: nil)))
    let comparison = try #require(state.comparison)
    let masks = try #require(comparison.masks)
    let star = SyntheticTrace()
    // Under the causal mask a visual token sees those before it: n (n − 1) / 2 edges within a segment.
    let patches = try #require(masks.blocks.first { $0.query == .patches && $0.key == .patches })
    #expect(patches.onlySecond == star.patches * (star.patches - 1) / 2 && patches.onlyFirst == 0)
    let across = try #require(masks.blocks.first { $0.query == .patches && $0.key == .anchors })
    #expect(across.onlySecond == star.patches * star.anchors && across.total == across.onlySecond)
    #expect(masks.firstCount == 0 && masks.blocks.allSatisfy { $0.query != .voco })
    let table = try #require(
      state.report(.compare).tables.first { $0.title == "edges that one mask alone allows" })
    #expect(table.rows.count == masks.blocks.count)
    state.post(.command(.zoomIn))
    let text = Inspector.view(state, size: Size(width: 200, height: 56)).frame.text
    #expect(text.contains("edges in the first alone") && text.contains("patches → patches"), "\(text)")
    #expect(try #require(compared().comparison).masks == nil)
  }

  @Test("Grids of different size compare anchors alone, and the panel says why")
  func grids() throws {
    let other = SyntheticTrace(grid: 4)
    let state = compared(ComparedRun(kind: .trace, name: "small", outcome: .run(other.trace, picture: nil)))
    let comparison = try #require(state.comparison)
    #expect(comparison.obstacle?.contains("grids") == true)
    #expect(comparison.difference.isEmpty && !comparison.changes.isEmpty)
    #expect(Inspector.view(state, size: Size(width: 120, height: 36)).frame.text.contains("No maps"))
  }

  @Test("Without weights a trace file can be compared, a picture cannot")
  func withoutWeights() {
    var state = InspectorState(
      imageName: "a.png", prompt: "?", size: Size(width: 120, height: 36),
      capabilities: InspectorState.Capabilities(runsModel: false))
    state.post(.trace(SyntheticTrace().trace))
    state.post(.finished)
    state.press("c")
    let choices = state.choices
    #expect(choices.first { $0.target == .compare(.picture) }?.obstacle != nil)
    #expect(choices.first { $0.target == .compare(.file) }?.obstacle == nil)
    state.press(.down, .down, .enter)
    state.type("b.safetensors")
    #expect(state.press(.enter) == [.compare(.file(path: "b.safetensors"))])
  }

  @Test("The status line has the second run's value, and a click in any of the maps moves the cursor")
  func linked() throws {
    var state = compared()
    #expect(state.reading.text.contains("second "))
    state.post(.command(.zoomIn))
    let regions = Inspector.view(state, size: state.size).hits.regions.compactMap { region -> GridLayout? in
      if case .patches(let layout) = region.target { layout } else { nil }
    }
    #expect(regions.count == 3)
    let place = regions[1].rect(of: GridPoint(column: 4, row: 2))
    state.post(.input(.mouse(MouseEvent(.press, at: Point(x: place.x, y: place.y)))))
    #expect(state.cursor.patch == GridPoint(column: 4, row: 2))
  }

  @Test("The Checkpoint panel's title counts what is there apart from what is optional and absent")
  func optionalTensors() {
    func title(_ listing: CheckpointListing) -> String {
      var state = InspectorState.complete(size: Size(width: 80, height: 24))
      state.post(.checkpoint(listing))
      state.post(.command(.checkpointPanel))
      return Inspector.view(state, size: state.size).frame.text
    }
    let rows = [
      CheckpointListing.Row(name: "a", shape: [2], dtype: "F32", byteCount: 8, status: "ok", isProblem: false),
      .init(name: "b", shape: [2], dtype: "", byteCount: 0, status: "optional", isProblem: false),
    ]
    let whole = CheckpointListing(name: "m", facts: [], rows: rows, tally: "1 tensor ok, 1 optional one absent")
    #expect(title(whole).contains("7 Checkpoint · 1 tensor ok, 1 optional one absent"))
    #expect(title(listing).contains("7 Checkpoint · 1 tensor not ok"))
  }

  @Test("Parts of a checkpoint are told apart by what their names do not share, on a scale that is named")
  func partNames() {
    let names = [
      "model.vision_tower.vision_tower.a.weight", "model.mgvq.encoder.a.weight", "model.mgvq.decoder.a.weight",
      "model.mgvq.quantize.embedding.weight", "model.layers.0.a.weight", "model.embed_tokens.weight", "lm_head.weight",
    ]
    let rows = names.enumerated().map { index, name in
      CheckpointListing.Row(
        name: name, shape: [64], dtype: "F32", byteCount: 1 << (20 - index), status: "ok", isProblem: false)
    }
    let parts = CheckpointListing(name: "m", facts: [], rows: rows, tally: "7 tensors ok")
    #expect(
      parts.parts.map(\.name) == [
        "vision_tower.vision_tower", "mgvq.encoder", "mgvq.decoder", "mgvq.quantize", "layers", "model", "lm_head",
      ])
    func text(_ size: Size, _ commands: [Command]) -> String {
      var state = InspectorState.complete(size: size)
      state.post(.checkpoint(parts))
      for command in commands { state.post(.command(command)) }
      return Inspector.view(state, size: size).frame.text
    }
    // Behind a part's name stands a blank, which the names of the list do not have there.
    let bars = text(Size(width: 80, height: 24), [.checkpointPanel])
    #expect(bars.contains("log scale") && bars.contains("mgvq.encoder ") && bars.contains("mgvq.decoder "), "\(bars)")
    let areas = text(Size(width: 120, height: 36), [.checkpointPanel, .zoomIn])
    #expect(areas.contains("as areas") && areas.contains("encoder ") && areas.contains("decoder "), "\(areas)")
  }

  @Test("A tensor is read once, and its numbers stand in the report")
  func weights() throws {
    var state = InspectorState.complete()
    state.post(.command(.checkpointPanel))
    let name = listing.rows[0].name
    #expect(state.press(.enter) == [.readWeights(name: name)])
    let tensor = WeightStatistics.ofRamp
    state.post(.weights(name: name, tensor))
    #expect(state.press(.enter).isEmpty)
    let table = try #require(state.report(.checkpoint).tables.first { $0.title == "values of \(name)" })
    #expect(table.rows.contains([.text("greatest"), .number(3)]))
  }
}

extension WeightStatistics {
  /// −1, 0, 0, 1, 2, 3.
  static var ofRamp: WeightStatistics? {
    try? WeightStatistics(StoredTensor(name: "ramp", tensor: Tensor(shape: [6], values: [-1, 0, 0, 1, 2, 3])))
  }
}

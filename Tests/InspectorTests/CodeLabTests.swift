import Evidence
import Inspector
import Tensor
import TerminalUI
import TestSupport
import Testing
import Trace

@Suite("The debugger of codes")
struct CodeLabTests {
  private static let synthetic = SyntheticTrace()

  private func state(_ size: Size = Size(width: 120, height: 36)) -> InspectorState {
    var state = InspectorState.complete(Self.synthetic, size: size)
    state.post(.command(.anchorsPanel))
    state.post(.command(.down))
    return state
  }

  private func request(_ effects: [Effect]) -> CodeLabRequest? {
    for case .codeLab(let request) in effects { return request }
    return nil
  }

  private func decoded(_ effects: [Effect]) -> DecodeRequest? {
    guard case .decode(let request)? = request(effects) else { return nil }
    return request
  }

  private func result(_ request: DecodeRequest) -> DecodeResult {
    let mgvq = Self.synthetic.mgvq
    let (original, whole) = (mgvq.pixelValues, mgvq.reconstruction ?? mgvq.pixelValues)
    let side = original.shape[2]
    return DecodeResult(
      request, decoded: original, original: original, whole: whole, psnr: 21.5, ssim: 0.75,
      error: .zeros([side, side]), latent: mgvq.codes.width)
  }

  @Test("Each kind of decoding asks for its codes, one request at a time, and shows what comes back")
  func decoding() throws {
    var state = state()
    let swap = try #require(decoded(state.post(.command(.decodeKind))))
    guard case .swapped(let edit) = swap.variant else {
      Issue.record("\(swap)")
      return
    }
    #expect(edit.code == state.codeNeighbours?.first?.code && edit.group == 0)
    #expect(state.post(.command(.right)).isEmpty, "one request at a time")
    // What came back is for where the cursor was: the next request is for where it is.
    let moved = try #require(decoded(state.post(.codeLab(.decoded(result(swap))))))
    #expect(moved != swap)
    #expect(state.post(.codeLab(.decoded(result(moved)))).isEmpty)
    let report = state.report(.anchors)
    #expect(report.notes.contains { $0.contains("PSNR 21.5 dB, SSIM 0.75") })
    #expect(report.notes.contains { $0.contains("decoded in its place") })

    #expect(decoded(state.post(.command(.decodeKind)))?.variant == .firstGroups(1))
    #expect(state.post(.codeLab(.decoded(result(DecodeRequest(variant: .firstGroups(1), edits: []))))).isEmpty)
    #expect(decoded(state.post(.command(.nextGroup)))?.variant == .firstGroups(2))
    _ = state.post(.codeLab(.decoded(result(DecodeRequest(variant: .firstGroups(2), edits: [])))))
    #expect(decoded(state.post(.command(.decodeKind)))?.variant == .withoutGroup(1))
    _ = state.post(.codeLab(.decoded(result(DecodeRequest(variant: .withoutGroup(1), edits: [])))))
    guard case .shuffled(let cells, _)? = decoded(state.post(.command(.decodeKind)))?.variant else {
      Issue.record("no shuffle")
      return
    }
    #expect(cells.count > 4 && cells == cells.sorted())
  }

  @Test("Variants leave out groups, exchange cells and replace one code, and nothing else")
  func variants() {
    let codes = CodeGrid(groups: 2, height: 2, width: 2, indices: [0, 1, 2, 3, 4, 5, 6, 7])
    let vectors = { (grid: CodeGrid) in Tensor(shape: [2, 2, 2], values: grid.indices.map { Float($0) + 1 }) }
    #expect(DecodeVariant.firstGroups(1).vectors(codes, vectors).values == [1, 2, 3, 4, 0, 0, 0, 0])
    #expect(DecodeVariant.withoutGroup(0).vectors(codes, vectors).values == [0, 0, 0, 0, 5, 6, 7, 8])
    let swapped = DecodeVariant.swapped(CodeEdit(group: 1, row: 1, column: 0, code: 9)).vectors(codes, vectors)
    #expect(swapped.values == [1, 2, 3, 4, 5, 6, 10, 8])
    for seed in 0..<4 {
      let shuffled = DecodeVariant.shuffled(cells: [0, 1, 3], seed: UInt64(seed)).vectors(codes, vectors).values
      #expect(shuffled[2] == 3 && shuffled[6] == 7 && shuffled.sorted() == [1, 2, 3, 4, 5, 6, 7, 8])
      #expect((0..<4).allSatisfy { shuffled[4 + $0] == shuffled[$0] + 4 }, "groups of a cell stay together")
    }
  }

  @Test("An edit runs the model, stands beside the old run, and undo and redo need no other run")
  func editing() throws {
    var state = state()
    let original = try #require(state.trace)
    _ = state.post(.command(.nextCandidate))
    let candidate = try #require(state.candidateCode)
    #expect(candidate == state.codeNeighbours?[1].code)
    guard case .run(let edits, let prompt)? = request(state.post(.command(.editCode))) else {
      Issue.record("no run")
      return
    }
    #expect(edits.map(\.code) == [candidate] && prompt == Self.synthetic.prompt)
    #expect(state.work == .edit && state.obstacle(to: .editCode) != nil)

    var edited = original
    edited.provenance.edits = edits.words
    edited.mgvq?.codes = try #require(original.mgvq).codes.applying(edits)
    edited.generation?.text = "a dog"
    #expect(state.post(.codeLab(.edited(edited, edits: edits))).isEmpty)
    #expect(state.work == nil && state.trace == edited)
    #expect(state.report(.anchors).notes.contains("the answer was “a cat”, is “a dog”"))
    #expect(state.answerWords.contains("codes edited"))
    #expect(state.obstacle(to: .knockOut)?.contains("edited") == true)

    #expect(state.post(.command(.undo)).isEmpty && state.trace == original)
    #expect(state.post(.command(.redo)).isEmpty && state.trace == edited)
    guard case .save(let saved, let name)? = request(state.post(.command(.saveTrace))) else {
      Issue.record("no file")
      return
    }
    #expect(saved == edits && name == "chelsea-edited.safetensors")
  }

  @Test("Of decoded pictures and edited runs the latest are kept, and undo asks again for those that were forgotten")
  func bounded() throws {
    var state = state()
    let requests = (0..<40).map { code in
      DecodeRequest(variant: .swapped(CodeEdit(group: 0, row: 0, column: 0, code: code)), edits: [])
    }
    for request in requests { state.post(.codeLab(.decoded(result(request)))) }
    #expect(state.codeLab.decoded.count == 8)
    #expect(requests.suffix(8).allSatisfy { state.codeLab.decoded[$0]?.request == $0 })
    #expect(state.codeLab.decoded[requests[31]] == nil)

    let original = try #require(state.trace)
    func answer(_ effects: [Effect]) -> Bool {
      guard case .run(let edits, _)? = request(effects) else { return false }
      var edited = original
      edited.provenance.edits = edits.words
      state.post(.codeLab(.edited(edited, edits: edits)))
      return true
    }
    for _ in 0..<10 { #expect(answer(state.post(.command(.editCode)))) }
    #expect(state.codeLab.runs.count == 4 && state.view.edits.count == 10)
    let asked = (0..<10).map { _ in answer(state.post(.command(.undo))) }
    #expect(asked.prefix(3).allSatisfy { !$0 }, "the latest four runs are kept")
    #expect(asked[3..<9].allSatisfy { $0 }, "what was forgotten is run again")
    #expect(state.trace == original && state.view.edits.isEmpty)
  }

  @Test("A run that fails takes its edit back and is not tried again")
  func failure() throws {
    var state = state()
    guard case .run? = request(state.post(.command(.editCode))) else {
      Issue.record("no run")
      return
    }
    #expect(state.post(.cancelled).isEmpty)
    #expect(state.view.edits.isEmpty && state.work == nil)
    _ = state.post(.command(.decodeKind))
    #expect(state.post(.failed("no memory")).isEmpty)
    #expect(state.failure == "no memory")
  }

  @Test("Any code of the group can be the candidate, by its number in the finder")
  func chosen() throws {
    var state = state()
    state.post(.command(.find))
    state.post(.input(.paste("11")))
    state.post(.input(.key(.enter)))
    #expect(state.candidateCode == 11)
    guard case .run(let edits, _)? = request(state.post(.command(.editCode))) else {
      Issue.record("no run")
      return
    }
    #expect(edits[0].code == 11)
  }

  @Test("What drives the anchors is asked for when shown, and said in words")
  func provenance() throws {
    var state = state()
    state.post(.command(.codePage))
    state.post(.cancelled)
    guard case .provenance(let edits)? = request(state.post(.command(.codePage))) else {
      Issue.record("no request")
      return
    }
    let plane = 25
    let provenance = AnchorAblation(
      cells: Tensor(shape: [4, plane], values: (0..<4 * plane).map { Float($0) / 100 }),
      groups: Tensor(shape: [4, 2], values: [0.1, 0.3, 0, 0, 0, 0, 0, 0]), codes: nil)
    #expect(state.post(.codeLab(.provenance(provenance, edits: edits))).isEmpty)
    let notes = state.report(.anchors).notes
    #expect(notes.contains { $0.contains("largest 0.24") })
    #expect(notes.contains("without a group: 2 0.3, 1 0.1"))
    #expect(notes.contains { $0.hasPrefix("cos with patches") })
    for _ in 1...4 { state.post(.command(.overlay)) }
    #expect(state.view.overlay == .provenance)
  }

  @Test("A trace without weights says why nothing can be decoded")
  func withoutWeights() {
    var state = InspectorState(
      imageName: "chelsea.png", prompt: "", size: Size(width: 100, height: 30),
      capabilities: InspectorState.Capabilities(runsModel: false))
    state.post(.trace(Self.synthetic.trace))
    for command in [Command.decodeKind, .editCode, .saveTrace, .nextCandidate] {
      #expect(state.post(.command(command)).isEmpty)
      #expect(state.obstacle(to: command) == "this trace was opened without weights")
    }
  }

  @Test("The pages of the debugger look as recorded", arguments: [FrameSnapshot.Variant.trueColor, .ascii])
  func frames(_ variant: FrameSnapshot.Variant) {
    let size = Size(width: 120, height: 36)
    let failures = FrameSnapshot.failures(named: "code-decoded-120x36", variants: [variant]) { look in
      var state = InspectorState.complete(Self.synthetic, size: size, glyphs: look.glyphs, depth: look.depth)
      state.post(.command(.anchorsPanel))
      if let request = decoded(state.post(.command(.decodeKind))) {
        state.post(.codeLab(.decoded(result(request))))
      }
      state.post(.command(.zoomIn))
      return view(state, size: size).frame
    }
    #expect(failures == [])
  }
}

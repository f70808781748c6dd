import DemoTour
import Evidence
import Foundation
import Inspector
import PanelExport
import Synchronization
import TerminalUI
import Testing
import Trace

@Suite("Sessions")
struct SessionTests {
  static let size = Size(width: 120, height: 36)
  static let start: SessionStart = {
    var start = SessionStart(program: "1", prompt: SyntheticTrace().prompt, size: size)
    start.picture = SessionStart.File(path: "a.png", sha256: nil)
    return start
  }()

  /// The state that every session here begins with.
  static func opened(_ start: SessionStart = SessionTests.start) -> InspectorState {
    var state = InspectorState(start, imageName: "chelsea.png", runsModel: true, keyMap: .standard)
    state.post(.picture(SyntheticTrace().picture, name: "chelsea.png"))
    return state
  }

  /// What the model would post for an effect.
  static func results(of effect: Effect) -> [Action] {
    var synthetic = SyntheticTrace()
    switch effect {
    case .run(let prompt, _):
      synthetic.prompt = prompt
      let progress = PipelineStage.allCases.map {
        Action.progress(StageProgress(stage: $0, state: .finished, seconds: Double.random(in: 0...9)))
      }
      return progress + [
        .trace(synthetic.start), .checkpoint(listing), .codebook(synthetic.codebook), .trace(synthetic.trace),
        .generation(GenerationTrace(tokenIDs: [5], text: prompt)), .finished,
      ]
    case .openPicture:
      return [.picture(synthetic.picture, name: "next.png")] + results(of: .run(prompt: "what?", reusesImage: false))
    case .knockOut(let request): return [.knockOutFinished(synthetic.knockOut(request))]
    case .matchedRandom(let request):
      let kls = (0..<request.draws).map { Double(hash($0, seed: 1) % 100) / 1000 }
      return [1, request.draws].map {
        .matchedRandom(MatchedRandomResult(request: request, kls: Array(kls.prefix($0))))
      }
    case .compress: return [.compression(.cleared), .compressionFinished]
    case .codeLab(.run(let edits, _)): return [.codeLab(.edited(synthetic.trace, edits: edits))]
    case .listPictures: return [.pictures(PictureShelf(items: []))]
    case .export(let file): return [.exported(path: "/somewhere/\(file.name)")]
    default: return [.failed("this model cannot do that")]
    }
  }

  /// A session of random keys, clicks and pastes while results come in at random, as its file.
  static func recorded(seed: UInt64, steps: Int = 60) -> String {
    var random = SplitMix(seed)
    var (state, recorder) = (opened(), SessionRecorder())
    var (jobs, waiting) = (0, [(job: Int, actions: [Action])]())
    var lines = SessionLog.line(start)
    func draw() {
      recorder.drew(state.draw(size: state.size, pictures: nil), graphics: nil)
      lines += recorder.takeLines()
    }
    func perform(_ effects: [Effect]) -> Bool {
      for effect in effects {
        if effect == .quit { return false }
        if effect == .cancel || effect == .openPicture(by: 1) || effect == .openPicture(by: -1) {
          waiting = waiting.map { ($0.job, [.cancelled]) }
        }
        guard effect.isJob else { continue }
        jobs += 1
        waiting.append((jobs, results(of: effect)))
      }
      return true
    }
    draw()
    _ = perform([.run(prompt: start.prompt, reusesImage: false)])
    for step in 0..<steps {
      for _ in 0...(random.next() % 3) {
        let taken: (job: Int, action: Action)
        if !waiting.isEmpty, random.next() % 2 == 0 {
          taken = (waiting[0].job, waiting[0].actions.removeFirst())
          if waiting[0].actions.isEmpty { waiting.removeFirst() }
        } else {
          taken = (0, .input(event(&random)))
        }
        recorder.note(taken.action, job: taken.job, at: Double(step))
        guard perform(state.take(taken.action)) else { return lines + recorder.takeLines() }
      }
      draw()
    }
    return lines + recorder.takeLines()
  }

  private static func event(_ random: inout SplitMix) -> InputEvent {
    let keys: [Key] =
      "123456hjklGg[]{}amsiVQofxXSrpAFE.,dD)( vwtuUn/?:O".map(Key.character)
      + [.enter, .escape, .tab, .up, .down, .left, .right, .pageDown, .control("l")]
    switch random.next() % 12 {
    case 0: return .mouse(MouseEvent(.press, at: Point(x: Int(random.next() % 120), y: Int(random.next() % 36))))
    case 1: return .paste("a “quoted”\ttext")
    case 2: return .resize(Size(width: 80 + Int(random.next() % 60), height: 24 + Int(random.next() % 20)))
    default: return .key(keys[Int(random.next() % UInt64(keys.count))])
    }
  }

  @Test("Random keys while results come in lead to the same frames again", arguments: [UInt64](0..<8))
  func random(_ seed: UInt64) throws {
    let text = Self.recorded(seed: seed)
    let log = try SessionLog(parsing: text, file: "s.jsonl")
    #expect(log.holdsFrames && log.entries.count > 20)
    var replay = SessionReplay(
      log, file: "s.jsonl", program: Self.opened(), first: [.run(prompt: Self.start.prompt, reusesImage: false)],
      worker: SyntheticWorker())
    while replay.hasMore {
      try replay.advance()
      guard let shown = replay.draw(pictures: nil) else { continue }
      #expect(shown.isAsRecorded == true, "step \(shown.step), \(shown.words):\n\(shown.frame.text)")
    }
  }

  @Test("A result that differs is told with the line where it was expected")
  func differs() throws {
    let text =
      SessionLog.line(Self.start) + #"{"key":"2"}"# + "\n" + #"{"got":"knockOutFinished","job":1}"# + "\n"
    var replay = SessionReplay(
      try SessionLog(parsing: text, file: "s.jsonl"), file: "s.jsonl", program: Self.opened(),
      first: [.run(prompt: "?", reusesImage: false)], worker: SyntheticWorker())
    try replay.advance()
    let error = #expect(throws: SessionError.self) { try replay.advance() }
    #expect(error?.line == 3 && error?.problem.contains("“trace” came") == true)
  }

  @Test("A session written by hand waits until nothing is under way")
  func written() throws {
    let steps = [#"{"idle":true}"#, #"{"command":"selectAnchors"}"#, #"{"key":"x"}"#, #"{"idle":true}"#]
    let text = SessionLog.line(Self.start) + steps.joined(separator: "\n")
    var replay = SessionReplay(
      try SessionLog(parsing: text, file: "s.jsonl"), file: "s.jsonl", program: Self.opened(),
      first: [.run(prompt: "what?", reusesImage: false)], worker: SyntheticWorker())
    while replay.hasMore { try replay.advance() }
    let last = replay.draw(pictures: nil)
    #expect(replay.program.shownKnockOut?.answer == "a dog")
    #expect(last?.step == 4 && last?.isAsRecorded == nil && last?.frame.text.contains("a dog") == true)
  }

  @Test(
    "What is no session is refused with its line",
    arguments: [
      ("", "is empty"), ("{}\n", "line 1 does not begin a session"), ("\n", "is empty"),
      (
        #"{"format":"vocoscope session","version":9,"program":"7"}"#,
        "line 1 is of version 9, of vocoscope 7, expected 1"
      ),
      (#"{"format":"vocoscope session","version":1}"#, "line 1 lacks what a session begins with"),
    ])
  func refused(_ text: String, _ words: String) {
    let error = #expect(throws: SessionError.self) { try SessionLog(parsing: text, file: "s.jsonl") }
    #expect(
      error.map { "\($0)".contains(words) && "\($0)".hasPrefix("s.jsonl") } == true, "\(String(describing: error))")
  }

  @Test(
    "A step that cannot be is refused with its line; half a last line is left out",
    arguments: [
      #"{"key":"nokey"}"#, #"{"resize":[0,5]}"#, #"{"resize":[5]}"#, #"{"mouse":"fly","at":[1,2]}"#,
      #"{"mouse":"press"}"#,
      #"{"command":"fly"}"#, #"{"got":"trace"}"#, #"{"got":"progress","job":1}"#, "[]",
    ])
  func refusedStep(_ step: String) throws {
    let text = SessionLog.line(Self.start) + step + "\n" + #"{"key":"q"}"# + "\n"
    let error = #expect(throws: SessionError.self) { try SessionLog(parsing: text, file: "s.jsonl") }
    #expect(error?.line == 2)
    #expect(try SessionLog(parsing: SessionLog.line(Self.start) + #"{"ke"#, file: "s.jsonl").entries.isEmpty)
  }

  @Test("Every action that is written down reads back as it was")
  func roundTrip() throws {
    let actions: [Action] = [
      .input(.key("q")), .input(.key(" ")), .input(.key(.control("c"))), .input(.key(.function(5))),
      .input(.mouse(MouseEvent(.scrollUp, at: Point(x: 3, y: 4)))), .input(.paste("é\n")),
      .input(.resize(Size(width: 20, height: 5))), .command(.knockOut), .cancelled, .failed("no"), .notice("so"),
      .exported(path: "a/b.png"),
      .progress(StageProgress(stage: .decoder, state: .running(done: 2, of: 6), seconds: 0.25)),
      .progress(StageProgress(stage: .load, state: .failed("finished"), seconds: 1)),
    ]
    for action in actions {
      let line = SessionLog.line(SessionEntry(action, job: 1))
      let entry = try #require(try SessionLog(parsing: SessionLog.line(Self.start) + line, file: "").entries.first)
      #expect(entry.action.map { "\($0)" } == "\(action)", "\(line)")
    }
    #expect(SessionEntry(.trace(SyntheticTrace().start), job: 2).got == "trace")
    let answer = Action.compression(.ended(.voco, stop: "endOfSequence", generationSeconds: 3))
    #expect(answer.measured == [3] && answer.with(measured: [1]).measured == [1])
  }

  @Test("A picture is shown as it was left: layer, head, view, cursor and selection")
  func reopens() throws {
    var state = InspectorState.complete()
    state.type("2]}V ")
    state.type("/a2")
    state.press(.enter)
    let kept = try #require(state.keptView)
    let text = SessionLog.line(kept)
    var again = Self.opened()
    again.post(.reopened(try JSONDecoder().decode(KeptView.self, from: Data(text.utf8))))
    #expect(again.focus == state.focus && again.view.layer == 0)
    for action in Self.results(of: .run(prompt: SyntheticTrace().prompt, reusesImage: false)) { again.post(action) }
    #expect(again.cursor == state.cursor && again.cursor.key == .anchor(1))
    #expect(
      again.view.head == 0 && again.view.display == state.view.display && again.view.selection == state.view.selection)
    // What a smaller model has no layer for is pulled inside.
    var small = Self.opened()
    var wide = kept
    wide.view.layer = 40
    small.post(.reopened(wide))
    for action in Self.results(of: .run(prompt: "?", reusesImage: false)) { small.post(action) }
    #expect(small.view.layer == 2)
    // So is what a damaged file says.
    var damaged = kept
    (damaged.view.layer, damaged.view.head, damaged.view.group, damaged.view.sortedHead) = (-1, -2, -3, -4)
    damaged.view.selection = [.patch(-5), .anchor(99_999)]
    var whole = Self.opened()
    whole.post(.reopened(damaged))
    for action in Self.results(of: .run(prompt: "?", reusesImage: false)) { whole.post(action) }
    #expect(whole.view.layer == 0 && whole.view.head == 0 && whole.view.group == 0)
    #expect(whole.view.sortedHead == nil && whole.view.selection.isEmpty)
  }

  @Test("Undo goes back over a question to the run before it, with its cuts, and redo returns")
  func undoesQuestions() {
    var state = InspectorState.complete()
    state.post(.command(.selectAnchors))
    for effect in state.type("x") { for action in Self.results(of: effect) { state.post(action) } }
    let cut = state.shownKnockOut
    #expect(cut != nil)
    state.type("p")
    state.press(.control("u"))
    state.type("how many?")
    for effect in state.press(.enter) { for action in Self.results(of: effect) { state.post(action) } }
    #expect(state.trace?.provenance.prompt == "how many?" && state.shownKnockOut == nil && state.knockOuts.isEmpty)
    #expect(state.type("u").isEmpty, "the run before is kept")
    #expect(state.prompt == SyntheticTrace().prompt && state.trace?.provenance.prompt == SyntheticTrace().prompt)
    #expect(state.shownKnockOut == cut)
    #expect(state.type("U").isEmpty)
    #expect(state.trace?.provenance.prompt == "how many?" && state.shownKnockOut == nil)
  }

  @Test("Undo does not change the question while the model is at work")
  func undoWhileBusy() {
    var state = InspectorState.complete()
    state.type("p")
    state.type("!")
    state.press(.enter)
    #expect(state.work == .run && state.type("u").isEmpty)
    #expect(state.prompt == SyntheticTrace().prompt + "!" && state.notice?.contains("busy") == true)
  }

  @Test("The chooser shows the folder's pictures, finds by name and opens one", arguments: [(80, 24), (200, 60)])
  func chooser(width: Int, height: Int) {
    var state = InspectorState.complete(size: Size(width: width, height: height))
    #expect(state.type("O") == [.listPictures])
    let names = ["a.png", "chelsea.png"] + (3...9).map { "scene-\($0).png" }
    let items = names.map { PictureShelf.Item(path: "/p/\($0)", name: $0, isInFolder: $0 != "scene-9.png") }
    state.post(.pictures(PictureShelf(items: items)))
    let before = view(state, size: state.size).frame
    state.post(.thumbnail(path: "/p/chelsea.png", SyntheticTrace().picture))
    #expect(state.selectedChoice == 1)
    let text = view(state, size: state.size).frame.text
    #expect(text.contains("scene-3.png") && view(state, size: state.size).frame != before)
    state.press(.right)
    #expect(state.selectedChoice == 2)
    state.type("9")
    #expect(state.press(.enter) == [.openPictureAt(path: "/p/scene-9.png")])
    #expect(state.work == .run)
  }

  @Test("A screen is drawn with its text as text, at every size")
  func drawn() throws {
    for size in [Size(width: 20, height: 5), Self.size] {
      let frame = view(InspectorState.complete(size: size), size: size).frame
      let svg = String(decoding: ScreenFile.svg.bytes(of: frame), as: UTF8.self)
      #expect(svg.contains("DejaVu Sans Mono") && svg.contains("viewBox=\"0 0 \(size.width * 8) \(size.height * 16)\""))
      if size == Self.size { #expect(svg.contains(">Attention</text>") && !svg.contains("⣀") && svg.contains("<rect")) }
      #expect(ScreenFile.png.bytes(of: frame).starts(with: [0x89, 0x50]))
      #expect(ScreenFile.pdf.bytes(of: frame).starts(with: Array("%PDF".utf8)))
    }
    let error = #expect(throws: PanelExportError.self) { try ScreenFile(path: "a.gif") }
    #expect(error?.description.contains(".svg") == true)
  }
}

/// Gives the same results for the same effects, whenever it is asked.
private final class SyntheticWorker: SessionWorker {
  private let waiting = Mutex<[Int: [Action]]>([:])

  func start(_ effect: Effect, job: Int, cancelledAfter: Int?, for state: InspectorState) {
    let results = SessionTests.results(of: effect).filter { SessionEntry($0, job: job).isComputed }
    waiting.withLock { $0[job] = Array(results.prefix(cancelledAfter ?? .max)) }
  }

  func nextResult(of job: Int) -> Action? {
    waiting.withLock { waiting in
      guard let next = waiting[job]?.first else { return nil }
      waiting[job]?.removeFirst()
      return next
    }
  }
}

private struct SplitMix: RandomNumberGenerator {
  private var index = 0
  private let seed: UInt64

  init(_ seed: UInt64) { self.seed = seed }

  mutating func next() -> UInt64 {
    index += 1
    return hash(index, seed: seed)
  }
}

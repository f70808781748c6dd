import Evidence
import Experiments
import Foundation
import HTCVLM
import Synchronization
import Tensor
import Testing
import Trace

/// A conversation with the recorded checkpoint about its picture, and what it told.
private struct Held {
  let pipeline: Pipeline
  let picture: PictureSource
  let cache: VisualCache
  var dialogue: CompressionDialogue
  private let told: Told

  private final class Told: Sendable {
    let events = Mutex<[CompressionEvent]>([])
  }

  init() throws {
    pipeline = try Pipeline(opening: recordedCheckpoint, version: "test")
    picture = try PictureSource(path: recordedCheckpoint + "/image.png")
    let told = Told()
    self.told = told
    dialogue = CompressionDialogue(
      pipeline.model, sources: VisualSource.allCases, options: GenerationOptions(maxNewTokens: 4), run: RunContext()
    ) { event in told.events.withLock { $0.append(event) } }
    cache = try dialogue.add(picture, encoded: pipeline.model.encode(picture.image))
  }

  var events: [CompressionEvent] { told.events.withLock { $0 } }

  var state: CompressionState {
    var state = CompressionState()
    for event in events { state.apply(event) }
    return state
  }
}

@Suite("A conversation from all sources at once")
struct ConversationTests {
  @Test("Each source answers as the model does alone, and its cost and its end are told")
  func answers() throws {
    var held = try Held()
    try held.dialogue.ask("what is it?", keepsTurns: false)
    let exchange = try #require(held.state.latest)
    for source in VisualSource.allCases {
      let alone = try held.pipeline.model.answer(
        "what is it?", from: held.cache, source: source, options: GenerationOptions(maxNewTokens: 4))
      let answer = try #require(exchange[source])
      #expect(answer.tokens.map(\.id) == alone.tokenIDs.map(Int.init), "\(source)")
      #expect(answer.stop == alone.stop.rawValue && answer.isOver)
      #expect(answer.cost?.promptTokens == alone.promptTokenIDs.count)
    }
    #expect(held.state.pictures.map(\.sha256) == [held.picture.sha256])
    #expect(held.state.pictures[0].rows[.voco] == 1)
  }

  @Test("Answers advance side by side: no source is two tokens ahead of another that goes on")
  func sideBySide() throws {
    var held = try Held()
    try held.dialogue.ask("what is it?", keepsTurns: false)
    var counts: [VisualSource: Int] = [:]
    var ended: Set<VisualSource> = []
    for event in held.events {
      if case .ended(let source, _, _) = event { ended.insert(source) }
      guard case .token(let source, _, _) = event else { continue }
      counts[source, default: 0] += 1
      let running = VisualSource.allCases.filter { !ended.contains($0) }.map { counts[$0] ?? 0 }
      #expect((running.max() ?? 0) - (running.min() ?? 0) <= 1)
    }
    #expect(ended == Set(VisualSource.allCases))
  }

  @Test("A follow-up that keeps turns starts from the turn before it, one that does not from the pictures")
  func followUps() throws {
    var held = try Held()
    try held.dialogue.ask("what is it?", keepsTurns: false)
    try held.dialogue.ask("and now?", keepsTurns: false)
    try held.dialogue.ask("and then?", keepsTurns: true)
    let exchanges = held.state.exchanges
    #expect(exchanges.map(\.number) == [1, 2, 3] && exchanges.map(\.keepsTurns) == [false, false, true])
    for source in VisualSource.allCases {
      let rows = try exchanges.map { try #require($0[source]?.cost?.reusedRows) }
      #expect(rows[0] == rows[1] && rows[2] > rows[1], "\(source): \(rows)")
    }
  }

  @Test("A cancelled question ends at once, and the next is answered as if it had not been asked")
  func cancellation() throws {
    var (held, fresh) = (try Held(), try Held())
    let flag = CancellationFlag()
    flag.cancel()
    held.dialogue.run = RunContext(cancellation: flag)
    #expect(throws: CancellationError.self) { try held.dialogue.ask("what is it?", keepsTurns: true) }
    held.dialogue.run = RunContext()
    try held.dialogue.ask("what else?", keepsTurns: true)
    try fresh.dialogue.ask("what else?", keepsTurns: true)
    let (after, undisturbed) = (try #require(held.state.latest), try #require(fresh.state.latest))
    #expect(after.answers.map(\.tokens) == undisturbed.answers.map(\.tokens))
    #expect(after.number == 2 && undisturbed.number == 1)
  }

  @Test("A family's question that names an object is left out while nothing was named")
  func families() throws {
    let held = try Held()
    try held.dialogue.families(
      [
        FamilyQuestion(family: "count", text: "how many?", right: "two"),
        FamilyQuestion(family: "where", text: "where is {object}?", right: nil),
      ], about: held.cache)
    let state = held.state
    #expect(state.familyCount == 2 && state.families.map(\.family) == ["count"])
    #expect(state.families[0].answers.map(\.source) == VisualSource.allCases && state.families[0].right == "two")
  }
}

@Suite("Cuts tried one by one")
struct CutProbeTests {
  private func probe() throws -> (CutProbe, [Int], [Int]) {
    let pipeline = try Pipeline(opening: recordedCheckpoint, version: "test")
    let picture = try PictureSource(path: recordedCheckpoint + "/image.png")
    let cache = try pipeline.cache(picture)
    let probe = CutProbe(
      pipeline: pipeline, picture: picture, prompt: "what is it?", options: GenerationOptions(maxNewTokens: 2))
    return (probe, cache.anchorPositions, cache.patchPositions)
  }

  @Test("Cutting nothing changes nothing; cutting the anchors takes their attention away")
  func effects() throws {
    let (probe, anchors, _) = try probe()
    let none = try probe.effect(of: .none)
    #expect(abs(none.kl) < 1e-9 && none.leadChange == 0)
    let cut = try probe.effect(of: .cut(keys: Set(anchors)))
    #expect(cut.kl > 0)
    let row = cut.attentionVoco[row: 0][row: 0].values
    #expect(anchors.allSatisfy { row[$0] == 0 } && none.attentionVoco[row: 0][row: 0].values[anchors[0]] > 0)
  }

  @Test("Random cuts are told in portions, and a seed draws the same again")
  func randomCuts() throws {
    let (probe, anchors, patches) = try probe()
    func run(_ seed: UInt64) throws -> [[Double]] {
      var told: [[Double]] = []
      try probe.randomCuts(
        of: anchors.count, among: patches, draws: 20, seed: seed, cutting: { .cut(keys: Set($0)) },
        onProgress: { told.append($0) })
      return told
    }
    let first = try run(1)
    #expect(first.map(\.count) == [16, 20] && Array(first[1].prefix(16)) == first[0])
    #expect(try run(1) == first)
    #expect(try run(2) != first)
  }
}

@Suite("A codebook's report")
struct CodebookRunTests {
  @Test("Pictures are measured one by one, and the text, the CSV and the JSON tell of the same run")
  func report() throws {
    var told: [String] = []
    let run = try CodebookRun(
      MGVQSource(path: recordedCheckpoint), imageSize: MGVQSource.imageSize, wantsPatches: false, version: "7.8.9",
      progress: { told.append($0) })
    let pictures = try VerifyPictures([recordedCheckpoint + "/image.png"])
    let report = CodebookText(try run.answer(CodebookRun.Question(pictures: pictures)).document)
    #expect(told == ["picture 1/1 image.png"])
    #expect(report.text.contains("vocoscope 7.8.9") && report.text.contains(pictures.sha256))
    let lines = report.csv.split(separator: "\n")
    #expect(lines[0] == "kind,group,name,value,sentence" && lines.contains("provenance,,version,7.8.9,"))
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
    #expect((document["provenance"] as? [String: Any])?["picturesSHA256"] as? String == pictures.sha256)
  }

  @Test("A code that the codebook does not have is refused by name")
  func noSuchCode() throws {
    let run = try CodebookRun(
      MGVQSource(path: recordedCheckpoint), imageSize: MGVQSource.imageSize, wantsPatches: false, version: "test")
    let error = #expect(throws: ExperimentError.self) {
      try run.answer(CodebookRun.Question(pictures: VerifyPictures([]), code: CodeName("99:0")))
    }
    #expect(error?.description.hasPrefix("--code 99:0: star-png has groups 1 to ") == true)
  }
}

import HTCVLM
import Safetensors
import Synchronization
import Tensor
import TestSupport
import Testing
import Trace

/// Collects what a run reports.
private final class Log: Sendable {
  private let entries = Mutex<[StageProgress]>([])
  private let partial = Mutex<[Trace]>([])
  private let generated = Mutex<[GenerationTrace]>([])

  func add(_ entry: StageProgress) { entries.withLock { $0.append(entry) } }
  func add(_ trace: Trace) { partial.withLock { $0.append(trace) } }
  func add(_ answer: GenerationTrace) { generated.withLock { $0.append(answer) } }

  var progress: [StageProgress] { entries.withLock { $0 } }
  var traces: [Trace] { partial.withLock { $0 } }
  var answers: [GenerationTrace] { generated.withLock { $0 } }

  func states(_ stage: PipelineStage) -> [StageProgress.State] {
    progress.filter { $0.stage == stage }.map(\.state)
  }
}

@Suite("Pipeline")
struct PipelineTests {
  private static let imageStages: [PipelineStage] = [.mgvq, .anchors, .vision, .decoder, .reconstruction]

  @Test("A new prompt on the same picture reuses it, says so, and gives the result of a cold run")
  func reuse() throws {
    let parity = ParityCase.star
    let pipeline = try parity.pipeline()
    let picture = try parity.picture()
    _ = try pipeline.trace(picture, try parity.request())
    let log = Log()
    var request = try parity.request()
    request.prompt = "is there a dotted star?"
    let warm = try pipeline.trace(picture, request, progress: log.add)
    for stage in Self.imageStages { #expect(log.states(stage) == [.reused]) }
    #expect(log.states(.answer).last == .finished)
    #expect(warm == (try parity.pipeline().trace(picture, request)))
  }

  @Test("Another picture is run from the start")
  func otherPicture() throws {
    let parity = ParityCase.star
    let pipeline = try parity.pipeline()
    _ = try pipeline.trace(try parity.picture(), try parity.request())
    let log = Log()
    let other = try ParityCase.twoVocos.picture()
    let trace = try pipeline.trace(other, try parity.request(), progress: log.add)
    for stage in Self.imageStages { #expect(log.states(stage).last == .finished) }
    #expect(trace == (try parity.pipeline().trace(other, try parity.request())))
  }

  @Test("An intervention that cuts edges gives the trace of a run under it, and the plain run comes back")
  func intervention() throws {
    let parity = ParityCase.star
    let pipeline = try parity.pipeline()
    let picture = try parity.picture()
    let plain = try pipeline.trace(picture, try parity.request())
    var request = try parity.request()
    request.intervention = .cut(keys: [1, 2, 3, 4])
    let cut = try pipeline.trace(picture, request)
    #expect(cut == (try parity.pipeline().trace(picture, request)))
    let language = try #require(cut.language)
    #expect(language.attentionVoco[row: 0][row: 0].values[1...4].allSatisfy { $0 == 0 })
    #expect(language.logits != plain.language?.logits)
    #expect(try pipeline.trace(picture, try parity.request()) == plain)
  }

  @Test("Stages run in their order, each counting up to its steps")
  func progress() throws {
    let parity = ParityCase.star
    let log = Log()
    _ = try parity.pipeline().trace(try parity.picture(), try parity.request(), progress: log.add)
    var order: [PipelineStage] = []
    for entry in log.progress where !order.contains(entry.stage) { order.append(entry.stage) }
    #expect(order == [.mgvq, .anchors, .vision, .decoder, .answer, .reconstruction])
    for stage in order {
      let states = log.states(stage)
      #expect(states.last == .finished)
      let counts = states.dropLast().compactMap { state -> (done: Int, of: Int)? in
        if case .running(let done, let of) = state { (done, of) } else { nil }
      }
      #expect(counts.count == states.count - 1)
      #expect(counts.map(\.done) == Array(0..<counts.count))
      #expect(counts.allSatisfy { $0.done <= $0.of && $0.of == counts[0].of })
      if stage != .answer { #expect(counts.last?.done == counts[0].of) }
    }
  }

  @Test("The trace fills in while the run goes on, codes before patches before attention before text")
  func partialTraces() throws {
    let parity = ParityCase.star
    let log = Log()
    let final = try parity.pipeline().trace(
      try parity.picture(), try parity.request(), onChange: log.add, onGeneration: log.add)
    func first(_ has: @escaping (Trace) -> Bool) throws -> Int { try #require(log.traces.firstIndex(where: has)) }
    let order = [
      try first { $0.mgvq != nil }, try first { $0.anchors != nil }, try first { $0.vision != nil },
      try first { $0.sequence != nil }, try first { $0.language != nil },
      try first { $0.mgvq?.reconstruction != nil },
    ]
    #expect(order == order.sorted() && Set(order).count == order.count)
    #expect(log.traces.last == final)
    #expect(log.answers.map(\.tokenIDs.count).prefix(8) == Array(1...8)[...])
    #expect(log.answers.last == final.generation)
  }

  @Test(
    "Cancelling in any stage stops there, and the next run finishes the work",
    arguments: [PipelineStage.mgvq, .anchors, .vision, .decoder, .answer, .reconstruction])
  func cancel(_ stage: PipelineStage) throws {
    let parity = ParityCase.star
    let pipeline = try parity.pipeline()
    let picture = try parity.picture()
    let flag = CancellationFlag()
    let log = Log()
    #expect(throws: CancellationError.self) {
      try pipeline.trace(
        picture, try parity.request(),
        progress: { entry in
          log.add(entry)
          if entry.stage == stage { flag.cancel() }
        },
        cancellation: flag)
    }
    #expect(log.progress.last?.stage == stage)
    #expect(log.progress.last?.state == .cancelled)
    #expect(log.states(stage).count <= 3)
    let after = try pipeline.trace(picture, try parity.request())
    #expect(after == (try parity.pipeline().trace(picture, try parity.request())))
  }

  @Test("A run cancelled before it starts computes nothing")
  func cancelledBefore() throws {
    let parity = ParityCase.star
    let flag = CancellationFlag()
    flag.cancel()
    let log = Log()
    #expect(throws: CancellationError.self) {
      try parity.pipeline().trace(
        try parity.picture(), try parity.request(), cancellation: flag, onChange: log.add)
    }
    #expect(log.traces.isEmpty)
  }

  @Test("A trace names its picture, model and prompt")
  func provenance() throws {
    let parity = ParityCase.causal
    let trace = try parity.pipeline().trace(try parity.picture(), try parity.request())
    #expect(trace.provenance.imageName == "image.jpg")
    #expect(trace.provenance.imageWidth == 61 && trace.provenance.imageHeight == 97)
    #expect(trace.provenance.modelName == "voco-causal-bf16")
    #expect(trace.provenance.prompt == "how many small circles are there?")
    #expect(trace.provenance.version == "test")
    #expect(trace.provenance.imageSHA256 == (try parity.picture().sha256))
    #expect(trace.model.keyValueHeads == 2 && trace.model.visualMask == .causal && trace.model.patchGrid == 6)
    #expect(trace.sequence?.pieces[0] == "<s>")
    #expect(trace.sequence?.pieces[1] == "patch")
    #expect(trace.sequence?.pieces[37] == "<0x0A>")
    #expect(trace.sequence?.pieces[38] == "<voco>")
  }

  @Test("Opening reports the stage load, and a directory that is no checkpoint fails it")
  func opening() throws {
    let log = Log()
    _ = try Pipeline(opening: ParityCase.star.directory, version: "test", progress: log.add)
    #expect(
      log.states(.load) == [.running(done: 0, of: 2), .running(done: 1, of: 2), .running(done: 2, of: 2), .finished])
    let failed = Log()
    #expect(throws: CheckpointError.self) {
      try Pipeline(opening: "/nowhere", version: "test", progress: failed.add)
    }
    guard case .failed(let reason) = failed.progress.last?.state else {
      Issue.record("\(failed.progress)")
      return
    }
    #expect(reason.contains("/nowhere"))
  }

  @Test("A run that does not fit the memory left says so, with the sum, before it starts")
  func memory() throws {
    let parity = ParityCase.star
    #expect {
      _ = try Pipeline(opening: parity.directory, version: "test", availableMemory: 1 << 10)
    } throws: { error in
      guard case .memory(_, let estimate, 1 << 10)? = error as? ModelError else { return false }
      return estimate.resident == estimate.converted + estimate.activations + estimate.keyValues
        && "\(error)".contains("MiB of activations")
    }
    _ = try Pipeline(opening: parity.directory, version: "test", availableMemory: 1 << 34)
  }
}

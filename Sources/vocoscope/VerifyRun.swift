import Evaluation
import Evidence
import Experiments
import Foundation
import HTCVLM
import ImageLoading
import Reports

/// Measures the pictures and controls of one part of a `verify` run, and keeps the state on disk as it goes.
struct VerifyRun {
  private let checkpoint: CheckpointDirectory
  private let subject: VerifySubject
  private let pictures: VerifyPictures
  private let measurement: VerifyMeasurement
  private let progress = ProgressLine()

  init(
    _ pictures: VerifyPictures, model: ModelOpening, prompt: String, seed: UInt64, draws: Int, cutsHeads: Bool?
  ) throws {
    let pipeline = try model.open()
    checkpoint = pipeline.checkpoint
    subject = try VerifySubject(checkpoint, model: pipeline.model, prompt: prompt, version: programVersion)
    self.pictures = pictures
    let heads = checkpoint.configuration.layers * checkpoint.configuration.heads
    measurement = VerifyMeasurement(
      subject: subject, seed: seed, draws: draws, cutsHeads: cutsHeads ?? (heads <= VerifyMeasurement.mostHeadsCut))
  }

  private var plan: VerifyPlan {
    VerifyPlan(
      run: subject.evidenceRun(seed: measurement.seed),
      inputs: EvidenceInputs(
        pictures: pictures.entries.count, picturesSHA256: pictures.sha256, draws: measurement.draws,
        localDraws: VerifyMeasurement.localDraws, randomModels: RandomModels.count(for: checkpoint)),
      cutsHeads: measurement.cutsHeads)
  }

  /// Runs what the file at `path` does not hold yet, or everything without a file.
  func finish(_ shard: Shard, savingTo path: String?) throws -> VerifyState {
    let state = try path.map { try VerifyState.resume($0, plan: plan, shard: shard) }
    var keeper = VerifyKeeper(state: state ?? VerifyState(plan: plan, shard: shard), path: path)
    defer { progress.clear() }
    do {
      try measurePictures(&keeper)
      try measureBlanks(&keeper)
      try measureRandomModels(&keeper)
    } catch {
      // What was measured before the broken picture is kept for the next try.
      try? keeper.save()
      throw error
    }
    try keeper.save()
    return keeper.state
  }

  private func measurePictures(_ keeper: inout VerifyKeeper) throws {
    let entries = pictures.entries
    // The next picture's anchors are the content control, so its encoding is needed twice.
    var next: (index: Int, visual: VisualEncoding)?
    for index in keeper.state.pictures where !keeper.state.summary.contains(key: entries[index].sha256) {
      let entry = entries[index]
      let name = URL(fileURLWithPath: entry.path).lastPathComponent
      progress.show("picture \(index + 1)/\(entries.count) \(name)")
      let visual = try next.flatMap { $0.index == index ? $0.visual : nil } ?? encode(index)
      if entries.count > 1 {
        let following = (index + 1) % entries.count
        next = (following, try encode(following))
      }
      let result = try measurement.measure(key: entry.sha256, name: name, visual, other: next?.visual)
      keeper.state.summary.add(result.picture, attention: result.attention, cuts: result.cuts)
      keeper.state.summary.add(row: VocoRow(result.attention, index: index, key: entry.sha256, name: name))
      try keeper.saveNowAndThen()
    }
  }

  private func measureBlanks(_ keeper: inout VerifyKeeper) throws {
    let done = Set(keeper.state.summary.blanks.map(\.name))
    for name in keeper.state.blanks where !done.contains(name) {
      progress.show("blank picture: \(name)")
      if let blank = try subject.blank(name) { keeper.state.summary.add(blank: blank) }
      try keeper.saveNowAndThen()
    }
  }

  private func measureRandomModels(_ keeper: inout VerifyKeeper) throws {
    let done = Set(keeper.state.summary.randomModels.map(\.seed))
    let numbers = keeper.state.randomModels.filter { !done.contains(UInt64($0)) }
    guard !numbers.isEmpty else { return }
    let models = RandomModels(checkpoint, subject.model, seed: measurement.seed)
    let first = try pictures.entries.prefix(RandomModels.pictures).indices.map { index in
      (key: pictures.entries[index].sha256, visual: try encode(index))
    }
    for number in numbers {
      progress.show("random weights \(number + 1)/\(keeper.state.plan.inputs.randomModels)")
      let random = subject.replacing(model: try models.model(number))
      keeper.state.summary.add(randomModel: try random.effects(number: number, on: first))
      try keeper.saveNowAndThen()
    }
  }

  private func encode(_ index: Int) throws -> VisualEncoding {
    try subject.model.encode(ImageDecoder.decode(path: pictures.entries[index].path).image)
  }
}

/// Saves a state at most every few seconds, since the sign patterns' sums make it megabytes.
private struct VerifyKeeper {
  var state: VerifyState
  let path: String?
  private var saved: ContinuousClock.Instant?

  init(state: VerifyState, path: String?) {
    self.state = state
    self.path = path
  }

  private static let interval = Duration.seconds(5)

  mutating func saveNowAndThen() throws {
    let now = ContinuousClock.now
    if let saved, now - saved < Self.interval { return }
    try save()
    saved = ContinuousClock.now
  }

  func save() throws {
    if let path { try state.write(to: path) }
  }
}

import Evidence
package import HTCVLM
import Statistics
package import Tensor

/// Measures the pictures and controls of one part of a `verify` run, and keeps the state on disk as it goes.
package struct VerifyRun {
  private let subject: VerifySubject
  private let source: any VerifySource
  private let tensors: [String: StoredTensor]
  private let preprocessor: ImageProcessorConfiguration
  private let check: () throws -> Void
  package let plan: VerifyPlan
  private let progress: (String) -> Void
  private let say: (String) -> Void

  /// Blank pictures of a run: one for each of the first pictures.
  private static let blanks = 16

  /// - Parameters:
  ///   - tensors: the checkpoint's, to permute.
  ///   - picturesSHA256: over the pictures' own.
  ///   - randomModels: whether to run models of permuted weights; `nil` runs them where they are affordable.
  ///   - pictureWarnings: what decoding found odd, a line a picture.
  ///   - check: called before a record is kept; throws if the weights are not those that the run began with.
  ///   - progress: gets what is under way.
  ///   - say: gets sentences that are to stay.
  package init(
    _ subject: VerifySubject, _ source: any VerifySource, tensors: [String: StoredTensor],
    preprocessor: ImageProcessorConfiguration, picturesSHA256: String, seed: UInt64, randomModels: Bool?,
    pictureWarnings: [String] = [], check: @escaping () throws -> Void = {}, progress: @escaping (String) -> Void,
    say: @escaping (String) -> Void = { _ in }
  ) {
    self.subject = subject
    self.source = source
    self.tensors = tensors
    self.preprocessor = preprocessor
    self.check = check
    self.progress = progress
    self.say = say
    let count = source.keys.count
    let isAffordable = RandomModels.parameters(tensors) <= RandomModels.affordable
    plan = VerifyPlan(
      run: subject.evidenceRun(seed: seed),
      inputs: EvidenceInputs(
        pictures: count, picturesSHA256: picturesSHA256, draws: ComparedPatches.draws,
        blanks: count > 1 ? min(count, Self.blanks) : 0,
        randomModels: count > 1 && randomModels ?? isAffordable ? VerdictRule().randomModels : 0,
        pictureWarnings: pictureWarnings))
  }

  /// Runs what the file at `path` does not hold yet, or everything without a file.
  package func finish(_ shard: Shard = .whole, savingTo path: String? = nil) throws -> VerifyState {
    var state = VerifyState(plan: plan, shard: shard)
    var writer: VerifyStateFile.Writer?
    if let path { (writer, state) = try VerifyStateFile.Writer.open(path, plan: plan, shard: shard) }
    let keep = { (record: VerifyRecord, state: inout VerifyState) in
      try check()
      try state.add(record)
      try writer?.append(record)
    }
    let pictures = CompressedPictures(source, subject.model)
    for index in 0..<plan.inputs.pictures where state.answers[index] == nil {
      progress("answers \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
      let tokens = try subject.answers(try pictures[index])
      try keep(.answer(index: index, key: source.keys[index], tokens: tokens), &state)
      // Said at once, so that nobody finds out after hours what the control takes.
      if index == 0, !state.ownRandomModels.isEmpty {
        let seen = min(plan.inputs.pictures, RandomModels.pictures)
        say(
          try cost(
            state.ownRandomModels.count, runs: min(plan.inputs.pictures, seen * (1 + DonorChoice.perPicture)) + seen,
            pictures))
      }
    }
    guard !state.isFinished, let donors = state.donors else { return state }
    let measurement = PictureMeasurement(
      subject: subject, layouts: try subject.layouts(try pictures[0].visual),
      grams: subject.model.outputGrams(), seed: plan.run.seed, donors: donors,
      answers: subject.prompts.indices.map { prompt in
        (0..<plan.inputs.pictures).map { state.answers[$0]?[prompt] ?? [] }
      })
    for index in state.ownPictures where state.pictures[index] == nil {
      progress("picture \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
      let picture = try measurement.measure(
        index, key: source.keys[index], name: source.names[index], pictures: { try pictures[$0] })
      try keep(.picture(picture), &state)
    }
    try measureHeads(measurement, pictures, &state, keep)
    try measureBlanks(measurement, &state, keep)
    try measureRandomModels(measurement, pictures, &state, keep)
    return state
  }

  private typealias Keep = (VerifyRecord, inout VerifyState) throws -> Void

  /// Heads chosen by half of the pictures, and their effects in the others.
  private func measureHeads(
    _ measurement: PictureMeasurement, _ pictures: CompressedPictures, _ state: inout VerifyState, _ keep: Keep
  ) throws {
    guard state.ownTested.contains(where: { state.heads[$0] == nil }) else { return }
    for index in state.unknownCells {
      progress("attention, to choose heads, of picture \(index + 1)/\(plan.inputs.pictures)")
      let vocos = try measurement.vocoEvidence(try pictures[index], key: source.keys[index], donors: [])
      try keep(.cells(index: index, vocos.map(\.cells)), &state)
    }
    guard let choice = state.headChoice else { return }
    for index in state.ownTested where state.heads[index] == nil {
      progress("single heads, picture \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
      try keep(
        .heads(try measurement.headEvidence(index, choice.heads, pictures: { try pictures[$0] })), &state)
    }
  }

  /// The anchors of another blank picture put into each, read between the answers of the pictures that they stand for.
  private func measureBlanks(_ measurement: PictureMeasurement, _ state: inout VerifyState, _ keep: Keep) throws {
    let blanks = CompressedPictures(BlankSource(source: source, seed: plan.run.seed), subject.model)
    for index in state.ownBlanks where state.blanks[index] == nil {
      progress("blank picture \(index + 1)/\(plan.inputs.blanks)")
      let plain = try blanks[index]
      let contexts = DonorContexts(
        subject.model, plain: plain, donor: try blanks[(index + 1) % plan.inputs.blanks])
      let movement = try subject.prompts.indices.map { prompt -> [Double] in
        guard measurement.donors[prompt].differ[index] else { return [] }
        let moved = try measurement.donors[prompt].donors[index].compactMap { donor in
          try measurement.movement(index, donor: donor, prompt: prompt, plain, contexts)
        }
        guard !moved.isEmpty else { return [] }
        return subject.vocos.map { voco in moved.reduce(0) { $0 + abs($1[voco]) } / Double(moved.count) }
      }
      try keep(.blank(BlankEvidence(index: index, movement: movement)), &state)
    }
  }

  private func measureRandomModels(
    _ measurement: PictureMeasurement, _ pictures: CompressedPictures, _ state: inout VerifyState, _ keep: Keep
  ) throws {
    let left = state.ownRandomModels.filter { state.randomModels[$0] == nil }
    guard !left.isEmpty else { return }
    let models = RandomModels(subject.model, tensors: tensors, preprocessor: preprocessor, seed: plan.run.seed)
    let seen = min(plan.inputs.pictures, RandomModels.pictures)
    // Their features and codes are the same in every random model.
    var encoded: [Int: VisualEncoding] = [:]
    for index in measurement.seen(seen) { encoded[index] = try pictures.encoding(index) }
    say(try cost(left.count, runs: encoded.count + seen, pictures))
    let start = ContinuousClock.now
    for (done, number) in left.enumerated() {
      let each = done > 0 ? start.duration(to: .now) / .seconds(1) / Double(done) : 0
      let rest = done > 0 ? ", \(Format.duration(each * Double(left.count - done))) left" : ""
      progress(
        "permuted weights \(number + 1)/\(plan.inputs.randomModels) on \(seen) pictures and their donors\(rest)")
      let evidence = try measurement.randomModel(
        number, try models.model(number), keys: source.keys, pictures: seen, encoded: { encoded[$0]! })
      try keep(.random(evidence), &state)
    }
  }

  /// What the random models will take, from what the decoder took so far.
  private func cost(_ models: Int, runs: Int, _ pictures: CompressedPictures) throws -> String {
    if pictures.compressions == 0 { _ = try pictures[0] }
    return RandomModels.cost(
      models, runs: runs, seconds: pictures.seconds / Double(pictures.compressions),
      parameters: RandomModels.parameters(tensors))
  }
}

/// The blank twins of a source's pictures.
private struct BlankSource: VerifySource {
  let source: any VerifySource
  let seed: UInt64

  var keys: [String] { source.keys.map { "blank \($0)" } }
  var names: [String] { source.names }

  func encode(_ index: Int, _ model: HTCVLMModel) throws -> VisualEncoding {
    try source.blank(index, model, seed: seed)
  }

  func blank(_ index: Int, _ model: HTCVLMModel, seed: UInt64) throws -> VisualEncoding {
    try source.blank(index, model, seed: seed)
  }
}

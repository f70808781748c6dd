import Evidence
package import HTCVLM
import Statistics
package import Tensor
import WeightFormats

/// Measures the pictures and controls of one part of a `verify` run, and keeps the state on disk as it goes.
package struct VerifyRun {
  private let subject: VerifySubject
  private let source: any VerifySource
  private let tensors: [String: StoredTensor]
  private let preprocessor: ImageProcessorConfiguration
  private let prepared: PreparedPictures?
  private let room: Int
  private let check: () throws -> Void
  package let plan: VerifyPlan
  private let progress: (String) -> Void
  private let say: (String) -> Void

  /// Blank pictures of a run: one for each of the first pictures.
  private static let blanks = 16
  /// Bytes that pictures may take if nothing else is said.
  package static let room = 2 << 30

  /// - Parameters:
  ///   - tensors: the checkpoint's, to permute.
  ///   - picturesSHA256: over the pictures' own.
  ///   - randomModels: whether to run models of permuted weights; `nil` runs them where they are affordable.
  ///   - pictureWarnings: what decoding found odd, a line per picture.
  ///   - prepared: what parts of the run left of its pictures; what is missing in it is worked out here.
  ///   - room: bytes for pictures that are kept, so that donors are not encoded again.
  ///   - check: called before a record is kept; throws if the weights are not those that the run began with.
  ///   - progress: gets what is under way.
  ///   - say: gets sentences that are to stay.
  package init(
    _ subject: VerifySubject, _ source: any VerifySource, tensors: [String: StoredTensor],
    preprocessor: ImageProcessorConfiguration, picturesSHA256: String, seed: UInt64, randomModels: Bool?,
    pictureWarnings: [String] = [], prepared: PreparedPictures? = nil, room: Int = room,
    check: @escaping () throws -> Void = {}, progress: @escaping (String) -> Void,
    say: @escaping (String) -> Void = { _ in }
  ) {
    self.subject = subject
    self.source = source
    self.tensors = tensors
    self.preprocessor = preprocessor
    self.prepared = prepared
    self.room = room
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
    let pictures = CompressedPictures(source, subject.model, prepared, room: room)
    if let missing = prepared?.missing(of: source.keys) { say(missing) }
    if !state.isFinished {
      progress("answers begin: picture 1/\(plan.inputs.pictures), to see what one takes")
      let shortage = try pictures.shortage(of: plan.inputs.pictures, own: state.ownPictures.count)
      if shortage.isWorthAWord { say(shortage.sentence) }
    }
    let said = try takeAnswers(pictures, &state, keep)
    guard !state.isFinished, let donors = state.donors else { return state }
    let measurement = PictureMeasurement(
      subject: subject, layouts: try subject.layouts(try pictures[0].visual),
      grams: subject.model.outputGrams(), seed: plan.run.seed, donors: donors,
      answers: subject.prompts.indices.map { prompt in
        (0..<plan.inputs.pictures).map { state.answers[$0]?[prompt] ?? [] }
      })
    try measurePictures(measurement, pictures, &state, keep)
    try measureBlanks(measurement, &state, keep)
    try measureRandomModels(measurement, pictures, said: said, &state, keep)
    return state
  }

  private typealias Keep = (VerifyRecord, inout VerifyState) throws -> Void

  /// Leaves in `directory` what all parts of the run need of this part's pictures, as far as no part did so yet.
  package func prepare(_ shard: Shard, into directory: String) throws {
    let writer = try PreparedPictures.Writer(directory, run: plan.run, shard: shard)
    // Each is needed once.
    let pictures = CompressedPictures(subject.model, room: 0) { try source.encode($0, subject.model) }
    var measurement: PictureMeasurement?
    for index in shard.range(of: plan.inputs.pictures) where writer.before[source.keys[index]] == nil {
      progress("prepares picture \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
      let picture = try pictures[index]
      var record = PreparedPictures.Record(
        key: source.keys[index], tokens: try subject.answers(picture), warning: try source.warning(index))
      if plan.inputs.pictures >= HeadChoice.fewestPictures, HeadChoice.chooses(index) {
        let used =
          try measurement
          ?? PictureMeasurement(
            subject: subject, layouts: subject.layouts(picture.visual), grams: subject.model.outputGrams(),
            seed: plan.run.seed, donors: [], answers: [])
        measurement = used
        record.cells = try used.vocoEvidence(picture, key: record.key, donors: []).map(\.cells)
      }
      try check()
      try writer.append(record, picture.visual)
    }
  }

  /// The answers of all pictures, from which donors are drawn; returns what was said of the random models' cost.
  private func takeAnswers(
    _ pictures: CompressedPictures, _ state: inout VerifyState, _ keep: Keep
  ) throws -> RandomModelCost? {
    for (index, answers) in state.answers { try checkTokens(answers, of: index) }
    var said: RandomModelCost?
    for index in 0..<plan.inputs.pictures where state.answers[index] == nil {
      var tokens = prepared?[source.keys[index]]?.tokens
      if let tokens { try checkTokens(tokens, of: index) }
      if tokens == nil {
        progress("answers \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
        tokens = try subject.answers(try pictures[index])
      }
      try keep(.answer(index: index, key: source.keys[index], tokens: tokens ?? []), &state)
      // Said at once, so that nobody finds out after hours what the control takes.
      if index == 0, !state.ownRandomModels.isEmpty {
        let seen = min(plan.inputs.pictures, RandomModels.pictures)
        let cost = try cost(
          state.ownRandomModels.count, runs: min(plan.inputs.pictures, seen * (1 + DonorChoice.perPicture)) + seen,
          pictures)
        say(cost.sentence)
        said = cost
      }
    }
    return said
  }

  /// Answers from a file, before their tokens index logits.
  private func checkTokens(_ answers: [[Int32]], of index: Int) throws {
    let vocabulary = 0..<Int32(subject.model.configuration.vocabularySize)
    if let token = answers.joined().first(where: { !vocabulary.contains($0) }) {
      throw ExperimentError(
        "\(source.names[index]): its answer holds the token \(token), expected 0 to \(vocabulary.upperBound - 1)")
    }
  }

  /// This part's pictures, and in those that have no part in the choice the effects of the heads that the others choose.
  private func measurePictures(
    _ measurement: PictureMeasurement, _ pictures: CompressedPictures, _ state: inout VerifyState, _ keep: Keep
  ) throws {
    let (own, tested) = (state.ownPictures, state.ownTested.filter { state.heads[$0] == nil })
    for index in own where HeadChoice.chooses(index) && state.pictures[index] == nil {
      try measure(index, measurement, try measurement.borrowed(index) { try pictures[$0] }, &state, keep)
    }
    if !tested.isEmpty { try completeCells(measurement, pictures, &state, keep) }
    // A picture and its donors are at hand once for both.
    let choice = tested.isEmpty ? nil : state.headChoice
    for index in own where !HeadChoice.chooses(index) {
      let heads = choice.flatMap { tested.contains(index) ? $0.heads : nil }
      guard state.pictures[index] == nil || heads != nil else { continue }
      let borrowed = try measurement.borrowed(index) { try pictures[$0] }
      if state.pictures[index] == nil { try measure(index, measurement, borrowed, &state, keep) }
      guard let heads else { continue }
      progress("single heads, picture \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
      try keep(.heads(try measurement.headEvidence(index, heads, borrowed)), &state)
    }
  }

  private func measure(
    _ index: Int, _ measurement: PictureMeasurement, _ borrowed: BorrowedPicture, _ state: inout VerifyState,
    _ keep: Keep
  ) throws {
    progress("picture \(index + 1)/\(plan.inputs.pictures) \(source.names[index])")
    let (key, name) = (source.keys[index], source.names[index])
    try keep(.picture(try measurement.measure(index, key: key, name: name, borrowed)), &state)
  }

  /// The attention in other parts' pictures, by which heads are chosen.
  private func completeCells(
    _ measurement: PictureMeasurement, _ pictures: CompressedPictures, _ state: inout VerifyState, _ keep: Keep
  ) throws {
    for index in state.unknownCells {
      var cells = prepared?[source.keys[index]]?.cells
      if cells == nil {
        progress("attention, to choose heads, of picture \(index + 1)/\(plan.inputs.pictures)")
        cells = try measurement.vocoEvidence(try pictures[index], key: source.keys[index], donors: []).map(\.cells)
      }
      try keep(.cells(index: index, cells ?? []), &state)
    }
  }

  /// The anchors of another blank picture put into each, read between the answers of the pictures that they stand for.
  private func measureBlanks(_ measurement: PictureMeasurement, _ state: inout VerifyState, _ keep: Keep) throws {
    // Each lends to the one before it, which is at work then, and to no other.
    let blanks = CompressedPictures(BlankSource(source: source, seed: plan.run.seed), subject.model, room: 0)
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
    _ measurement: PictureMeasurement, _ pictures: CompressedPictures, said: RandomModelCost?,
    _ state: inout VerifyState, _ keep: Keep
  ) throws {
    let left = state.ownRandomModels.filter { state.randomModels[$0] == nil }
    guard !left.isEmpty else { return }
    let models = RandomModels(subject.model, tensors: tensors, preprocessor: preprocessor, seed: plan.run.seed)
    let seen = min(plan.inputs.pictures, RandomModels.pictures)
    // Their features and codes are the same in every random model.
    var encoded: [Int: VisualEncoding] = [:]
    for index in measurement.seen(seen) { encoded[index] = try pictures.encoding(index).forProjectors }
    let cost = try cost(left.count, runs: encoded.count + seen, pictures)
    pictures.forget()
    if said.map(cost.differs) ?? true { say(cost.sentence) }
    let start = ContinuousClock.now
    for (done, number) in left.enumerated() {
      let each = done > 0 ? start.duration(to: .now) / .seconds(1) / Double(done) : 0
      let rest = done > 0 ? ", \(Format.duration(each * Double(left.count - done))) left" : ""
      progress(
        "permuted weights \(number + 1)/\(plan.inputs.randomModels) on \(seen) pictures and their donors\(rest)")
      let evidence = try measurement.randomModel(
        number, try models.model(number), keys: source.keys, pictures: seen, room: room, encoded: { encoded[$0]! })
      try keep(.random(evidence), &state)
    }
  }

  /// What the random models will take, from what the decoder took so far.
  private func cost(_ models: Int, runs: Int, _ pictures: CompressedPictures) throws -> RandomModelCost {
    if pictures.compressions == 0 { _ = try pictures[0] }
    return RandomModelCost(
      models: models, runs: runs, seconds: pictures.seconds / Double(pictures.compressions),
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

/// Models of the same shape in which every matrix of the decoder and of the projectors has its own entries permuted;
/// norms and biases, the vision tower and the quantizer stay.
struct RandomModels {
  private let model: HTCVLMModel
  private let tensors: [String: StoredTensor]
  private let preprocessor: ImageProcessorConfiguration
  private let seed: UInt64

  init(_ model: HTCVLMModel, tensors: [String: StoredTensor], preprocessor: ImageProcessorConfiguration, seed: UInt64) {
    self.model = model
    self.tensors = tensors
    self.preprocessor = preprocessor
    self.seed = seed
  }

  /// Pictures that every random model sees: the first ones.
  static let pictures = 8
  /// Above so many parameters they are run only when asked for.
  static let affordable = 1_000_000_000

  /// Numbers that are permuted.
  static func parameters(_ tensors: [String: StoredTensor]) -> Int {
    tensors.values.filter(isPermuted).reduce(0) { $0 + $1.count }
  }

  /// The model with the number `index`.
  func model(_ index: Int) throws -> HTCVLMModel {
    var tensors = tensors
    for tensor in tensors.values where Self.isPermuted(tensor) {
      var generator = SplitMix64(seed: seed, stream: "permuted weights \(index) \(tensor.name)")
      var values = tensor.float32().values
      for place in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(place, generator.below(place + 1)) }
      tensors[tensor.name] = StoredTensor(name: tensor.name, tensor: Tensor(shape: tensor.shape, values: values))
    }
    return try HTCVLMModel(
      configuration: model.configuration, preprocessor: preprocessor, tensors: tensors, tokenizer: model.tokenizer,
      checkpoint: "permuted weights \(index)", question: model.question)
  }

  private static func isPermuted(_ tensor: StoredTensor) -> Bool {
    tensor.shape.count == 2
      && ["model.layers.", "model.embed_tokens.", "lm_head.", "model.anchor_projector.", "model.mm_projector"]
        .contains { tensor.name.hasPrefix($0) }
  }
}

/// What models of permuted weights will take.
package struct RandomModelCost: Sendable, Equatable {
  package let models: Int
  /// Runs of the decoder over a picture, a model.
  package let runs: Int
  /// That one such run took.
  package let seconds: Double
  package let parameters: Int

  package init(models: Int, runs: Int, seconds: Double, parameters: Int) {
    (self.models, self.runs, self.seconds, self.parameters) = (models, runs, seconds, parameters)
  }

  var total: Double { Double(models * runs) * seconds }

  /// Whether it is so far from what was said that it is worth saying again: more than a fifth, and ten seconds.
  package func differs(from said: RandomModelCost) -> Bool { abs(total - said.total) > max(0.2 * said.total, 10) }

  package var sentence: String {
    let memory = Double(4 * parameters) / 1e9
    return
      "The random control: \(models) models of permuted weights × \(runs) runs over pictures, donors and exchanges × "
      + "\(Format.duration(seconds)) a run so far, about \(Format.duration(total)) for the decoder alone"
      + (memory >= 0.1 ? ", and \(Format.fixed(memory, digits: 1)) GB of memory for the weights" : "")
      + "; --no-random-models leaves it out."
  }
}

extension PictureMeasurement {
  /// The pictures that random models see: the first ones and their donors, ascending.
  func seen(_ pictures: Int) -> [Int] {
    Set((0..<pictures).flatMap { picture in [picture] + donors.flatMap { $0.donors[picture] } }).sorted()
  }

  /// One random model on pictures that the model under test encoded, with their donors.
  func randomModel(
    _ number: Int, _ random: HTCVLMModel, keys: [String], pictures: Int, room: Int,
    encoded: @escaping (Int) -> VisualEncoding
  ) throws -> RandomModelEvidence {
    let twin = PictureMeasurement(
      subject: subject.replacing(model: random), layouts: layouts, grams: random.outputGrams(), seed: seed,
      donors: donors, answers: answers)
    let compressed = CompressedPictures(random, room: room) { try random.reprojected(encoded($0)) }
    var attends = [Double](repeating: 0, count: subject.vocos.count)
    var contributes = attends
    var movements = [[[Double]]](repeating: [], count: subject.prompts.count)
    var pairs = [[RandomModelEvidence.Pair]](repeating: [], count: subject.prompts.count)
    for index in 0..<pictures {
      let plain = try compressed[index]
      let contexts = try twin.contexts(index, plain) { try compressed[$0] }
      let lenders = donors[0].donors[index].compactMap { contexts[$0] }
      for (voco, evidence) in try twin.vocoEvidence(plain, key: keys[index], donors: lenders).enumerated() {
        attends[voco] += evidence.attends.logSamePosition / Double(pictures)
        contributes[voco] += (evidence.contributes?.priority.logSamePosition ?? 0) / Double(pictures)
      }
      for prompt in subject.prompts.indices where donors[prompt].differ[index] {
        for donor in donors[prompt].donors[index] {
          guard let context = contexts[donor],
            let moved = try twin.movement(index, donor: donor, prompt: prompt, plain, context)
          else { continue }
          movements[prompt].append(moved)
          pairs[prompt].append(.init(picture: index, donor: donor))
        }
      }
    }
    let means = movements.map { ofPairs in
      subject.vocos.map { voco in mean(ofPairs.map { $0[voco] }) ?? 0 }.max() ?? 0
    }
    return RandomModelEvidence(
      number: number, pictures: Array(0..<pictures), pairs: pairs, attends: attends.max() ?? 0,
      contributes: contributes.max() ?? 0, movement: means)
  }
}

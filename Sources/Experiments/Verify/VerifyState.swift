package import Evidence
import Files
import Foundation

/// What all parts of a `verify` run share: parts with another plan are neither resumed nor merged.
package struct VerifyPlan: Codable, Equatable, Sendable {
  package let run: EvidenceRun
  /// All pictures of the run, whichever part they are in.
  package let inputs: EvidenceInputs

  package init(run: EvidenceRun, inputs: EvidenceInputs) {
    self.run = run
    self.inputs = inputs
  }

  /// The first difference in words; `nil` if there is none.
  func difference(_ other: VerifyPlan) -> String? {
    run.difference(other.run)
      ?? firstDifference(
        self, other,
        [
          ("number of pictures", { "\($0.inputs.pictures)" }), ("SHA-256 of the pictures", \.inputs.picturesSHA256),
          ("number of random models", { "\($0.inputs.randomModels)" }), ("inputs", { "\($0.inputs)" }),
        ])
  }

  /// Sizes of a plan from a file, before anything is allocated by them.
  func check() throws(EvidenceFault) {
    try run.check()
    let counts = [
      ("pictures", inputs.pictures, 1...10_000_000), ("draws", inputs.draws, 1...100_000),
      ("blanks", inputs.blanks, 0...10_000_000), ("randomModels", inputs.randomModels, 0...10_000),
    ]
    for (name, value, range) in counts where !range.contains(value) {
      throw EvidenceFault(name, "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
    }
  }
}

/// The first of the named values that differs, in words.
private func firstDifference<Value>(_ own: Value, _ other: Value, _ fields: [(String, (Value) -> String)]) -> String? {
  fields.first { $0.1(own) != $0.1(other) }.map { "\($0) is \($1(own)) in it, expected \($1(other))" }
}

extension EvidenceRun {
  /// The first difference in words; `nil` if there is none.
  func difference(_ other: EvidenceRun) -> String? {
    modelDifference(other)
      ?? firstDifference(
        self, other,
        [
          ("prompts", { $0.prompts.joined(separator: " | ") }), ("seed", { "\($0.seed)" }),
          ("model shape", { "\($0)" }),
        ])
  }

  /// The same of what a picture's encoding depends on.
  func modelDifference(_ other: EvidenceRun) -> String? {
    firstDifference(
      self, other,
      [
        ("version", \.version), ("model", \.modelName), ("config SHA-256", \.configSHA256),
        ("weights SHA-256", \.weightsSHA256), ("precision", { $0.precision ?? "not recorded" }),
      ])
  }

  func check(answers tokens: [[Int32]]) throws(EvidenceFault) {
    guard tokens.count == prompts.count else {
      throw EvidenceFault("answer.tokens", "a list of \(tokens.count)", expected: "\(prompts.count)")
    }
  }

  func check(cells: [[Double]]) throws(EvidenceFault) {
    guard cells.count == vocoTokens, cells.allSatisfy({ $0.count == liveLayers * heads }),
      cells.joined().allSatisfy({ $0.isFinite && abs($0) <= 200 })
    else { throw EvidenceFault("cells", "of another shape or range", expected: "finite, of the run's shape") }
  }
}

/// One line of a state: one thing that was measured.
package enum VerifyRecord: Codable, Sendable, Equatable {
  /// The greedy answers of a picture, a prompt.
  case answer(index: Int, key: String, tokens: [[Int32]])
  case picture(PictureEvidence)
  /// Same-position logarithms `[vocos][live layers · H]` of a picture that another part measures: they choose heads.
  case cells(index: Int, [[Double]])
  case heads(HeadEvidence)
  case blank(BlankEvidence)
  case random(RandomModelEvidence)

  func check(_ plan: VerifyPlan) throws(EvidenceFault) {
    let (run, inputs) = (plan.run, plan.inputs)
    switch self {
    case .answer(let index, _, let tokens):
      guard (0..<inputs.pictures).contains(index) else {
        throw EvidenceFault("answer.index", "\(index)", expected: "0 to \(inputs.pictures - 1)")
      }
      try run.check(answers: tokens)
    case .picture(let picture): try picture.check(run, pictures: inputs.pictures)
    case .cells(let index, let cells):
      guard (0..<inputs.pictures).contains(index) else {
        throw EvidenceFault("cells.index", "\(index)", expected: "0 to \(inputs.pictures - 1)")
      }
      try run.check(cells: cells)
    case .heads(let heads): try heads.check(run, pictures: inputs.pictures)
    case .blank(let blank): try blank.check(run, blanks: inputs.blanks)
    case .random(let random): try random.check(run, models: inputs.randomModels, pictures: inputs.pictures)
    }
  }
}

/// A part of a `verify` run, as far as it has come.
package struct VerifyState: Sendable {
  package let plan: VerifyPlan
  package let shard: Shard
  package private(set) var answers: [Int: [[Int32]]] = [:]
  private var keys: [Int: String] = [:]
  package private(set) var pictures: [Int: PictureEvidence] = [:]
  private var otherCells: [Int: [[Double]]] = [:]
  package private(set) var heads: [Int: HeadEvidence] = [:]
  package private(set) var blanks: [Int: BlankEvidence] = [:]
  package private(set) var randomModels: [Int: RandomModelEvidence] = [:]

  package init(plan: VerifyPlan, shard: Shard) {
    self.plan = plan
    self.shard = shard
  }

  /// What this part measures; every part needs the answers of all pictures, to draw the same donors.
  package var ownPictures: Range<Int> { shard.range(of: plan.inputs.pictures) }
  package var ownBlanks: Range<Int> { shard.range(of: plan.inputs.blanks) }
  package var ownRandomModels: Range<Int> { shard.range(of: plan.inputs.randomModels) }

  /// Pictures in which single heads' effects are measured, if the run has enough to choose heads by.
  package var ownTested: [Int] {
    plan.inputs.pictures < HeadChoice.fewestPictures ? [] : ownPictures.filter { !HeadChoice.chooses($0) }
  }

  var isFinished: Bool {
    answers.count == plan.inputs.pictures && ownPictures.allSatisfy { pictures[$0] != nil }
      && ownTested.allSatisfy { heads[$0] != nil }
      && ownBlanks.allSatisfy { blanks[$0] != nil } && ownRandomModels.allSatisfy { randomModels[$0] != nil }
  }

  /// Takes a record in.
  ///
  /// - Throws: `EvidenceFault` if it is there already, with something else in it.
  mutating func add(_ record: VerifyRecord) throws(EvidenceFault) {
    switch record {
    case .answer(let index, let key, let tokens):
      guard answers[index] == nil || (answers[index] == tokens && keys[index] == key) else {
        throw EvidenceFault("answer.index", "\(index) again with other tokens", expected: "one answer a picture")
      }
      answers[index] = tokens
      keys[index] = key
    case .picture(let picture):
      guard pictures.updateValue(picture, forKey: picture.index) == nil else {
        throw EvidenceFault("picture.index", "\(picture.index) again", expected: "each picture once")
      }
    case .cells(let index, let cells):
      guard otherCells.updateValue(cells, forKey: index) ?? cells == cells else {
        throw EvidenceFault("cells.index", "\(index) again with other numbers", expected: "each picture once")
      }
    case .heads(let own):
      if let other = heads.values.first, other.heads != own.heads {
        throw EvidenceFault("heads.heads", "another choice than that of picture \(other.index)", expected: "one choice")
      }
      guard heads.updateValue(own, forKey: own.index) == nil else {
        throw EvidenceFault("heads.index", "\(own.index) again", expected: "each picture once")
      }
    case .blank(let blank):
      guard blanks.updateValue(blank, forKey: blank.index) == nil else {
        throw EvidenceFault("blank.index", "\(blank.index) again", expected: "each blank picture once")
      }
    case .random(let random):
      guard randomModels.updateValue(random, forKey: random.number) == nil else {
        throw EvidenceFault("random.number", "\(random.number) again", expected: "each model once")
      }
    }
  }

  mutating func merge(_ other: VerifyState) throws(EvidenceFault) {
    for (index, tokens) in other.answers {
      try add(.answer(index: index, key: other.keys[index] ?? "", tokens: tokens))
    }
    for picture in other.pictures.values { try add(.picture(picture)) }
    for heads in other.heads.values { try add(.heads(heads)) }
    for blank in other.blanks.values { try add(.blank(blank)) }
    for random in other.randomModels.values { try add(.random(random)) }
  }

  /// The donors that the answers give, a prompt; `nil` until all are there.
  package var donors: [DonorChoice]? {
    guard answers.count == plan.inputs.pictures else { return nil }
    let order = (0..<plan.inputs.pictures)
    return plan.run.prompts.indices.map { prompt in
      DonorChoice(
        answers: order.map { answers[$0]?[prompt] ?? [] }, keys: order.map { keys[$0] ?? "" }, seed: plan.run.seed)
    }
  }

  /// Pairs of a picture and a donor that answers differently, measured so far, over all prompts.
  package var pairs: Int {
    pictures.values.reduce(0) { sum, picture in
      sum + picture.prompts.reduce(0) { $0 + ($1.vocos.first?.pairs.count ?? 0) }
    }
  }

  /// Pictures that choose heads and whose attention is not known yet.
  var unknownCells: [Int] {
    (0..<plan.inputs.pictures).filter { HeadChoice.chooses($0) && pictures[$0] == nil && otherCells[$0] == nil }
  }

  /// The heads that half of the pictures choose; `nil` until all of these are measured.
  var headChoice: HeadChoice? {
    guard unknownCells.isEmpty else { return nil }
    let cells = (0..<plan.inputs.pictures).filter(HeadChoice.chooses).map { index in
      pictures[index]?.vocos.map(\.cells) ?? otherCells[index] ?? []
    }
    return HeadChoice(cells: cells, plan.run)
  }

  /// What the verdict is made of; of a part, as far as it is measured.
  package var summary: EvidenceSummary {
    EvidenceSummary(
      run: plan.run,
      donors: donors
        ?? plan.run.prompts.map { _ in DonorChoice(answers: [], keys: [], seed: plan.run.seed) },
      pictures: Array(pictures.values), blanks: Array(blanks.values), randomModels: Array(randomModels.values),
      heads: Array(heads.values), hasRandomModels: plan.inputs.randomModels > 0)
  }
}

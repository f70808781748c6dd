import Statistics
package import Trace

/// What all pictures of a run share: summaries merge only if this is equal.
package struct EvidenceRun: Sendable, Hashable, Codable {
  package var version: String
  package var modelName: String
  package var configSHA256: String
  package var weightsSHA256: String
  package var prompt: String
  package var layers: Int
  package var heads: Int
  package var anchors: Int
  package var patches: Int
  package var untrainedParts: [String]
  package var seed: UInt64

  package init(provenance: Provenance, model: ModelDescription, seed: UInt64) {
    version = provenance.version
    modelName = provenance.modelName
    configSHA256 = provenance.configSHA256
    weightsSHA256 = provenance.weightsSHA256
    prompt = provenance.prompt
    layers = model.layers
    heads = model.heads
    anchors = model.anchors
    patches = model.patchRows * model.patchGrid
    untrainedParts = model.untrainedParts
    self.seed = seed
  }
}

/// The evidence of many pictures, added one by one and merged from shards.
///
/// Per picture only `PictureEvidence` is kept (about 0.5 KB); what is per layer and head is accumulated in
/// constant memory.
package struct EvidenceSummary: Sendable, Hashable, Codable {
  package let run: EvidenceRun
  /// Ascending by key, so that every order of adding and merging gives the same verdict.
  package private(set) var pictures: [PictureEvidence] = []
  package private(set) var cells: CellAccumulator
  package private(set) var blanks: [BlankPicture] = []
  package private(set) var randomModels: [RandomModelRun] = []
  /// Cuts in one layer or head; `nil` until a picture was measured so.
  package private(set) var cuts: CutMap?
  /// The rows of the run's first pictures, ascending by index.
  package private(set) var rows: [VocoRow] = []

  /// - Parameter signFlipDraws: random sign patterns of the test per layer and head.
  package init(run: EvidenceRun, signFlipDraws: Int = 10_000) {
    self.run = run
    cells = CellAccumulator(layers: run.layers, heads: run.heads, seed: run.seed, draws: signFlipDraws)
  }

  /// Checks that the parts of the file belong together.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    run = try values.decode(EvidenceRun.self, forKey: .run)
    pictures = try values.decode([PictureEvidence].self, forKey: .pictures)
    cells = try values.decode(CellAccumulator.self, forKey: .cells)
    blanks = try values.decode([BlankPicture].self, forKey: .blanks)
    randomModels = try values.decode([RandomModelRun].self, forKey: .randomModels)
    cuts = try values.decodeIfPresent(CutMap.self, forKey: .cuts)
    rows = try values.decode([VocoRow].self, forKey: .rows)
    guard
      (cells.layers, cells.heads, cells.seed) == (run.layers, run.heads, run.seed), cells.count == pictures.count,
      zip(pictures, pictures.dropFirst()).allSatisfy({ $0.key < $1.key }),
      cuts?.fits(layers: run.layers, heads: run.heads, seed: run.seed) != false
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .cells, in: values, debugDescription: "the cells are not those of the run's \(pictures.count) pictures")
    }
  }

  /// Adds a picture and its voco rows; a picture whose key is already there is left out, since the same picture twice
  /// is no second observation.
  ///
  /// - Returns: whether it was added.
  @discardableResult
  package mutating func add(_ picture: PictureEvidence, attention: VocoAttention, cuts: PictureCuts? = nil) -> Bool {
    let index = position(of: picture.key)
    if index < pictures.count, pictures[index].key == picture.key { return false }
    pictures.insert(picture, at: index)
    cells.add(attention, key: picture.key)
    if let cuts { add(cuts, key: picture.key) }
    return true
  }

  private mutating func add(_ picture: PictureCuts, key: String) {
    if cuts == nil {
      cuts = CutMap(
        layers: run.layers, heads: run.heads, cutsHeads: !picture.heads.isEmpty, seed: run.seed, draws: cells.draws)
    }
    cuts?.add(picture, key: key)
  }

  /// Keeps the row of one of the run's first pictures.
  package mutating func add(row: VocoRow) {
    guard row.index < VocoRow.kept, !rows.contains(where: { $0.index == row.index }) else { return }
    rows.append(row)
    rows.sort { $0.index < $1.index }
  }

  /// Whether a picture is already there, for a run that resumes.
  package func contains(key: String) -> Bool {
    let index = position(of: key)
    return index < pictures.count && pictures[index].key == key
  }

  /// Where a picture of this key is, or would be inserted.
  private func position(of key: String) -> Int {
    var (low, high) = (0, pictures.count)
    while low < high {
      let middle = (low + high) / 2
      if pictures[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return low
  }

  package mutating func add(blank: BlankPicture) {
    if !blanks.contains(where: { $0.name == blank.name }) { blanks.append(blank) }
    blanks.sort { $0.name < $1.name }
  }

  package mutating func add(randomModel: RandomModelRun) {
    if !randomModels.contains(where: { $0.seed == randomModel.seed }) { randomModels.append(randomModel) }
    randomModels.sort { $0.seed < $1.seed }
  }

  /// Adds the pictures and controls of another shard.
  ///
  /// - Throws: `EvidenceError.unmergeable` if the shards are of different runs or share a picture.
  package mutating func merge(_ other: EvidenceSummary) throws(EvidenceError) {
    if other.run != run { throw Self.difference(other.run, run) }
    if other.cells.draws != cells.draws {
      throw .unmergeable(
        field: "number of sign patterns", found: "\(other.cells.draws)", expected: "\(cells.draws)")
    }
    if let own = cuts, let added = other.cuts, (own.heads == nil) != (added.heads == nil) {
      throw .unmergeable(field: "cuts", found: "cuts of other places", expected: "the same in all parts")
    }
    let keys = Set(pictures.map(\.key))
    if let twice = other.pictures.first(where: { keys.contains($0.key) }) {
      throw .unmergeable(field: "picture", found: twice.name, expected: "a picture that is in one shard only")
    }
    pictures = (pictures + other.pictures).sorted { $0.key < $1.key }
    cells.merge(other.cells)
    if let added = other.cuts {
      if cuts == nil { cuts = added } else { cuts?.merge(added) }
    }
    for row in other.rows { add(row: row) }
    for blank in other.blanks { add(blank: blank) }
    for model in other.randomModels { add(randomModel: model) }
  }

  private static func difference(_ found: EvidenceRun, _ expected: EvidenceRun) -> EvidenceError {
    let fields: [(String, (EvidenceRun) -> String)] = [
      ("version", \.version), ("model", \.modelName), ("config SHA-256", \.configSHA256),
      ("weights SHA-256", \.weightsSHA256), ("prompt", \.prompt), ("seed", { String($0.seed) }),
    ]
    for (field, value) in fields where value(found) != value(expected) {
      return .unmergeable(field: field, found: value(found), expected: value(expected))
    }
    return .unmergeable(field: "model shape", found: "\(found)", expected: "\(expected)")
  }
}

extension EvidenceSummary {
  /// The mean effects of the model under test on the pictures that the random models saw.
  var tested: RandomModelRun? {
    guard let keys = randomModels.first?.pictures else { return nil }
    let seen = pictures.filter { keys.contains($0.key) }
    return RandomModelRun(
      seed: run.seed, pictures: keys, attends: mean(seen.compactMap { $0.attends?.logLift }),
      contributes: mean(seen.compactMap { $0.contributes?.logLift }), causes: mean(seen.compactMap { $0.causes?.kl }))
  }
}

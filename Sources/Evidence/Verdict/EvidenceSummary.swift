package import Trace

/// What all pictures of a run share: parts merge only if this is equal.
package struct EvidenceRun: Sendable, Hashable, Codable {
  package var version: String
  package var modelName: String
  package var configSHA256: String
  package var weightsSHA256: String
  package var prompts: [String]
  package var layers: Int
  package var heads: Int
  package var anchors: Int
  package var patches: Int
  package var vocoTokens: Int
  package var untrainedParts: [String]
  package var seed: UInt64
  /// nil in states of a version that did not keep it.
  package var precision: String?

  package init(
    provenance: Provenance, model: ModelDescription, prompts: [String], vocoTokens: Int, seed: UInt64
  ) {
    version = provenance.version
    modelName = provenance.modelName
    configSHA256 = provenance.configSHA256
    weightsSHA256 = provenance.weightsSHA256
    self.prompts = prompts
    layers = model.layers
    heads = model.heads
    anchors = model.anchors
    patches = model.patchRows * model.patchGrid
    self.vocoTokens = vocoTokens
    untrainedParts = model.untrainedParts
    self.seed = seed
    precision = model.precision.rawValue
  }

  /// Layers whose attention at voco is read: all but the last.
  package var liveLayers: Int { layers - 1 }
}

/// The evidence of many pictures, in the order of the run, from one part or several.
package struct EvidenceSummary: Sendable, Hashable {
  package let run: EvidenceRun
  /// Which pictures lend to which, a prompt.
  package let donors: [DonorChoice]
  /// Ascending by index, so that every order of measuring gives the same verdict.
  package private(set) var pictures: [PictureEvidence] = []
  package private(set) var blanks: [BlankEvidence] = []
  package private(set) var randomModels: [RandomModelEvidence] = []
  /// Effects of single heads, of every second picture.
  package private(set) var heads: [HeadEvidence] = []
  /// Why no random models were run, if that was decided.
  package let hasRandomModels: Bool

  package init(
    run: EvidenceRun, donors: [DonorChoice], pictures: [PictureEvidence] = [], blanks: [BlankEvidence] = [],
    randomModels: [RandomModelEvidence] = [], heads: [HeadEvidence] = [], hasRandomModels: Bool = true
  ) {
    self.run = run
    self.donors = donors
    self.hasRandomModels = hasRandomModels
    self.pictures = pictures.sorted { $0.index < $1.index }
    self.blanks = blanks.sorted { $0.index < $1.index }
    self.heads = heads.sorted { $0.index < $1.index }
    self.randomModels = randomModels.sorted { $0.number < $1.number }
  }

  /// The rows of the run's first pictures.
  package var rows: [VocoRow] { pictures.compactMap(\.row) }
}

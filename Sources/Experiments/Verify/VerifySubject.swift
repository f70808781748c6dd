package import Evidence
package import HTCVLM
import Tensor
import Tokenization
package import Trace

/// A model and what it is asked: turns pictures into voco rows, and interventions into logits.
package struct VerifySubject: Sendable {
  package let model: HTCVLMModel
  package let prompts: [String]
  private let provenance: Provenance
  /// In a model without voco, the text of the prompt's last token, which `model` has in its place.
  private let inspected: String?

  /// - Parameter version: of this program, for the provenance.
  /// - Throws: `VerificationError` if the checkpoint has no anchors, too few patches or layers to compare with, or without
  ///   voco if there are several prompts; and what tokenising a prompt throws.
  package init(
    _ checkpoint: CheckpointDirectory, model: HTCVLMModel, prompts: [String], version: String
  ) throws {
    try self.init(
      model: model, prompts: prompts,
      provenance: Provenance(
        version: version, imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "", modelName: checkpoint.name,
        configSHA256: checkpoint.configSHA256, weightsSHA256: checkpoint.weightsSHA256, prompt: prompts.first ?? ""),
      path: checkpoint.path)
  }

  package init(
    model: HTCVLMModel, prompts: [String], provenance: Provenance, path: String
  ) throws {
    precondition(!prompts.isEmpty, "a model is asked something")
    try Self.check(model.configuration, path: path)
    self.prompts = prompts
    if model.hasVoco {
      (self.model, inspected) = (model, nil)
    } else {
      guard prompts.count == 1 else {
        throw VerificationError(
          "\(path): has no voco token, so the last token of the prompt is inspected: one prompt at a time, not \(prompts.count)"
        )
      }
      self.model = try HTCVLMModel(inspecting: prompts[0], in: model)
      inspected = self.model.configuration.vocoTokenID.map(model.tokenizer.piece)
    }
    self.provenance = provenance
  }

  private static func check(_ configuration: HTCVLMConfiguration, path: String) throws(VerificationError) {
    let kinds = configuration.sequence
    guard kinds.contains(.anchors), configuration.anchorTokens > 0 else {
      throw VerificationError("\(path): its sequence has no anchors, so there is nothing to verify")
    }
    guard kinds.contains(.patches), configuration.patches >= 2 * configuration.anchorTokens else {
      throw VerificationError("\(path): its sequence has too few patches to compare the anchors with")
    }
    guard configuration.layers >= 2 || configuration.vocoTokens == 0 else {
      throw VerificationError("\(path): has one layer, and what voco attends to in the last is read by nobody")
    }
  }

  /// The same questions to another model of the same shape.
  func replacing(model: HTCVLMModel) -> VerifySubject {
    VerifySubject(replacing: model, in: self)
  }

  private init(replacing model: HTCVLMModel, in other: VerifySubject) {
    self.model = model
    prompts = other.prompts
    provenance = other.provenance
    inspected = other.inspected
  }

  package func evidenceRun(seed: UInt64) -> EvidenceRun {
    EvidenceRun(
      provenance: provenance, model: model.description, prompts: prompts,
      vocoTokens: model.configuration.vocoTokens, seed: seed, inspected: inspected)
  }

  var vocos: Range<Int> { 0..<model.configuration.vocoTokens }
  /// Layers of voco that text reads; of a predicting token, all.
  var liveLayers: Set<Int> { Set(0..<model.configuration.layers - (inspected == nil ? 1 : 0)) }

  /// What each key is to each voco token, over the positions up to the last voco.
  package func layouts(_ visual: VisualEncoding) throws -> [KeyLayout] {
    let sequence = try model.sequence(visual, text: try model.tokenize(prompts[0]))
    let places = sequence.positions(of: .voco)
    let length = (places.last ?? 0) + 1
    let patches = sequence.positions(of: .patches)
    let anchors = sequence.positions(of: .anchors)
    let grid = max(1, model.description.patchGrid)
    return places.map { query in
      var roles = [KeyRole](repeating: .prefix, count: length)
      for (index, key) in anchors.enumerated() { roles[key] = .anchor(index) }
      for (index, key) in patches.enumerated() { roles[key] = .patch(row: index / grid, column: index % grid) }
      for key in places { roles[key] = .earlierVoco }
      for key in roles.indices where !sequence.allows(row: query, column: key) { roles[key] = .unseen }
      roles[query] = .itself
      return KeyLayout(roles: roles, query: query, patchGrid: grid, isVoco: inspected == nil)
    }
  }

  /// The answers' tokens, the likeliest at each step, with the end of sequence; one per prompt.
  func answers(_ cache: VisualCache) throws -> [[Int32]] {
    guard inspected == nil else {
      // What the inspected token itself predicts.
      return [[Int32(likeliestToken(try logits([.none], on: cache, prompt: 0)[0].values))]]
    }
    return try prompts.map {
      try model.answer($0, from: cache, options: GenerationOptions(maxNewTokens: Self.answerTokens)).tokenIDs
    }
  }

  /// Answers are compared over so many tokens.
  private static let answerTokens = 16

  /// Next-token logits `[vocab]` of each intervention after the tokens `answered`.
  ///
  /// - Throws: `ModelError.notFinite` naming the first weight or activation that is not finite.
  func logits(
    _ interventions: [Intervention], on cache: VisualCache, prompt: Int, answered: [Int32] = []
  ) throws -> [Tensor] {
    var logits: [Tensor] = []
    // In parts, so that the states of a large model's variants are not all held at once.
    for start in stride(from: 0, to: interventions.count, by: Self.variantsAtOnce) {
      let part = Array(interventions[start..<min(start + Self.variantsAtOnce, interventions.count)])
      logits += try model.outcomes(of: part, on: cache, prompt: prompts[prompt], answered: answered).map(\.logits)
    }
    return logits
  }

  private static let variantsAtOnce = 64
}

/// The pictures of a `verify` run, each once, in order.
package protocol VerifySource {
  /// SHA-256 of each picture's bytes: its identity, and the seed of its draws.
  var keys: [String] { get }
  var names: [String] { get }

  func encode(_ index: Int, _ model: HTCVLMModel) throws -> VisualEncoding

  /// What decoding a picture finds odd, in one line; nil if nothing.
  func warning(_ index: Int) throws -> String?

  /// A picture of the same mean colour with nothing in it but noise of the seed.
  func blank(_ index: Int, _ model: HTCVLMModel, seed: UInt64) throws -> VisualEncoding
}

extension VerifySource {
  package func warning(_ index: Int) throws -> String? { nil }
}

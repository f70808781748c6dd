/// `visual_mask`: whether visual tokens see each other.
package enum VisualMask: String, Sendable, CaseIterable, Codable { case star, causal }

/// What a segment of the sequence holds; the raw values are those of the configuration's `sequence`.
package enum SegmentKind: String, Sendable, Codable, CaseIterable {
  case bos, anchors, patches, newline, voco, text
  /// The vision tower's class token, where a model keeps it before the patches.
  case cls

  /// Anchors, patches and CLS.
  package var isVisual: Bool { self == .anchors || self == .patches || self == .cls }
}

/// What the text rows may attend to; the raw values are those of `trained_sources` and of `--from`.
package enum VisualSource: String, Sendable, Hashable, CaseIterable, Codable {
  /// All visual tokens under the unmodified causal mask, every row attending to all before it: the upper bound.
  case full
  /// The voco rows alone, as the model is trained: visual keys and values are dropped, rotary positions kept.
  case voco
  /// The same tokens at the same positions, without anchors, patches and voco: what the language model guesses blind.
  case none
}

/// How the matrices of decoder and tower are held and multiplied; everything else is exact in both.
package enum Precision: String, Sendable, CaseIterable, Codable {
  /// As in the file, computed in 32 bits.
  case exact
  /// 8-bit integers, one scale per output; rows of activations are rounded to 8 bits too where there are many.
  case int8
}

/// What a trace's numbers were computed in.
package enum ComputedPrecision: RawRepresentable, Sendable, Hashable, Codable {
  case own(Precision)
  /// What another program says of itself, such as `torch float32`.
  case foreign(String)

  package init(rawValue: String) { self = Precision(rawValue: rawValue).map(Self.own) ?? .foreign(rawValue) }

  package var rawValue: String {
    switch self {
    case .own(let precision): precision.rawValue
    case .foreign(let words): words
    }
  }
}

/// A tensor of a trace, under its name in the file.
///
/// A model without voco has `….last` where others have `….voco`.
package enum TraceTensorName: String, Sendable, Hashable, CaseIterable {
  case visionPixelValues = "vision.pixel_values"
  case visionFeatures = "vision.features"
  case patches = "patches"
  case mgvqPixelValues = "mgvq.pixel_values"
  case mgvqLatent = "mgvq.latent"
  case mgvqCodes = "mgvq.codes"
  case mgvqQuantized = "mgvq.quantized"
  case mgvqReconstruction = "mgvq.reconstruction"
  case anchors = "anchors"
  case sequenceEmbeddings = "sequence.embeddings"
  case sequenceTokenIDs = "sequence.token_ids"
  case mask = "mask"
  case attentionVoco = "attention.voco"
  case attentionLast = "attention.last"
  case hiddenVoco = "hidden.voco"
  case hiddenLast = "hidden.last"
  case logits = "logits"
  case valueNormsVoco = "value_norms.voco"
  case valueNormsLast = "value_norms.last"
  case rolloutVoco = "rollout.voco"
  case rolloutLast = "rollout.last"
  case generatedTokenIDs = "generated.token_ids"
}

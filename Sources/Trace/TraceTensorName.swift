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

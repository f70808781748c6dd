/// A model by the directories and files that it is published in, and what no file of them says.
package struct ModelParts: Sendable, Hashable {
  /// The decoder and the projector: a directory, or a name in the Hugging Face cache.
  package var llm: String
  /// A CLIP directory, or a name in the cache; nil: in `llm`, or what its `mm_vision_tower` names.
  package var vision: String?
  /// An MGVQ state dict.
  package var mgvq: String?
  /// A LoRA run on `llm`, or a projector for it.
  package var adapter: String?
  /// Allows random weights for an anchor projector, and the row of `<unk>` for a voco token, where there is none.
  package var randomAnchorSeed: UInt64?
  /// How many voco tokens the model was trained with, which VoCo-LLaMA's files do not say.
  package var vocoTokens: Int?
  /// Of a Matryoshka model (M3), how many visual tokens the patches are pooled to.
  package var visualTokens: Int?

  package init(
    llm: String, vision: String? = nil, mgvq: String? = nil, adapter: String? = nil, randomAnchorSeed: UInt64? = nil,
    vocoTokens: Int? = nil, visualTokens: Int? = nil
  ) {
    self.llm = llm
    self.vision = vision
    self.mgvq = mgvq
    self.adapter = adapter
    self.randomAnchorSeed = randomAnchorSeed
    self.vocoTokens = vocoTokens
    self.visualTokens = visualTokens
  }
}

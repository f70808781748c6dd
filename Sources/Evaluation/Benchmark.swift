/// The benchmarks whose files and scoring rules are known.
package enum Benchmark: String, Sendable, CaseIterable {
  /// LLaVA's question format with answers in it, scored by exact match.
  case llava
  case pope
  case mme
  case gqa
  case vqav2
  case mmbench
  case seedbench
  case scienceqa
}

/// What LLaVA appends to a question (its `docs/Evaluation.md`).
package enum PromptSuffix {
  package static let shortAnswer = "Answer the question using a single word or phrase."
  package static let optionLetter = "Answer with the option's letter from the given choices directly."
}

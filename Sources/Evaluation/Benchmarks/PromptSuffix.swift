/// What LLaVA appends to a question (its `docs/Evaluation.md`).
package enum PromptSuffix {
  package static let shortAnswer = "Answer the question using a single word or phrase."
  package static let optionLetter = "Answer with the option's letter from the given choices directly."
}

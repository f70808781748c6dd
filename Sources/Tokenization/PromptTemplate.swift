/// The text around a prompt; `{prompt}` marks where the user's words go.
package struct PromptTemplate: Sendable, Equatable {
  /// The template of VoCo-LLaMA (arXiv 2406.12275, released code), used when `prompt_template` is absent.
  package static let vocoLLaMA =
    "A chat between a curious user and an artificial intelligence assistant of the image. "
    + "The assistant gives helpful, detailed, and polite answers to the user's questions. USER: {prompt} ASSISTANT:"

  package static let placeholder = "{prompt}"

  /// Where a template has the picture.
  package static let image = "<image>"

  /// The template's own text around its placeholders.
  private let literals: [String]

  package init(_ template: String) {
    var literals: [String] = []
    var literal: [UInt8] = []
    var rest = Array(template.utf8)[...]
    let placeholder = Array(Self.placeholder.utf8)
    while let next = rest.first {
      if rest.starts(with: placeholder) {
        literals.append(String(decoding: literal, as: UTF8.self))
        literal = []
        rest = rest.dropFirst(placeholder.count)
      } else {
        literal.append(next)
        rest = rest.dropFirst()
      }
    }
    self.literals = literals + [String(decoding: literal, as: UTF8.self)]
  }

  /// Whether the template has a place for the prompt; without one, every prompt would read the same.
  package var hasPlaceholder: Bool { literals.count > 1 }

  /// The template with `prompt` in place of each placeholder; what `prompt` itself spells is never replaced.
  package func fill(_ prompt: String) -> String {
    literals.joined(separator: prompt)
  }
}

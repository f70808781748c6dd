/// A text that equals another only byte for byte, as file formats compare names.
///
/// Swift's own strings are equal when they are canonically equivalent (Unicode, UAX #15): `é` in one code point and in two.
/// Formats that name things, such as safetensors, JSON and question files, mean two things by these.
package struct ExactText: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: ExactText, b: ExactText) -> Bool { a.text.isExactly(b.text) }

  package func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
  }
}

extension String {
  /// Whether both hold the same bytes.
  package func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

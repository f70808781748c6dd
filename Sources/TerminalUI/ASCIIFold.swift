extension Frame {
  /// The frame with every character an ASCII one, columns unchanged: for terminals that show nothing else.
  package var asciiOnly: Frame {
    var result = self
    for index in result.cells.indices where !result.cells[index].character.isPrintableASCII {
      let character = result.cells[index].character
      result.cells[index].character = character == Cell.continuation.character ? " " : asciiFold(character)
    }
    return result
  }
}

/// The ASCII character nearest in look or sound to one character; `?` when there is none.
package func asciiFold(_ character: Character) -> Character {
  if character.isPrintableASCII { return character }
  if let known = asciiLikenesses[character] { return known }
  guard let base = character.unicodeScalars.first else { return "?" }
  if base.isASCII { return base.value >= 0x20 && base.value < 0x7F ? Character(base) : "?" }
  return latinBase(base) ?? "?"
}

extension Character {
  var isPrintableASCII: Bool { asciiValue.map { $0 >= 0x20 && $0 < 0x7F } ?? false }
}

/// The letter behind an accented Latin one, read from its Unicode name ("LATIN SMALL LETTER E WITH ACUTE").
private func latinBase(_ scalar: Unicode.Scalar) -> Character? {
  guard let name = scalar.properties.name, name.hasPrefix("LATIN ") else { return nil }
  let words = name.split(separator: " ")
  guard words.count >= 4, words[2] == "LETTER", words[3].utf8.count == 1, let letter = words[3].first else {
    return nil
  }
  return words[1] == "SMALL" ? Character(letter.lowercased()) : letter
}

private let asciiLikenesses: [Character: Character] = [
  "×": "x", "·": ".", "…": "~", "–": "-", "—": "-", "−": "-", "‖": "|", "“": "\"", "”": "\"", "‘": "'", "’": "'",
  "→": ">", "←": "<", "↑": "^", "↓": "v", "✓": "y", "✗": "x", "•": "*", "▸": ">", "²": "2", "³": "3", "¹": "1",
  "±": "+", "≈": "~", "≤": "<", "≥": ">", "≠": "!", "÷": "/", "°": "o", "µ": "u", "Σ": "S", "√": "v", "∞": "8",
  "█": "#", "▉": "#", "▊": "#", "▋": "=", "▌": "=", "▍": "-", "▎": ":", "▏": ".", "▀": "\"", "▄": "_",
  "▁": "_", "▂": "_", "▃": ".", "▅": "-", "▆": "=", "▇": "#", "░": ".", "▒": ":", "▓": "#",
  "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
  "␛": "^", "␊": "$", "␉": ">", "␍": "$", "\u{A0}": " ", "◌": "o", "«": "<", "»": ">",
]

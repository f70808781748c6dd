/// The characters that widgets are drawn with.
package struct Glyphs: Sendable, Hashable {
  package let isUnicode: Bool
  package let horizontal, vertical, topLeft, topRight, bottomLeft, bottomRight: Character
  package let teeLeft, teeRight, teeTop, teeBottom, cross: Character
  /// A bar growing to the right by eighths: `[0]` empty … `[8]` full.
  package let horizontalEighths: [Character]
  /// A bar growing upward by eighths: `[0]` empty … `[8]` full.
  package let verticalEighths: [Character]
  package let upperHalf, lowerHalf, full: Character
  /// Characters from empty to dense that stand for a magnitude where colour cannot.
  package let ramp: [Character]
  package let ellipsis, bullet, check, failure, pointer, line, noData, scrollThumb, scrollTrack: Character
  package let up, down, left, right: Character
  /// Frames of a spinner.
  package let spinner: [Character]

  package static let unicode = Glyphs(
    isUnicode: true, horizontal: "─", vertical: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└", bottomRight: "┘",
    teeLeft: "├", teeRight: "┤", teeTop: "┬", teeBottom: "┴", cross: "┼",
    horizontalEighths: [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    verticalEighths: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], upperHalf: "▀", lowerHalf: "▄", full: "█",
    ramp: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], ellipsis: "…", bullet: "•", check: "✓", failure: "✗",
    pointer: "▸", line: "─", noData: "·", scrollThumb: "█", scrollTrack: "│", up: "↑", down: "↓", left: "←", right: "→",
    spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"])

  package static let ascii = Glyphs(
    isUnicode: false, horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+", bottomRight: "+",
    teeLeft: "+", teeRight: "+", teeTop: "+", teeBottom: "+", cross: "+",
    horizontalEighths: [" ", ".", ".", ":", "-", "-", "=", "=", "#"],
    verticalEighths: [" ", "_", "_", ".", ".", "-", "-", "=", "#"], upperHalf: "\"", lowerHalf: "_", full: "#",
    ramp: [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"], ellipsis: "~", bullet: "*", check: "y", failure: "x",
    pointer: ">", line: "-", noData: "?", scrollThumb: "#", scrollTrack: "|", up: "^", down: "v", left: "<", right: ">",
    spinner: ["|", "/", "-", "\\"])

  /// Unicode when the locale says UTF-8 (`LC_ALL`, else `LC_CTYPE`, else `LANG`) and ASCII was not asked for.
  package static func detect(environment: [String: String], asciiRequested: Bool = false) -> Glyphs {
    if asciiRequested { return .ascii }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let encoding = locale.lowercased()
    return encoding.contains("utf-8") || encoding.contains("utf8") ? .unicode : .ascii
  }

  /// The ramp's character for a magnitude in 0…1; anything above 0 shows.
  package func rampCharacter(_ t: Double) -> Character {
    guard t.isFinite else { return noData }
    let steps = Double(ramp.count - 1)
    let step = t <= 0 ? 0 : max(1, Int((min(t, 1) * steps).rounded()))
    return ramp[step]
  }
}

extension Frame {
  /// The frame with every character an ASCII one, columns unchanged: for terminals that show nothing else.
  package var asciiOnly: Frame {
    var result = self
    for index in result.cells.indices where !result.cells[index].character.isPrintableASCII {
      let character = result.cells[index].character
      let isBlank = character == Cell.continuation.character || character == Cell.picture.character
      result.cells[index].character = isBlank ? " " : asciiFold(character)
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

/// A character as a terminal can show it, and the columns it takes (1 or 2).
package struct TextCell: Sendable, Hashable {
  package let character: Character
  package let width: Int
}

/// Foreign text (file names, model pieces) as cells that cannot steer the terminal.
///
/// Control characters become their pictures (ESC → `␛`), formatting and direction marks vanish, marks stay on their
/// base (at most four), and an emoji sequence is cut to its first emoji: terminals disagree on the width of the rest.
package func textCells(_ text: String) -> [TextCell] {
  if plainWidth(text) != nil {
    return text.unicodeScalars.map { TextCell(character: Character($0), width: 1) }
  }
  var builder = TextCellBuilder()
  for character in text {
    builder.startCluster()
    for scalar in character.unicodeScalars { builder.add(scalar) }
  }
  return builder.finish()
}

/// Text cut to at most `width` columns; a cut is shown by `ellipsis` in the last column.
package func truncated(_ text: String, to width: Int, ellipsis: Character = "…") -> String {
  guard width > 0 else { return "" }
  if let columns = plainWidth(text), columns <= width { return text }
  let cells = textCells(text)
  if cells.reduce(0, { $0 + $1.width }) <= width { return String(cells.map(\.character)) }
  var used = 0
  var kept = ""
  for cell in cells where used + cell.width <= width - 1 {
    kept.append(cell.character)
    used += cell.width
    if used == width - 1 { break }
  }
  return kept + String(ellipsis)
}

/// Breaks text into lines of at most `width` columns, at spaces where there are any.
package func wrapped(_ text: String, to width: Int) -> [String] {
  guard width > 0 else { return [] }
  return text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { wrappedLine($0, to: width) }
}

private func wrappedLine(_ text: Substring, to width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  var used = 0
  for word in text.split(separator: " ", omittingEmptySubsequences: false) {
    let word = String(word)
    let plain = plainWidth(word)
    let columns = plain ?? displayWidth(word)
    if used > 0 && used + 1 + columns > width {
      lines.append(line)
      (line, used) = ("", 0)
    }
    if used > 0 || !line.isEmpty {
      line += " "
      used += 1
    }
    if plain != nil && used + columns <= width {
      line += word
      used += columns
      continue
    }
    for cell in textCells(word) {
      if used + cell.width > width && used > 0 {
        lines.append(line)
        (line, used) = ("", 0)
      }
      line.append(cell.character)
      used += cell.width
    }
  }
  return lines + [line]
}

private struct TextCellBuilder {
  private var cells: [TextCell] = []
  private var base = String.UnicodeScalarView()
  private var baseWidth = 0
  private var marks = 0
  private var isFirstOfCluster = true
  private var isJoined = false

  private static let mostMarks = 4

  mutating func startCluster() {
    isFirstOfCluster = true
    isJoined = false
  }

  mutating func add(_ scalar: Unicode.Scalar) {
    defer { isFirstOfCluster = false }
    if let picture = controlPicture(scalar) { return start(picture, width: 1) }
    let properties = scalar.properties
    if scalar == "\u{200D}" { isJoined = true }
    if properties.generalCategory == .format || properties.isVariationSelector { return }
    if !isFirstOfCluster && (properties.isEmojiModifier || isJoined && properties.isEmoji) { return }
    let width = displayWidth(scalar)
    if width > 0 { return start(scalar, width: width) }
    if base.isEmpty || isFirstOfCluster { start("\u{25CC}", width: 1) }
    if marks < Self.mostMarks {
      base.append(scalar)
      marks += 1
    }
  }

  mutating func finish() -> [TextCell] {
    flush()
    return cells
  }

  private mutating func start(_ scalar: Unicode.Scalar, width: Int) {
    flush()
    base.append(scalar)
    baseWidth = width
  }

  private mutating func flush() {
    if let first = base.first {
      let character = base.count == 1 ? Character(first) : Character(String(base))
      cells.append(TextCell(character: character, width: baseWidth))
    }
    base.removeAll()
    marks = 0
  }

  /// What stands for a scalar that must not reach the terminal; `nil` for one that may.
  private func controlPicture(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar.value {
    case 0..<0x20: return Unicode.Scalar(0x2400 + scalar.value)
    case 0x7F: return "\u{2421}"
    case 0x2028, 0x2029: return "\u{240A}"
    default:
      switch scalar.properties.generalCategory {
      case .control, .surrogate, .unassigned: return "\u{FFFD}"
      default: return nil
      }
    }
  }
}

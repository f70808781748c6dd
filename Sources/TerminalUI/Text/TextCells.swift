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

/// The columns a terminal gives a scalar: 0 for marks and invisible formatting, 2 for wide and fullwidth, else 1.
///
/// Source: Unicode East Asian Width classes W and F (UAX #11); marks by general category, as C libraries' `wcwidth` does.
package func displayWidth(_ scalar: Unicode.Scalar) -> Int {
  let value = scalar.value
  if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) ? 0 : 1 }
  // Dashes, quotes, dots; boxes and blocks: what frames are full of, without a look into Unicode's tables.
  if (0x2010...0x2027).contains(value) || (0x2500...0x25FC).contains(value) { return 1 }
  if isConjoiningJamo(value) { return 0 }
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format, .control, .surrogate: return 0
  default: return isWide(value) ? 2 : 1
  }
}

/// The columns a character takes in a frame, once it is made safe to show (see `textCells`).
package func displayWidth(_ character: Character) -> Int { displayWidth(String(character)) }

/// The columns a text takes in a frame, once it is made safe to show.
package func displayWidth(_ text: String) -> Int {
  plainWidth(text) ?? textCells(text).reduce(0) { $0 + $1.width }
}

/// The columns of a text of plain scalars alone, one each; `nil` if it holds any other.
func plainWidth(_ text: String) -> Int? {
  var width = 0
  for scalar in text.unicodeScalars {
    guard isPlain(scalar) else { return nil }
    width += 1
  }
  return width
}

/// Whether a scalar takes one column and is shown as it is, whatever stands beside it: nothing steers, joins or marks.
func isPlain(_ scalar: Unicode.Scalar) -> Bool {
  scalar.value < 0x7F ? scalar.value >= 0x20 : scalar.value < plainScalars.count && plainScalars[Int(scalar.value)]
}

/// Unicode's tables asked once: a frame holds thousands of boxes, blocks, signs and Latin letters.
private let plainScalars: [Bool] = (0..<0x2600 as Range<UInt32>).map { value in
  guard let scalar = Unicode.Scalar(value) else { return false }
  let properties = scalar.properties
  switch properties.generalCategory {
  case .control, .surrogate, .unassigned, .format, .nonspacingMark, .enclosingMark, .spacingMark, .lineSeparator,
    .paragraphSeparator:
    return false
  default:
    return displayWidth(scalar) == 1 && !properties.isEmoji && !properties.isVariationSelector
  }
}

/// Hangul vowels and final consonants that a terminal draws into the syllable before them.
func isConjoiningJamo(_ value: UInt32) -> Bool {
  (0x1160...0x11FF).contains(value) || (0xD7B0...0xD7FB).contains(value)
}

func isWide(_ value: UInt32) -> Bool {
  guard value >= 0x1100 else { return false }
  var low = 0
  var high = wideRanges.count
  while low < high {
    let middle = (low + high) / 2
    if wideRanges[middle].upperBound < value { low = middle + 1 } else { high = middle }
  }
  return low < wideRanges.count && wideRanges[low].contains(value)
}

/// East Asian Width W and F of Unicode 14, with unassigned gaps inside a block closed.
private let wideRanges: [ClosedRange<UInt32>] = [
  0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0...0x23F0, 0x23F3...0x23F3,
  0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F, 0x2693...0x2693, 0x26A1...0x26A1,
  0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA,
  0x26F2...0x26F3, 0x26F5...0x26F5, 0x26FA...0x26FA, 0x26FD...0x26FD, 0x2705...0x2705, 0x270A...0x270B,
  0x2728...0x2728, 0x274C...0x274C, 0x274E...0x274E, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
  0x27B0...0x27B0, 0x27BF...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B50, 0x2B55...0x2B55, 0x2E80...0x303E,
  0x3041...0x3247, 0x3250...0x4DBF, 0x4E00...0xA4C6, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAD9,
  0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x1B2FB, 0x1F004...0x1F004,
  0x1F0CF...0x1F0CF, 0x1F18E...0x1F18E, 0x1F191...0x1F19A, 0x1F200...0x1F320, 0x1F32D...0x1F335,
  0x1F337...0x1F37C, 0x1F37E...0x1F393, 0x1F3A0...0x1F3CA, 0x1F3CF...0x1F3D3, 0x1F3E0...0x1F3F0,
  0x1F3F4...0x1F3F4, 0x1F3F8...0x1F43E, 0x1F440...0x1F440, 0x1F442...0x1F4FC, 0x1F4FF...0x1F53D,
  0x1F54B...0x1F54E, 0x1F550...0x1F567, 0x1F57A...0x1F57A, 0x1F595...0x1F596, 0x1F5A4...0x1F5A4,
  0x1F5FB...0x1F64F, 0x1F680...0x1F6C5, 0x1F6CC...0x1F6CC, 0x1F6D0...0x1F6D2, 0x1F6D5...0x1F6DF,
  0x1F6EB...0x1F6EC, 0x1F6F4...0x1F6FC, 0x1F7E0...0x1F7F0, 0x1F90C...0x1F93A, 0x1F93C...0x1F945,
  0x1F947...0x1F9FF, 0x1FA70...0x1FAF6, 0x20000...0x3134A,
]

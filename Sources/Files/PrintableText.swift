/// Text for people, from files, arguments or the model, as it may reach a terminal: nothing in it steers the terminal,
/// reorders its line or piles up over the lines above.
///
/// Line feeds stay, and carriage returns before one. Other C0 controls and DEL become their pictures (ESC → `␛`), C1
/// controls and controls of direction U+FFFD, separators of lines and paragraphs `␊`; of marks on one base, four stay.
package func printable(_ text: String) -> String {
  if isPlain(text) { return text }
  var result = String.UnicodeScalarView()
  var gate = TerminalGate()
  var scalars = text.unicodeScalars.makeIterator()
  var next = scalars.next()
  while let scalar = next {
    next = scalars.next()
    switch gate.verdict(scalar, before: next) {
    case .passes: result.append(scalar)
    case .becomes(let stand): result.append(stand)
    case .vanishes: break
    }
  }
  return String(result)
}

/// A name out of a file as one line of a message may show it: `printable`, its line feeds `␊`, at most 120 scalars.
package func printableName(_ name: String) -> String {
  let shown = printable(String(String.UnicodeScalarView(name.unicodeScalars.prefix(120))))
  return String(shown.map { $0.isNewline ? "␊" : $0 }) + (name.unicodeScalars.count > 120 ? "…" : "")
}

/// A JSON document as it may reach a terminal: the same characters that `printable` replaces are written as `\u` escapes,
/// so that a program that reads the document gets the text as it was.
package func printable(json document: String) -> String {
  if isPlain(document) { return document }
  var result = ""
  var gate = TerminalGate()
  for scalar in document.unicodeScalars {
    if gate.verdict(scalar, before: nil) == .passes {
      result.unicodeScalars.append(scalar)
    } else {
      for unit in UTF16.encode(scalar)! {
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
  }
  return result
}

/// Whether all is printable ASCII or a line feed, as nearly all text is.
private func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20..<0x7F).contains($0) || $0 == 0x0A } }

/// The rule for one scalar after another.
private struct TerminalGate {
  enum Verdict: Equatable {
    case passes, vanishes
    case becomes(Unicode.Scalar)
  }

  /// Marks since the last base.
  private var marks = 0
  private static let mostMarks = 4
  private static let replacement: Unicode.Scalar = "\u{FFFD}"

  mutating func verdict(_ scalar: Unicode.Scalar, before next: Unicode.Scalar?) -> Verdict {
    let value = scalar.value
    if isMark(scalar) {
      marks += 1
      return marks <= Self.mostMarks ? .passes : .vanishes
    }
    marks = 0
    switch value {
    case 0x0A: return .passes
    case 0x0D where next == "\n": return .passes
    case 0..<0x20: return .becomes(Unicode.Scalar(0x2400 + value) ?? Self.replacement)
    case 0x7F: return .becomes("\u{2421}")
    case 0x80..<0xA0: return .becomes(Self.replacement)
    case 0x2028, 0x2029: return .becomes("\u{240A}")
    // Marks, embeddings, overrides, isolates and deprecated controls of direction.
    case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x206F: return .becomes(Self.replacement)
    default: return .passes
    }
  }

  private func isMark(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    let category = scalar.properties.generalCategory
    return category == .nonspacingMark || category == .enclosingMark
  }
}

/// Comma-separated values after RFC 4180; the program's only writer of them.
package enum CSV {
  /// Rows of fields, each row ended by `lineEnd`.
  package static func text(_ rows: [[String]], lineEnd: String = "\n") -> String {
    rows.map { $0.map(field).joined(separator: ",") + lineEnd }.joined()
  }

  /// A field, quoted if it holds a comma, a quotation mark or a line's end; scalars decide, since Swift sees a carriage
  /// return and a line feed, or a comma with a mark on it, as one character.
  package static func field(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0 == "," || $0 == "\"" || $0 == "\n" || $0 == "\r" }) else {
      return text
    }
    var quoted = "\"".unicodeScalars
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted.append(scalar) }
      quoted.append(scalar)
    }
    quoted.append("\"")
    return String(quoted)
  }
}

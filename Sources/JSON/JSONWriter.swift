extension JSONValue {
  /// The value as one line of JSON, keys in their order; a number that is not finite becomes null.
  package var line: String {
    var text = ""
    write(to: &text, indent: nil)
    return text
  }

  /// The value as indented JSON that ends in a newline.
  package var document: String {
    var text = ""
    write(to: &text, indent: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value): text += value.isFinite ? "\(value)" : "null"
    case .string(let value): value.writeQuoted(to: &text)
    case .array(let values):
      Self.writeList(values, open: "[", close: "]", to: &text, indent: indent) { value, text, indent in
        value.write(to: &text, indent: indent)
      }
    case .object(let object):
      Self.writeList(object.members, open: "{", close: "}", to: &text, indent: indent) { member, text, indent in
        member.key.writeQuoted(to: &text)
        text += indent == nil ? ":" : ": "
        member.value.write(to: &text, indent: indent)
      }
    }
  }

  private static func writeList<Element>(
    _ elements: [Element], open: String, close: String, to text: inout String, indent: Int?,
    element: (Element, inout String, Int?) -> Void
  ) {
    guard !elements.isEmpty else {
      text += open + close
      return
    }
    func startLine(_ depth: Int?) {
      if let depth { text += "\n" + String(repeating: "  ", count: depth) }
    }
    text += open
    for (index, item) in elements.enumerated() {
      if index > 0 { text += "," }
      startLine(indent.map { $0 + 1 })
      element(item, &text, indent.map { $0 + 1 })
    }
    startLine(indent)
    text += close
  }
}

extension String {
  fileprivate func writeQuoted(to text: inout String) {
    text += "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

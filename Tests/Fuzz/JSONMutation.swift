import Statistics

/// Changes of JSON text that mostly leave it JSON: values, keys and members, found by a scanner that takes any bytes.
struct JSONMutation {
  private struct Node {
    var range: Range<Int>
    /// From the key's quote to the end of the value.
    var member: Range<Int>?
    var key: Range<Int>?
  }

  private var nodes: [Node] = []
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    scan()
  }

  /// Values that few readers expect where they stand.
  private static let values: [String] = [
    "null", "true", "false", "0", "-0", "-1", "1", "2", "3", "1.5", "-1.5", "1e308", "1e-320", "1e999", "-1e999", "NaN",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "4294967296", "2147483648", "65536",
    "1048577",
    "12345678901234567890123", "[]", "{}", "[[]]", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"", "\"\\u001b[2J\"",
    "[1,2,3]", "[-1]", "[0,0,0,0,0,0,0,0,0]", "{\"\":0}", "[9223372036854775807,2]", "[1.5,\"a\",null]", "\"1\"",
  ]

  /// One to three changes; the text as it was where nothing in it is a value.
  static func mutate(_ text: [UInt8], with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    var text = text
    for _ in 0...mutation.random.below(3) {
      let json = JSONMutation(text)
      guard !json.nodes.isEmpty else { return text }
      text = json.changed(with: &mutation, beside: other)
    }
    return text
  }

  private func changed(with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    let node = mutation.pick(nodes)
    var result = bytes
    switch mutation.random.below(9) {
    case 0, 1, 2: result.replaceSubrange(node.range, with: Array(mutation.pick(Self.values).utf8))
    case 3: result.replaceSubrange(node.range, with: bytes[mutation.pick(nodes).range])
    case 4:
      let donor = JSONMutation(other)
      guard !donor.nodes.isEmpty else { break }
      result.replaceSubrange(node.range, with: other[mutation.pick(donor.nodes).range])
    case 5: result.removeSubrange(withComma(node.member ?? node.range))
    case 6:
      let member = Array(bytes[node.member ?? node.range])
      result.insert(contentsOf: member + [0x2C], at: (node.member ?? node.range).lowerBound)
    case 7:
      let depth = 1 + mutation.random.below(mutation.chance(4) ? 200 : 4)
      let opening = [UInt8](repeating: 0x5B, count: depth)
      let closing = [UInt8](repeating: 0x5D, count: depth)
      result.replaceSubrange(node.range, with: opening + bytes[node.range] + closing)
    default:
      let keys = nodes.compactMap(\.key)
      guard let key = node.key, !keys.isEmpty else {
        let text = mutation.pick(ByteMutation.texts).unicodeScalars.map { scalar in
          scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            ? "\\u00\(scalar.value < 16 ? "0" : "")" + String(scalar.value, radix: 16) : String(scalar)
        }
        result.replaceSubrange(node.range, with: Array("\"\(text.joined())\"".utf8))
        break
      }
      result.replaceSubrange(key, with: bytes[mutation.pick(keys)])
    }
    return result
  }

  private func withComma(_ range: Range<Int>) -> Range<Int> {
    if range.upperBound < bytes.count, bytes[range.upperBound] == 0x2C {
      return range.lowerBound..<range.upperBound + 1
    }
    if range.lowerBound > 0, bytes[range.lowerBound - 1] == 0x2C { return range.lowerBound - 1..<range.upperBound }
    return range
  }

  /// Finds values, and what is their key.
  private mutating func scan() {
    var open: [Int] = []
    var key: Range<Int>?
    var pendingKeys: [Range<Int>?] = []
    var position = 0
    func member(_ key: Range<Int>?, _ range: Range<Int>) -> Range<Int>? { key.map { $0.lowerBound..<range.upperBound } }
    while position < bytes.count {
      let start = position
      switch bytes[position] {
      case 0x7B, 0x5B:
        open.append(position)
        pendingKeys.append(key)
        key = nil
        position += 1
      case 0x7D, 0x5D:
        position += 1
        guard let first = open.popLast(), let own = pendingKeys.popLast() else { continue }
        nodes.append(Node(range: first..<position, member: member(own, first..<position), key: own))
        key = nil
      case 0x22:
        position += 1
        while position < bytes.count, bytes[position] != 0x22 { position += bytes[position] == 0x5C ? 2 : 1 }
        position = min(bytes.count, position + 1)
        let next = bytes[position...].first { $0 > 0x20 }
        if next == 0x3A {
          key = start..<position
        } else {
          nodes.append(Node(range: start..<position, member: member(key, start..<position), key: key))
          key = nil
        }
      case 0x2C, 0x3A, 0...0x20: position += 1
      default:
        while position < bytes.count, !Self.ends.contains(bytes[position]) { position += 1 }
        position = max(position, start + 1)
        nodes.append(Node(range: start..<position, member: member(key, start..<position), key: key))
        key = nil
      }
    }
  }

  private static let ends: Set<UInt8> = [0x2C, 0x7D, 0x5D, 0x20, 0x0A, 0x0D, 0x09, 0x22]
}

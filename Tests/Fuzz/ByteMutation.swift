import Statistics

/// Changes that need no knowledge of a format.
struct ByteMutation {
  var random: SplitMix64

  /// Numbers at which counts, offsets and signs go wrong.
  static let edges: [UInt64] = [
    0, 1, 2, 7, 8, 9, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 40,
    0x7FFF_FFFF_FFFF_FFFF, 1 << 63, .max, .max - 7,
  ]

  /// What steers terminals, ends texts early, or is another spelling of the same letters.
  static let texts: [String] = [
    "", "\u{0}", "\u{1B}[2J", "\u{1B}]0;x\u{7}", "\u{9B}31m", "\u{7F}", "\u{202E}abc", "\u{2028}", "e\u{301}", "é",
    "\r\n",
    "e" + String(repeating: "\u{301}", count: 300), "../../../etc/passwd", "/dev/zero", "<voco>", "<image>", "{prompt}",
    "-1", "9223372036854775807", "1e999", "nan", "\u{FEFF}", String(repeating: "A", count: 5000),
    "\u{1F468}\u{200D}\u{1F469}",
  ]

  mutating func chance(_ part: Int) -> Bool { random.below(part) == 0 }

  mutating func pick<Element>(_ list: [Element]) -> Element { list[random.below(list.count)] }

  /// A place in `bytes`, more often near the beginning, where headers are.
  private mutating func place(_ bytes: [UInt8]) -> Int {
    let count = max(1, bytes.count)
    return chance(2) ? random.below(min(count, 64)) : random.below(count)
  }

  /// One to four changes.
  mutating func mutate(_ bytes: inout [UInt8], beside other: [UInt8]) {
    for _ in 0...random.below(4) { change(&bytes, beside: other) }
  }

  private mutating func change(_ bytes: inout [UInt8], beside other: [UInt8]) {
    let at = min(place(bytes), max(0, bytes.count - 1))
    let length = min(bytes.count - at, 1 + random.below(chance(4) ? 256 : 16))
    switch random.below(10) {
    case 0 where !bytes.isEmpty: bytes[at] ^= 1 << UInt8(random.below(8))
    case 1 where !bytes.isEmpty: bytes[at] = UInt8(truncatingIfNeeded: random.next())
    case 2: write(pick(Self.edges), width: 1 << random.below(4), at: at, in: &bytes)
    case 3: bytes.removeSubrange(at..<at + length)
    case 4: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
    case 5: bytes.insert(contentsOf: Array(pick(Self.texts).utf8), at: at)
    case 6: bytes.removeSubrange(at...)
    case 7 where !other.isEmpty:
      let from = random.below(other.count)
      let part = other[from..<min(other.count, from + length)]
      bytes.replaceSubrange(at..<min(bytes.count, at + part.count), with: part)
    case 8: changeNumber(&bytes, near: at)
    default:
      for index in at..<at + length { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
    }
  }

  /// Puts a number in either byte order over what stands at `at`.
  mutating func write(_ value: UInt64, width: Int, at: Int, in bytes: inout [UInt8]) {
    guard at + width <= bytes.count else { return }
    let isBig = chance(2)
    for index in 0..<width {
      bytes[at + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (isBig ? width - 1 - index : index)))
    }
  }

  /// Replaces the decimal number that begins next after `at`.
  private mutating func changeNumber(_ bytes: inout [UInt8], near at: Int) {
    let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
    guard let start = bytes[min(at, bytes.count)...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    let edge = pick(Self.edges)
    let text = chance(3) ? "-\(edge)" : chance(3) ? "\(edge).5e\(random.below(400))" : "\(edge)"
    bytes.replaceSubrange(start..<end, with: Array(text.utf8))
  }

  /// Lines and fields of a table or a file of records: left out, twice, swapped, of another length.
  mutating func mutateLines(_ bytes: inout [UInt8], separator: UInt8) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let (a, b) = (random.below(lines.count), random.below(lines.count))
    switch random.below(6) {
    case 0: lines.remove(at: a)
    case 1: lines.insert(lines[a], at: b)
    case 2: lines.swapAt(a, b)
    default:
      var fields = lines[a].split(separator: separator, omittingEmptySubsequences: false).map(Array.init)
      guard !fields.isEmpty else { break }
      let (c, d) = (random.below(fields.count), random.below(fields.count))
      switch random.below(5) {
      case 0: fields.remove(at: c)
      case 1: fields.insert(fields[c], at: d)
      case 2: fields.swapAt(c, d)
      case 3: fields[c] = Array(pick(Self.texts).utf8)
      default: mutate(&fields[c], beside: lines[b])
      }
      lines[a] = Array(fields.joined(separator: [separator]))
    }
    bytes = Array(lines.joined(separator: [0x0A]))
  }
}

import Files
import Glibc
import ImageLoading
import Tensor

/// The path of a file in this target's `Fixtures`.
func fixture(_ name: String) -> String {
  #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    + "/Fixtures/\(name)"
}

func fixtureBytes(_ name: String) throws -> [UInt8] { try FileContents.read(path: fixture(name), limit: 1 << 22) }

/// The words of each line of a recorded text file, comments left out.
func recordedLines(_ name: String) -> [[String]] {
  let bytes = (try? fixtureBytes(name)) ?? []
  let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
  precondition(!lines.isEmpty, "\(name) is missing or empty")
  return lines.map { $0.split(separator: " ").map(String.init) }
}

/// The names of all recorded pictures.
let pictureNames = recordedLines("decoded.txt").map { $0[0] }

func bytes(hexadecimal text: String) -> [UInt8] {
  let digits = text.utf8.map { UInt8($0 <= 0x39 ? $0 - 0x30 : $0 - 0x57) }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// The noise of the fixtures' generator: the high bytes of a linear congruential generator.
func noise(width: Int, height: Int, seed: Int) -> Picture {
  var state = UInt32(seed)
  return Picture(width: width, height: height) { pixels in
    for index in pixels.indices {
      state = state &* 1_664_525 &+ 1_013_904_223
      pixels[index] = UInt8(state >> 24)
    }
  }
}

/// The most memory that the process has held so far, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(truncatingIfNeeded: RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss << 10
}

/// The CRC of a PNG chunk (ISO/IEC 15948, annex D).
func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  ~bytes.reduce(~0) { crc, byte in
    (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }
}

func bigEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

/// A PNG of one row of 16-bit grey.
func greyPNG(_ levels: [UInt16]) -> [UInt8] {
  func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body[...]))
  }
  let row: [UInt8] = [0] + levels.flatMap { [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)] }
  // zlib's header, one stored block, and Adler-32 (RFC 1950, 1951).
  let (low, high) = row.reduce((1, 0)) { sums, byte in
    let low = (sums.0 + Int(byte)) % 65_521
    return (low, (sums.1 + low) % 65_521)
  }
  let length = UInt16(row.count)
  let data =
    [0x78, 1, 1] + withUnsafeBytes(of: (length, ~length), Array.init) + row + bigEndian(UInt32(high << 16 | low))
  return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    + chunk("IHDR", bigEndian(UInt32(levels.count)) + bigEndian(1) + [16, 0, 0, 0, 0]) + chunk("IDAT", data)
    + chunk("IEND", [])
}

/// A PNG's bytes with every chunk's CRC made right, as far as the lengths lead.
func repairedPNG(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  var position = 8
  while position + 12 <= bytes.count {
    let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - position - 12 else { break }
    let end = position + 8 + length
    bytes.replaceSubrange(end..<end + 4, with: bigEndian(crc32(bytes[position + 4..<end])))
    position = end + 4
  }
  return bytes
}

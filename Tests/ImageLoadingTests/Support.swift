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

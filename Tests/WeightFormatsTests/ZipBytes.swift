/// Makes ZIP archives of stored entries, with any bytes in them.
enum ZipBytes {
  /// The archive; with `isLarge`, all sizes and places stand in ZIP64 fields.
  static func archive(_ entries: [(name: String, bytes: [UInt8])], isLarge: Bool = false) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in entries {
      let place = file.count
      let checksum = number(Int(crc32(bytes)), 4)
      let sizes =
        isLarge ? number(0xFFFF_FFFF, 4) + number(0xFFFF_FFFF, 4) : number(bytes.count, 4) + number(bytes.count, 4)
      let common = number(0, 2) + number(0, 2) + number(0, 4) + checksum + sizes + number(name.utf8.count, 2)
      let padding: [UInt8] = [0x46, 0x42, 3, 0, 0, 0, 0]
      file += number(0x0403_4B50, 4) + number(45, 2) + common + number(padding.count, 2) + Array(name.utf8) + padding
      file += bytes
      let extra =
        isLarge ? number(1, 2) + number(24, 2) + number(bytes.count, 8) + number(bytes.count, 8) + number(place, 8) : []
      directory += number(0x0201_4B50, 4) + number(45, 2) + number(45, 2) + common + number(extra.count, 2)
      directory += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4)
      directory += number(isLarge ? 0xFFFF_FFFF : place, 4) + Array(name.utf8) + extra
    }
    let (start, size) = (file.count, directory.count)
    file += directory
    if isLarge {
      let record = file.count
      file += number(0x0606_4B50, 4) + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 4) + number(0, 4)
      file += number(entries.count, 8) + number(entries.count, 8) + number(size, 8) + number(start, 8)
      file += number(0x0706_4B50, 4) + number(0, 4) + number(record, 8) + number(1, 4)
    }
    let count = isLarge ? 0xFFFF : entries.count
    file += number(0x0605_4B50, 4) + number(0, 2) + number(0, 2) + number(count, 2) + number(count, 2)
    return file + number(isLarge ? 0xFFFF_FFFF : size, 4) + number(isLarge ? 0xFFFF_FFFF : start, 4) + number(0, 2)
  }

  static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Bit by bit, as ISO 3309 defines it.
  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var value: UInt32 = ~0
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
  }
}

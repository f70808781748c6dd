/// EXIF's orientation (EXIF 2.32, tag 0x0112), searched in bytes that may lie about every length.
enum EXIFOrientation {
  /// The orientation, 1 to 8, that a picture file states; 1 where it states none or nonsense.
  static func find(in bytes: [UInt8], format: ImageFormat) -> Int {
    let exif =
      switch format {
      case .png: pngChunk("eXIf", in: bytes)
      case .jpeg: jpegSegment(in: bytes)
      }
    return exif.flatMap(parse) ?? 1
  }

  /// The TIFF structure in the first APP1 segment that begins with `Exif`, before the first scan (ITU T.81, B.1.1).
  private static func jpegSegment(in bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var position = 2
    while position + 4 <= bytes.count, bytes[position] == 0xFF {
      let marker = bytes[position + 1]
      if marker == 0xFF {
        position += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { return nil }
      let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
      let end = position + 2 + length
      guard length >= 2, end <= bytes.count else { return nil }
      let content = bytes[position + 4..<end]
      if marker == 0xE1, content.starts(with: Array("Exif\0\0".utf8)) { return content.dropFirst(6) }
      position = end
    }
    return nil
  }

  /// The content of the first PNG chunk of type `name`.
  private static func pngChunk(_ name: String, in bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - position - 12 else { return nil }
      let content = bytes[position + 8..<position + 8 + length]
      if bytes[position + 4..<position + 8].elementsEqual(name.utf8) { return content }
      position += 12 + length
    }
    return nil
  }

  /// The orientation in IFD0 of a TIFF structure of either byte order.
  private static func parse(_ tiff: ArraySlice<UInt8>) -> Int? {
    let reader = TIFFReader(bytes: Array(tiff))
    guard let reader, let directory = reader.integer(at: 4, bytes: 4) else { return nil }
    guard let count = reader.integer(at: directory, bytes: 2) else { return nil }
    for entry in 0..<count {
      let start = directory + 2 + 12 * entry
      guard let tag = reader.integer(at: start, bytes: 2) else { return nil }
      guard tag == 0x0112 else { continue }
      guard let type = reader.integer(at: start + 2, bytes: 2), reader.integer(at: start + 4, bytes: 4) == 1 else {
        return nil
      }
      // Types BYTE, SHORT and LONG; the value stands left in its four bytes.
      guard let size = [1: 1, 3: 2, 4: 4][type], let value = reader.integer(at: start + 8, bytes: size) else {
        return nil
      }
      return (1...8).contains(value) ? value : nil
    }
    return nil
  }
}

/// Bounds-checked integers of a TIFF structure in the byte order of its header.
private struct TIFFReader {
  let bytes: [UInt8]
  let bigEndian: Bool

  init?(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0x49, 0x49, 0x2A, 0x00]) {
      bigEndian = false
    } else if bytes.starts(with: [0x4D, 0x4D, 0x00, 0x2A]) {
      bigEndian = true
    } else {
      return nil
    }
  }

  /// The unsigned integer of up to four bytes at `offset`, or `nil` outside the structure.
  func integer(at offset: Int, bytes count: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - count else { return nil }
    let field = bytes[offset..<offset + count]
    return bigEndian ? field.reduce(0) { $0 << 8 | Int($1) } : field.reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

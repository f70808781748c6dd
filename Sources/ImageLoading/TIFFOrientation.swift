/// What a TIFF structure, which is what EXIF is, says of the orientation (EXIF 2.32, tag 0x0112); its bytes may lie about
/// every length.
enum TIFFOrientation: Equatable {
  /// No such tag.
  case absent
  /// The tag's number; nil where it is none, as in a text.
  case stated(Int?)

  /// Searches IFD0.
  init(tiff: ArraySlice<UInt8>) {
    self = .absent
    let reader = TIFFReader(bytes: Array(tiff))
    guard let reader, let directory = reader.integer(at: 4, bytes: 4) else { return }
    guard let count = reader.integer(at: directory, bytes: 2) else { return }
    for entry in 0..<count {
      let start = directory + 2 + 12 * entry
      guard let tag = reader.integer(at: start, bytes: 2) else { return }
      if tag == 0x0112 {
        self = .stated(Self.value(reader, entry: start))
        return
      }
    }
  }

  /// The first value of an entry of a type that PIL reads as integers: SHORT, LONG, SBYTE, SSHORT, SLONG. It stands left in
  /// the entry's last four bytes where all values fit, else where those point.
  private static func value(_ reader: TIFFReader, entry: Int) -> Int? {
    guard let type = reader.integer(at: entry + 2, bytes: 2), let count = reader.integer(at: entry + 4, bytes: 4),
      count > 0, let size = [3: 2, 4: 4, 6: 1, 8: 2, 9: 4][type]
    else { return nil }
    if count * size <= 4 { return reader.integer(at: entry + 8, bytes: size) }
    return reader.integer(at: entry + 8, bytes: 4).flatMap { reader.integer(at: $0, bytes: size) }
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

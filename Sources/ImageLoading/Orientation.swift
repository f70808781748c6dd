/// How a picture is to be turned, from all the places where PIL's `ImageOps.exif_transpose` looks: EXIF, and where that
/// does not say, XMP.
enum Orientation {
  /// The orientation, 1 to 8, that a picture file states; 1 where it states none or nonsense.
  static func find(in bytes: [UInt8], format: ImageFormat) -> Int {
    let metadata =
      switch format {
      case .png: PNGMetadata.read(bytes)
      case .jpeg: JPEGMetadata.read(bytes)
      }
    if let exif = metadata.exif, case .stated(let value) = TIFFOrientation(tiff: withoutMarks(exif)) {
      return valid(value)
    }
    return valid(metadata.xmp.flatMap(xmp))
  }

  private static func valid(_ value: Int?) -> Int { value.flatMap { (1...8).contains($0) ? $0 : nil } ?? 1 }

  /// EXIF as it stands in a JPEG begins with `Exif\0\0`, once or, by some writers, twice.
  private static func withoutMarks(_ exif: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let mark = Array("Exif\0\0".utf8)
    var rest = exif
    for _ in 0..<2 where rest.starts(with: mark) { rest = rest.dropFirst(mark.count) }
    return rest
  }

  /// The digit of `tiff:Orientation="6"` or `tiff:Orientation>6`, wherever it stands: PIL's own search.
  private static func xmp(_ packet: ArraySlice<UInt8>) -> Int? {
    let name = Array("tiff:Orientation".utf8)
    var rest = packet
    while let start = rest.firstIndex(of: name[0]) {
      rest = rest[start...]
      if rest.starts(with: name) {
        let after = rest.dropFirst(name.count)
        for mark in ["=\"", ">"] where after.starts(with: mark.utf8) {
          if let digit = after.dropFirst(mark.utf8.count).first, (0x30...0x39).contains(digit) {
            return Int(digit) - 0x30
          }
        }
      }
      rest = rest.dropFirst()
    }
    return nil
  }
}

/// The parts of a picture file that may state its orientation.
struct PictureMetadata {
  var exif: ArraySlice<UInt8>?
  var xmp: ArraySlice<UInt8>?
}

/// The marker segments before a JPEG's first scan (ITU T.81, B.1.1).
enum JPEGMetadata {
  private static let exifMark = Array("Exif\0\0".utf8)
  private static let xmpMark = Array("http://ns.adobe.com/xap/1.0/\0".utf8)

  /// EXIF may be spread over several segments; of XMP the last counts.
  static func read(_ bytes: [UInt8]) -> PictureMetadata {
    var metadata = PictureMetadata()
    var position = 2
    while position + 4 <= bytes.count, bytes[position] == 0xFF {
      let marker = bytes[position + 1]
      if marker == 0xFF {
        position += 1
        continue
      }
      if marker == 0xDA || marker == 0xD9 { break }
      let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
      let end = position + 2 + length
      guard length >= 2, end <= bytes.count else { break }
      let content = bytes[position + 4..<end]
      if marker == 0xE1, content.starts(with: exifMark) {
        metadata.exif = metadata.exif.map { $0 + content.dropFirst(exifMark.count) } ?? content
      } else if marker == 0xE1, content.starts(with: xmpMark) {
        metadata.xmp = content.dropFirst(xmpMark.count)
      }
      position = end
    }
    return metadata
  }
}

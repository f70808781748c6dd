import CImageCodecs

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

/// The chunks of a PNG that may state its orientation: eXIf, and texts, compressed or not, under three names
/// (ISO/IEC 15948, 11.3). A chunk that is damaged counts as absent.
enum PNGMetadata {
  /// As many bytes as PIL lets a text have.
  private static let longestText = 1 << 20

  private enum Name {
    static let xmp = Array("XML:com.adobe.xmp".utf8)
    static let exif = Array("exif".utf8)
    /// ImageMagick's form: a name, a length and hexadecimal digits, a line each.
    static let exifProfile = Array("Raw profile type exif".utf8)
  }

  static func read(_ bytes: [UInt8]) -> PictureMetadata {
    var exif: ArraySlice<UInt8>?
    // Inflated only once it is known which is the last of its name, which counts.
    var profile: Text?
    var xmp: Text?
    eachChunk(of: bytes) { type, content in
      if type == "eXIf" { exif = content }
      guard let text = Text(type: type, content: content) else { return }
      switch Array(text.name) {
      case Name.exif where type == "tEXt": exif = text.value
      case Name.exifProfile: profile = text
      case Name.xmp: xmp = text
      default: break
      }
    }
    return PictureMetadata(exif: exif ?? profile?.inflated.map(unhexed), xmp: xmp?.inflated)
  }

  private static func eachChunk(of bytes: [UInt8], _ body: (String, ArraySlice<UInt8>) -> Void) {
    var position = 8
    while position + 8 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - position - 8 else { return }
      let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
      body(type, bytes[position + 8..<position + 8 + length])
      position += 12 + length
    }
  }

  /// The bytes that the lines behind the third spell.
  private static func unhexed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).dropFirst(3)
    let digits = lines.joined().compactMap { Character(UnicodeScalar($0)).hexDigitValue.map { UInt8($0) } }
    return stride(from: 0, to: digits.count - digits.count % 2, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }[...]
  }

  /// A chunk tEXt, zTXt or iTXt.
  private struct Text {
    let name: ArraySlice<UInt8>
    let value: ArraySlice<UInt8>
    let isCompressed: Bool

    init?(type: String, content: ArraySlice<UInt8>) {
      guard ["tEXt", "zTXt", "iTXt"].contains(type), let end = content.firstIndex(of: 0) else { return nil }
      name = content[..<end]
      var rest = content[(end + 1)...]
      switch type {
      case "tEXt": isCompressed = false
      case "zTXt":
        guard rest.popFirst() == 0 else { return nil }
        isCompressed = true
      default:
        guard let flag = rest.popFirst(), let method = rest.popFirst(), flag == 0 || method == 0 else { return nil }
        isCompressed = flag != 0
        // The language and the translated name.
        for _ in 0..<2 {
          guard let end = rest.firstIndex(of: 0) else { return nil }
          rest = rest[(end + 1)...]
        }
      }
      value = rest
    }

    var inflated: ArraySlice<UInt8>? {
      guard isCompressed else { return value }
      var isWhole = false
      let text = [UInt8](unsafeUninitializedCapacity: longestText) { buffer, filled in
        isWhole =
          value.withUnsafeBufferPointer {
            cic_inflate($0.baseAddress, $0.count, buffer.baseAddress, buffer.count, &filled)
          } != 0
      }
      return isWhole ? text[...] : nil
    }
  }
}

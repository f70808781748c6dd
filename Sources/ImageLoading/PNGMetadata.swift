internal import CImageCodecs

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

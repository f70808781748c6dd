internal import CImageCodecs
import Files
package import Tensor

/// Writes pictures as 8-bit RGB PNG.
package enum PNGWriter {
  /// Writes `image` to `path`, which afterwards holds either the whole picture or what it held before.
  ///
  /// - Throws: `ImageError`, naming `path`.
  package static func write(_ image: Picture, to path: String) throws(ImageError) {
    do {
      try FileContents.write(encoded(image), to: path)
    } catch {
      throw .file(error)
    }
  }

  /// The file's bytes.
  ///
  /// - Parameters:
  ///   - dotsPerInch: the resolution to print at; nil says nothing of it.
  ///   - texts: names of at most 79 ASCII characters and what they say, as uncompressed iTXt chunks (ISO/IEC 15948,
  ///     11.3.4).
  package static func encoded(
    _ image: Picture, dotsPerInch: Double? = nil, texts: [(name: String, value: String)] = []
  ) -> [UInt8] {
    var report = cic_report()
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let size = cic_size(width: UInt32(image.width), height: UInt32(image.height))
    cic_png_encode(image.pixels, size, &bytes, &count, &report)
    precondition(report.status == CIC_OK, "8-bit RGB pixels can be encoded while there is memory")
    defer { cic_free(bytes) }
    let file = UnsafeBufferPointer(start: bytes, count: count)
    // The signature and the header, which stands first.
    let head = 8 + 25
    return Array(file[..<head]) + (dotsPerInch.map(physicalSize) ?? []) + texts.flatMap(text) + file[head...]
  }

  private static func physicalSize(_ dotsPerInch: Double) -> [UInt8] {
    let perMetre = bigEndian(UInt32((dotsPerInch / 0.0254).rounded()))
    return chunk("pHYs", perMetre + perMetre + [1])
  }

  private static func text(_ text: (name: String, value: String)) -> [UInt8] {
    precondition((1...79).contains(text.name.utf8.count) && text.name.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
    // Uncompressed, of no language, under no translated name.
    return chunk("iTXt", Array(text.name.utf8) + [0, 0, 0, 0, 0] + text.value.utf8.filter { $0 != 0 })
  }

  private static func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + content
    return bigEndian(UInt32(content.count)) + body + bigEndian(CRC32.checksum(body))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
}

/// The picture formats that are decoded.
package enum ImageFormat: String, Sendable, Equatable {
  case png = "PNG"
  case jpeg = "JPEG"

  /// The format that `bytes` begin like.
  init?(signature bytes: [UInt8]) {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else {
      return nil
    }
  }

  /// What a file that is neither may be, to tell the user.
  static func nameOfOther(signature bytes: [UInt8]) -> String? {
    func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
    if bytes.isEmpty { return "an empty file" }
    if has("GIF8") { return "GIF" }
    if has("RIFF") && has("WEBP", at: 8) { return "WebP" }
    if has("BM") { return "BMP" }
    if has("II*\0") || has("MM\0*") { return "TIFF" }
    if has("ftypavif", at: 4) { return "AVIF" }
    if has("ftyphei", at: 4) || has("ftypmif1", at: 4) { return "HEIF" }
    if has("%PDF") { return "PDF" }
    if has("<svg") || has("<?xml") { return "SVG or other XML" }
    return nil
  }
}

/// The largest picture that is read, so that a lying header cannot exhaust memory.
package struct ImageLimits: Sendable, Equatable {
  /// Pixels a side.
  package let side: Int
  /// Pixels in all.
  package let pixels: Int

  package init(side: Int, pixels: Int) {
    self.side = side
    self.pixels = pixels
  }

  /// 32,768 a side; in all as many as PIL refuses to exceed (twice its `MAX_IMAGE_PIXELS`, 178,956,970).
  package static let standard = ImageLimits(side: 32_768, pixels: 178_956_970)
}

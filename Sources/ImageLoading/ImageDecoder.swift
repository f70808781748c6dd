import CImageCodecs
package import Files
package import Tensor

/// A picture with where it came from.
package struct DecodedImage: Sendable, Equatable {
  /// Upright: the orientation that the file states is applied.
  package let image: Picture
  package let format: ImageFormat
  /// The SHA-256 of the file's bytes, in hexadecimal.
  package let fileSHA256: String
  /// What the decoder found odd but carried on with, for the user to know.
  package let warnings: [String]
}

/// Reads PNG and JPEG files as PIL's `convert("RGB")` does, upright.
package enum ImageDecoder {
  /// More than any picture within `ImageLimits.standard` takes.
  private static let byteLimit = 1 << 30

  /// The picture in the file at `path`.
  ///
  /// - Throws: `ImageError`, naming `path`. A file that ends early is an error even if most of the picture is there.
  package static func decode(
    path: String, limits: ImageLimits = .standard
  ) throws(ImageError) -> DecodedImage {
    let bytes: [UInt8]
    do {
      bytes = try FileContents.read(path: path, limit: byteLimit)
    } catch {
      throw .file(error)
    }
    return try decode(bytes, path: path, limits: limits)
  }

  /// The picture in `bytes`, which came from `path`.
  package static func decode(
    _ bytes: [UInt8], path: String, limits: ImageLimits = .standard
  ) throws(ImageError) -> DecodedImage {
    guard let format = ImageFormat(signature: bytes) else {
      throw .notAnImage(path: path, found: ImageFormat.nameOfOther(signature: bytes))
    }
    let codec = Codec(path: path, format: format)
    let size = try codec.size(bytes, limits: limits)
    let (result, digest) = both({ codec.pixels(bytes, size: size) }, { SHA256.hexDigest(of: bytes) })
    let (stored, warnings) = try result.get()
    let image = upright(stored, orientation: Orientation.find(in: bytes, format: format))
    return DecodedImage(image: image, format: format, fileSHA256: digest, warnings: warnings)
  }

  /// `image` as EXIF's `orientation`, 1 to 8, says to show it.
  static func upright(_ image: Picture, orientation: Int) -> Picture {
    guard orientation != 1 else { return image }
    let size = cic_size(width: UInt32(image.width), height: UInt32(image.height))
    let (width, height) = orientation >= 5 ? (image.height, image.width) : (image.width, image.height)
    return Picture(width: width, height: height) { target in
      nonisolated(unsafe) let target = target.baseAddress
      concurrently(over: height) { rows in
        cic_orient(
          image.pixels, size, Int32(orientation), UInt32(rows.lowerBound), UInt32(rows.upperBound), target)
      }
    }
  }
}

/// One of the C decoders, with its reports turned into errors.
private struct Codec: Sendable {
  let path: String
  let format: ImageFormat

  func size(_ bytes: [UInt8], limits: ImageLimits) throws(ImageError) -> cic_size {
    var report = cic_report()
    let size =
      switch format {
      case .png: cic_png_size(bytes, bytes.count, &report)
      case .jpeg: cic_jpeg_size(bytes, bytes.count, &report)
      }
    guard report.status == CIC_OK else { throw report.error(path: path, format: format, size: size) }
    let (width, height) = (Int(size.width), Int(size.height))
    guard width <= limits.side, height <= limits.side, width * height <= limits.pixels else {
      throw .tooLarge(path: path, width: width, height: height, limits: limits)
    }
    guard width * height <= max(limits.pixelsOfAnyFile, limits.pixelsPerByte * bytes.count) else {
      throw .outOfProportion(path: path, width: width, height: height, byteCount: bytes.count, limits: limits)
    }
    guard width > 0, height > 0 else {
      throw .damaged(path: path, format: format, reason: "its size is \(width)×\(height)")
    }
    return size
  }

  func pixels(_ bytes: [UInt8], size: cic_size) -> Result<(Picture, [String]), ImageError> {
    var report = cic_report()
    let image = Picture(width: Int(size.width), height: Int(size.height)) {
      switch format {
      case .png: cic_png_decode(bytes, bytes.count, size, $0.baseAddress, &report)
      case .jpeg: cic_jpeg_decode(bytes, bytes.count, size, $0.baseAddress, &report)
      }
    }
    guard report.status == CIC_OK else { return .failure(report.error(path: path, format: format, size: size)) }
    return .success((image, report.warningLines))
  }
}

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

/// The largest picture that is read, so that neither a lying header nor a few bytes that stand for many pixels can exhaust
/// memory.
package struct ImageLimits: Sendable, Equatable {
  /// Pixels a side.
  package let side: Int
  /// Pixels in all.
  package let pixels: Int
  /// As many as a file of any size may have: a screen of 7,680 × 4,320 has fewer.
  package let pixelsOfAnyFile = 1 << 25
  /// Above, as many for each byte: pictures of something have under a hundred.
  package let pixelsPerByte = 128

  package init(side: Int, pixels: Int) {
    self.side = side
    self.pixels = pixels
  }

  /// 32,768 a side; in all as many as PIL refuses to exceed (twice its `MAX_IMAGE_PIXELS`, 178,956,970).
  package static let standard = ImageLimits(side: 32_768, pixels: 178_956_970)
}

extension cic_report {
  /// What the codec found odd but carried on with.
  var warningLines: [String] { text(warnings).split(separator: "\n").map(String.init) }

  /// The error for a status that is not `CIC_OK`.
  func error(path: String, format: ImageFormat, size: cic_size) -> ImageError {
    switch status {
    case CIC_TRUNCATED: .truncated(path: path, format: format)
    case CIC_NO_MEMORY: .outOfMemory(path: path, width: Int(size.width), height: Int(size.height))
    default: .damaged(path: path, format: format, reason: text(message))
    }
  }

  /// The NUL-terminated text in a C array, which Swift sees as a tuple.
  private func text<Characters>(_ characters: Characters) -> String {
    withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}

/// Why a picture cannot be read or written; its description is one sentence that names the file.
package enum ImageError: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  /// Neither PNG nor JPEG; `found` names the format it looks like, if known.
  case notAnImage(path: String, found: String?)
  case tooLarge(path: String, width: Int, height: Int, limits: ImageLimits)
  /// A picture out of all proportion to its file, which has `byteCount` bytes.
  case outOfProportion(path: String, width: Int, height: Int, byteCount: Int, limits: ImageLimits)
  /// The file ends before its picture does.
  case truncated(path: String, format: ImageFormat)
  /// Damaged, or of a kind not decoded; `reason` quotes the decoder.
  case damaged(path: String, format: ImageFormat, reason: String)
  case outOfMemory(path: String, width: Int, height: Int)
  /// What the setting `key` of the file at `path` makes of a picture is not what the vision tower takes.
  case unfit(path: String, key: String, picture: PixelSize, result: PixelSize, side: Int)

  package var description: String {
    switch self {
    case .file(let error): return error.description
    case .notAnImage(let path, let found):
      return "\(path): is not a PNG or JPEG picture" + (found.map { "; it looks like \($0)" } ?? "")
    case .tooLarge(let path, let width, let height, let limits):
      return """
        \(path): its header says \(width)×\(height) pixels; at most \(limits.side) a side and \
        \(limits.pixels) in all are read
        """
    case .outOfProportion(let path, let width, let height, let byteCount, let limits):
      return """
        \(path): its header says \(width)×\(height) pixels, in a file of \(byteCount) bytes; above \(limits.pixelsOfAnyFile) \
        pixels, at most \(limits.pixelsPerByte) a byte are read
        """
    case .truncated(let path, let format):
      return "\(path): the \(format.rawValue) data end before the picture is complete"
    case .damaged(let path, let format, let reason):
      return "\(path): the \(format.rawValue) data cannot be decoded: \(reason)"
    case .outOfMemory(let path, let width, let height):
      return "\(path): there is no memory for its \(width)×\(height) pixels"
    case .unfit(let path, let key, let picture, let result, let side):
      return
        "\(path): \(key) makes \(result) pixels of a picture of \(picture), but the vision tower takes \(side)×\(side)"
    }
  }
}

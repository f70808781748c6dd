internal import CImageCodecs
import Files
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

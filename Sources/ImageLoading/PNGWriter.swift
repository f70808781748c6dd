internal import CImageCodecs
import Files
package import Tensor

/// Writes pictures as 8-bit RGB PNG.
package enum PNGWriter {
  /// Writes `image` to `path`, which afterwards holds either the whole picture or what it held before.
  ///
  /// - Throws: `ImageError`, naming `path`.
  package static func write(_ image: Picture, to path: String) throws(ImageError) {
    var report = cic_report()
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    let size = cic_size(width: UInt32(image.width), height: UInt32(image.height))
    cic_png_encode(image.pixels, size, &bytes, &count, &report)
    guard report.status == CIC_OK else { throw report.error(path: path, format: .png, size: size) }
    defer { cic_free(bytes) }
    do {
      try FileContents.write(UnsafeRawBufferPointer(start: bytes, count: count), to: path)
    } catch {
      throw .file(error)
    }
  }
}

package import Files
import Tensor

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

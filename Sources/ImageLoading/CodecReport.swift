internal import CImageCodecs

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

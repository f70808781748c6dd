extension FileContents {
  /// The text in the file at `path`, at the beginning of which a byte order mark is passed over; bytes that are not UTF-8
  /// become U+FFFD.
  ///
  /// - Throws: `FileError`, naming `path`, also for UTF-16.
  package static func text(path: String, limit: Int) throws(FileError) -> String {
    let bytes = try read(path: path, limit: limit)
    return String(decoding: bytes[try ByteOrderMark.length(in: bytes, path: path)...], as: UTF8.self)
  }
}

/// What editors put before a text (Unicode 16, section 23.8).
package enum ByteOrderMark {
  private static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]
  private static let utf16: [[UInt8]] = [[0xFF, 0xFE], [0xFE, 0xFF]]

  /// How many bytes the UTF-8 mark takes at the beginning of the text in the file at `path`; 0 where there is none.
  ///
  /// - Throws: `FileError` for the marks of UTF-16.
  package static func length(in bytes: some Collection<UInt8>, path: String) throws(FileError) -> Int {
    for mark in utf16 where bytes.starts(with: mark) { throw FileError(path: path, reason: .utf16) }
    return bytes.starts(with: utf8) ? utf8.count : 0
  }
}

extension FileContents {
  /// Writes `bytes` to `path`, which afterwards holds either all of them or what it held before.
  ///
  /// - Throws: `FileError`, naming `path`.
  package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(FileError) {
    var file = try PartialFile(path: path)
    try file.append(bytes)
    try file.finish()
  }

  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { buffer in
      do throws(FileError) { try write(buffer, to: path) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}

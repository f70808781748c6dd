import Glibc

/// Reads files that are small enough to hold in memory; weights are mapped instead.
package enum FileContents {
  /// All bytes of the regular file at `path`.
  ///
  /// - Parameter limit: the most bytes the file may have, checked before anything is allocated.
  /// - Throws: `FileError`, naming `path`.
  package static func read(path: String, limit: Int) throws(FileError) -> [UInt8] {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(reading: path) }
    defer { close(descriptor) }
    let byteCount = try regularFileSize(descriptor, path: path)
    guard byteCount <= limit else {
      throw FileError(path: path, reason: .tooLarge(byteCount: byteCount, limit: limit))
    }
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
      while filled < byteCount {
        let count = Glibc.read(descriptor, buffer.baseAddress! + filled, byteCount - filled)
        if count > 0 { filled += count }
        if count < 0 && errno != EINTR { failed = true }
        if count == 0 || failed { return }
      }
    }
    if failed { throw FileError(reading: path) }
    try GitLFSPointer.refuse(bytes, path: path)
    return bytes
  }

  private static func regularFileSize(_ descriptor: Int32, path: String) throws(FileError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(reading: path) }
    InputFiles.note(status)
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw FileError(path: path, reason: .directory)
    default: throw FileError(path: path, reason: .notRegular)
    }
  }
}

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

internal import Glibc

/// Reads files that are small enough to hold in memory; weights are mapped instead.
package enum FileContents {
  /// All bytes of the regular file at `path`.
  ///
  /// - Parameter limit: the most bytes the file may have, checked before anything is allocated.
  /// - Throws: `FileError`, naming `path`.
  package static func read(path: String, limit: Int) throws(FileError) -> [UInt8] {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(path) }
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
    if failed { throw failure(path) }
    return bytes
  }

  private static func regularFileSize(_ descriptor: Int32, path: String) throws(FileError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw FileError(path: path, reason: .directory)
    default: throw FileError(path: path, reason: .notRegular)
    }
  }

  private static func failure(_ path: String) -> FileError {
    let code = errno
    if code == ENOENT { return FileError(path: path, reason: .missing) }
    return FileError(path: path, reason: .system(String(cString: strerror(code))))
  }
}

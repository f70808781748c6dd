internal import Glibc

extension FileContents {
  /// Writes `bytes` to `path`, which afterwards holds either all of them or what it held before.
  ///
  /// The bytes go to a new file in the same directory, which then takes the name.
  ///
  /// - Throws: `FileError`, naming `path`.
  package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(FileError) {
    let temporaryPath = "\(path).\(String(UInt32.random(in: .min ... .max), radix: 36)).partial"
    let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw unwritable(path) }
    var isOpen = true
    var isKept = false
    defer {
      if isOpen { close(descriptor) }
      if !isKept { unlink(temporaryPath) }
    }
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno != EINTR { throw unwritable(path) }
      rest = UnsafeRawBufferPointer(rebasing: rest[max(count, 0)...])
    }
    guard fsync(descriptor) == 0 else { throw unwritable(path) }
    isOpen = false
    guard close(descriptor) == 0, rename(temporaryPath, path) == 0 else { throw unwritable(path) }
    isKept = true
  }

  package static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { buffer in
      do throws(FileError) { try write(buffer, to: path) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private static func unwritable(_ path: String) -> FileError {
    let code = errno
    return FileError(path: path, reason: code == EISDIR ? .directory : .unwritable(String(cString: strerror(code))))
  }
}

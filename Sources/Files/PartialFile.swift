internal import Glibc

/// A file being written piece by piece under another name in the same directory.
///
/// `finish` gives it its own name at once; unfinished, it vanishes. Whoever opens the path finds either all of it or what
/// was there before.
package struct PartialFile: ~Copyable {
  package let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private var isOpen = true
  private var isKept = false

  /// Opens the temporary file.
  ///
  /// - Throws: `FileError`, naming `path`, as all of its methods do.
  package init(path: String) throws(FileError) {
    self.path = path
    temporaryPath = "\(path).\(String(UInt32.random(in: .min ... .max), radix: 36)).partial"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.unwritable(path) }
    try InputFiles.refuse(path)
  }

  deinit {
    if isOpen { close(descriptor) }
    if !isKept { unlink(temporaryPath) }
  }

  /// Adds bytes at the end.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno != EINTR { throw Self.unwritable(path) }
      rest = UnsafeRawBufferPointer(rebasing: rest[max(count, 0)...])
    }
  }

  /// Puts the bytes on the disk and gives the file its name.
  package mutating func finish() throws(FileError) {
    precondition(isOpen, "a file is finished once")
    guard fsync(descriptor) == 0 else { throw Self.unwritable(path) }
    isOpen = false
    guard close(descriptor) == 0, rename(temporaryPath, path) == 0 else { throw Self.unwritable(path) }
    isKept = true
  }

  private static func unwritable(_ path: String) -> FileError {
    let code = errno
    return FileError(path: path, reason: code == EISDIR ? .directory : .unwritable(String(cString: strerror(code))))
  }
}

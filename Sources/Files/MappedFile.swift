internal import Glibc

/// A read-only mapping of a whole regular file.
///
/// The pages are read when they are first touched, so opening a checkpoint of many gigabytes costs nothing. Should
/// another process truncate the file meanwhile, a read behind its new end raises SIGBUS, as with any mapping.
///
/// `@unchecked Sendable`: the mapping is made in `init`, never written, and unmapped in `deinit`.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let byteCount: Int
  /// The first byte; valid for `byteCount` bytes while the object lives.
  package let base: UnsafeRawPointer

  /// Maps the file at `path`.
  ///
  /// - Throws: `FileError` when it is missing, unreadable or not a regular file.
  package init(path: String) throws(FileError) {
    // Without O_NONBLOCK the open of a pipe would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(reading: path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(reading: path) }
    InputFiles.note(status)
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileError(path: path, reason: .directory)
    default: throw FileError(path: path, reason: .notRegular)
    }
    self.path = path
    self.byteCount = Int(status.st_size)
    // A mapping of no bytes is an error of mmap's, so an empty file gets a page that nobody reads.
    let length = max(byteCount, 1)
    guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FileError(reading: path)
    }
    self.base = UnsafeRawPointer(address)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: base), max(byteCount, 1)) }

  /// Takes the file's pages out of the resident set; whoever reads them next gets them from the system's cache, or from
  /// the file.
  package func releasePages() {
    madvise(UnsafeMutableRawPointer(mutating: base), max(byteCount, 1), MADV_DONTNEED)
  }

  /// All bytes; the buffer is valid while the object lives.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}

import Glibc

/// A file that could not be opened for reading.
package struct FileError: Error, Hashable, CustomStringConvertible {
  package let path: String
  package let reason: String

  package init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  package var description: String { "\(path): \(reason)" }
}

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
    guard descriptor >= 0 else { throw FileError(path: path, reason: Self.message(errno)) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, reason: Self.message(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let isDirectory = status.st_mode & S_IFMT == S_IFDIR
      throw FileError(path: path, reason: isDirectory ? "is a directory, not a file" : "is not a regular file")
    }
    self.path = path
    self.byteCount = Int(status.st_size)
    // A mapping of no bytes is an error of mmap's, so an empty file gets a page that nobody reads.
    let length = max(byteCount, 1)
    guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FileError(path: path, reason: "cannot be mapped into memory: \(Self.message(errno))")
    }
    self.base = UnsafeRawPointer(address)
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: base), max(byteCount, 1)) }

  /// All bytes; the buffer is valid while the object lives.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

  private static func message(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    let message = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return message.prefix(1).lowercased() + message.dropFirst()
  }
}

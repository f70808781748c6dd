internal import CFiles
internal import Glibc

/// A read-only mapping of a whole regular file.
///
/// The pages are read when they are first touched, so opening a checkpoint of many gigabytes costs nothing. Should
/// another process truncate the file meanwhile, a read behind its new end raises SIGBUS, as with any mapping; in a process
/// that called `watch` it then ends with a sentence that names the file.
///
/// `@unchecked Sendable`: the mapping is made in `init`, never written, and unmapped in `deinit`.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  package let byteCount: Int
  /// The first byte; valid for `byteCount` bytes while the object lives.
  package let base: UnsafeRawPointer
  /// The file as it was when it was mapped.
  package let identity: FileIdentity
  /// Stays open: what is mapped can be read and looked at under whatever name it has now.
  private let descriptor: Int32
  private let slot: Int32

  /// Maps the file at `path`.
  ///
  /// - Throws: `FileError` when it is missing, unreadable or not a regular file.
  package init(path: String) throws(FileError) {
    // Without O_NONBLOCK the open of a pipe would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(reading: path) }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(reading: path) }
    InputFiles.note(status)
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileError(path: path, reason: .directory)
    default: throw FileError(path: path, reason: .notRegular)
    }
    self.path = path
    self.descriptor = descriptor
    identity = FileIdentity(status)
    self.byteCount = Int(status.st_size)
    // A mapping of no bytes is an error of mmap's, so an empty file gets a page that nobody reads.
    let length = max(byteCount, 1)
    guard let address = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw FileError(reading: path)
    }
    self.base = UnsafeRawPointer(address)
    slot = cfiles_announce_mapping(base, length, printable(path))
    // From here on `deinit` closes it, also if this throws.
    isKept = true
    try GitLFSPointer.refuse(bytes, path: path)
  }

  deinit {
    cfiles_forget_mapping(slot)
    munmap(UnsafeMutableRawPointer(mutating: base), max(byteCount, 1))
    close(descriptor)
  }

  /// From here on a fault in a mapping ends the process with exit code 1 and one sentence on standard error.
  package static func watch() { cfiles_watch_mappings() }

  /// Throws `FileError` if the file was written to since it was mapped, so that what was read may be of two files.
  package func checkUnchanged() throws(FileError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileError(reading: path) }
    guard FileIdentity(status).hasContents(of: identity) else { throw FileError(path: path, reason: .changed) }
  }

  /// Calls `body` with the file's bytes from `start` on, piece by piece, through a buffer: the mapping's pages stay out of it.
  func readAll(from start: Int = 0, _ body: (UnsafeRawBufferPointer) -> Void) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var offset = start
    while offset < byteCount {
      let count = pread(descriptor, buffer.baseAddress, min(buffer.count, byteCount - offset), off_t(offset))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        // Cut off, or unreadable: touching the mapping says so.
        body(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        return
      }
      body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += count
    }
  }

  /// Takes the file's pages out of the resident set; whoever reads them next gets them from the system's cache, or from
  /// the file.
  package func releasePages() {
    madvise(UnsafeMutableRawPointer(mutating: base), max(byteCount, 1), MADV_DONTNEED)
  }

  /// All bytes; the buffer is valid while the object lives.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}

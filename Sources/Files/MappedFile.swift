import CFiles
import Glibc

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

/// A file being written piece by piece, which gets its name once it is whole: whoever opens the path finds either all of it
/// or what was there before.
///
/// Where the file system can, it has no name until then and vanishes with the process; else it lies beside its place as
/// `name.vocoscope-….partial`, which a signal removes, and the next run where the process was killed. What stands at the
/// path stays what it is: links are followed, mode and owner kept, pipes and devices written to as the pieces come.
package struct PartialFile: ~Copyable {
  package let path: String
  private let place: OutputPlace
  private let descriptor: Int32
  /// The name that it has meanwhile; `nil` without one.
  private let temporary: Leftovers.Named?
  private var isOpen = true

  /// - Throws: `FileError`, naming `path`, as all of its methods do.
  package init(path: String) throws(FileError) {
    try InputFiles.refuse(path)
    let place = try OutputPlace(path)
    let (descriptor, temporary) = try Self.open(place, path: path)
    (self.path, self.place, self.descriptor, self.temporary) = (path, place, descriptor, temporary)
  }

  deinit {
    if isOpen { close(descriptor) }
    temporary?.discard()
  }

  private static func open(_ place: OutputPlace, path: String) throws(FileError) -> (Int32, Leftovers.Named?) {
    switch place {
    case .stream(let path): return (try OutputPlace.openStream(path), nil)
    case .replaced(let target, let mode):
      Leftovers.remove(from: Directory.above(target))
      let opened = try open(besides: target, path: path)
      if let mode { fchmod(opened.0, mode) }
      return opened
    case .kept(let target): return try open(besides: target, path: path, mayLieElsewhere: true)
    }
  }

  /// A file that nobody else sees yet; with `mayLieElsewhere` in the directory for temporary files, where that of `target`
  /// cannot be written.
  private static func open(
    besides target: String, path: String, mayLieElsewhere: Bool = false
  ) throws(FileError) -> (Int32, Leftovers.Named?) {
    let directory = Directory.above(target)
    let unnamed = cfiles_open_unnamed(directory, 0o666)
    if unnamed >= 0 { return (unnamed, nil) }
    let code = errno
    if mayLieElsewhere {
      let elsewhere = cfiles_open_unnamed(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp", 0o600)
      if elsewhere >= 0 { return (elsewhere, nil) }
    }
    guard [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(code), Directory.exists(directory) else {
      errno = code
      throw FileError(writing: path)
    }
    guard let named = Leftovers.makeFile(for: target) else { throw FileError(writing: path) }
    return (named.descriptor, named)
  }

  /// Adds bytes at the end.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try write(bytes, to: descriptor)
  }

  /// Puts `bytes` over what was added at `offset`; not for pipes and devices.
  package func overwrite(_ bytes: [UInt8], at offset: Int) throws(FileError) {
    guard pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count else { throw FileError(writing: path) }
  }

  /// Puts the bytes on the disk and gives the file its name.
  package mutating func finish() throws(FileError) {
    precondition(isOpen, "a file is finished once")
    switch place {
    case .stream:
      isOpen = false
      guard close(descriptor) == 0 else { throw FileError(writing: path) }
    case .replaced(let target, _):
      guard fsync(descriptor) == 0 else { throw FileError(writing: path) }
      try rename(to: target)
    case .kept(let target): try copy(to: target)
    }
  }

  private mutating func rename(to target: String) throws(FileError) {
    var named = temporary
    if named == nil {
      // Where nothing stands it gets its name at once, so that a signal finds either nothing or all of it.
      if cfiles_name(descriptor, target) == 0 { return }
      guard errno == EEXIST else { throw FileError(writing: path) }
      named = Leftovers.nameFile(descriptor, for: target)
    }
    guard let named, Glibc.rename(named.path, target) == 0 else {
      let code = errno
      named?.discard()
      errno = code
      throw FileError(writing: path)
    }
    named.keep()
  }

  /// Puts the bytes into the file at `target`, which keeps all that is its own but its contents.
  private func copy(to target: String) throws(FileError) {
    let output = Glibc.open(target, O_WRONLY | O_CLOEXEC)
    guard output >= 0 else { throw FileError(writing: path) }
    defer { close(output) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count < 0 { throw FileError(writing: path) }
      if count == 0 { break }
      try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: output)
      offset += count
    }
    guard ftruncate(output, off_t(offset)) == 0, fsync(output) == 0 else { throw FileError(writing: path) }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(FileError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno != EINTR { throw FileError(writing: path) }
      rest = UnsafeRawBufferPointer(rebasing: rest[max(count, 0)...])
    }
  }
}

/// Which file it is and in which state, as the system tells without reading it.
///
/// The time of change, unlike that of modification, cannot be set back: a file of the same identity has the same bytes.
package struct FileIdentity: Sendable, Hashable {
  let device: UInt64
  let inode: UInt64
  package let byteCount: Int
  /// When its contents were last written, in nanoseconds since 1970; programs may set it.
  let modified: Int
  /// When its contents or anything about it last changed, in nanoseconds since 1970.
  let changed: Int

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    byteCount = Int(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
  }

  private static func nanoseconds(_ time: timespec) -> Int { time.tv_sec &* 1_000_000_000 &+ time.tv_nsec }

  /// Whether both are one file with the same bytes: a change of its names or permissions is none.
  func hasContents(of other: FileIdentity) -> Bool {
    device == other.device && inode == other.inode && byteCount == other.byteCount && modified == other.modified
  }
}

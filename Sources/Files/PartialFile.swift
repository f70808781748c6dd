internal import CFiles
internal import Glibc

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
    var name = temporary?.path
    if name == nil {
      let free = Leftovers.name(for: target)
      // Held from before it has a name: no other run takes it for a leftover.
      flock(descriptor, LOCK_EX | LOCK_NB)
      guard cfiles_name(descriptor, free) == 0 else { throw FileError(writing: path) }
      name = free
    }
    guard let name, Glibc.rename(name, target) == 0 else {
      let code = errno
      if let name { unlink(name) }
      errno = code
      throw FileError(writing: path)
    }
    temporary?.keep()
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

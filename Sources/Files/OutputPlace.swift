internal import CFiles
internal import Glibc

/// What stands where an output is to go, and how it is written there: links, modes, owners and devices stay what they are.
enum OutputPlace {
  /// Nothing, or a file that another of the same mode may take the place of; the path is that of the file itself.
  case replaced(path: String, mode: mode_t?)
  /// A file whose other names, owner or attributes would be lost: it gets the bytes once all are there.
  case kept(path: String)
  /// A pipe or a device, which takes the bytes as they come.
  case stream(path: String)

  /// - Throws: `FileError` for what cannot be written, or must not.
  init(_ path: String) throws(FileError) {
    let (target, isDescriptor) = try Self.followed(path)
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT, !isDescriptor else { throw FileError(writing: path) }
      self = .replaced(path: target, mode: nil)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw FileError(path: path, reason: .directory)
    case S_IFIFO, S_IFCHR:
      self = .stream(path: path)
      return
    default: throw FileError(path: path, reason: .notRegular)
    }
    guard isDescriptor || access(path, W_OK) == 0 else { throw FileError(writing: path) }
    let isOthers = geteuid() != 0 && (status.st_uid != geteuid() || status.st_gid != getegid())
    if isDescriptor || status.st_nlink > 1 || isOthers || cfiles_has_attributes(path) != 0 {
      self = .kept(path: path)
    } else {
      self = .replaced(path: target, mode: status.st_mode & 0o7777)
    }
  }

  private static let mostLinks = 40

  /// Where the links that begin at `path` lead, which need not be there; and whether one of them is a descriptor of a
  /// process, as `/dev/stdout` and `/proc/self/fd/3` are, whose file may have no name.
  private static func followed(_ path: String) throws(FileError) -> (path: String, isDescriptor: Bool) {
    var path = path
    for _ in 0..<mostLinks {
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return (path, false) }
      let directory = Directory.above(path)
      if let real = Directory.resolved(directory), real.hasPrefix("/proc/"), real.hasSuffix("/fd") {
        return (path, true)
      }
      guard let destination = Self.link(path) else { throw FileError(writing: path) }
      path = destination.hasPrefix("/") ? destination : "\(directory)/\(destination)"
    }
    errno = ELOOP
    throw FileError(writing: path)
  }

  private static func link(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink(path, &buffer, buffer.count - 1)
    return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }

  /// Opens a pipe or a device for writing.
  static func openStream(_ path: String) throws(FileError) -> Int32 {
    // Without O_NONBLOCK a pipe that nobody reads would be waited for.
    let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw errno == ENXIO ? FileError(path: path, reason: .noReader) : FileError(writing: path)
    }
    guard isatty(descriptor) == 0 else {
      close(descriptor)
      throw FileError(path: path, reason: .terminal)
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    return descriptor
  }
}

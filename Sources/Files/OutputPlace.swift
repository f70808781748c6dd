import CFiles
import Dispatch
import Glibc
import Synchronization

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

/// The files that a run has read, so that none of its outputs is written over one of them, whatever name leads there.
///
/// Reading records, once that was asked for; writing refuses.
package enum InputFiles {
  /// What tells a file whatever its name is.
  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64

    init(_ status: stat) {
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
    }
  }

  /// `nil` until asked for.
  private static let files = Mutex<Set<Identity>?>(nil)

  /// From here on, what is read is remembered: called before a command runs, whichever it is.
  package static func remember() { files.withLock { $0 = $0 ?? [] } }

  /// A file of this run's own, such as a state that it goes on with, which may be replaced.
  package static func forget(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    files.withLock { _ = $0?.remove(Identity(status)) }
  }

  /// Throws `FileError` if what lies at `path` was read by this run; commands ask before long work, the writer again.
  package static func refuse(_ path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    if files.withLock({ $0?.contains(Identity(status)) == true }) { throw FileError(path: path, reason: .isInput) }
  }

  /// Records an opened file.
  static func note(_ status: stat) {
    files.withLock { _ = $0?.insert(Identity(status)) }
  }

  /// Records the file at `path`, where it is read by other means.
  package static func note(path: String) {
    var status = stat()
    if stat(path, &status) == 0 { note(status) }
  }
}

/// A directory of files being made, which gets its name once all of them are there.
package struct PartialDirectory: ~Copyable {
  /// Where it will be.
  package let target: String
  private let named: Leftovers.Named

  /// Where its files go meanwhile.
  package var path: String { named.path }

  /// - Throws: `FileError`, naming `path`; also if anything is there already, be it a link that leads nowhere.
  package init(path: String) throws(FileError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    target = path
    var status = stat()
    guard lstat(path, &status) != 0 else { throw FileError(path: path, reason: .exists) }
    Leftovers.remove(from: Directory.above(path))
    guard let named = Leftovers.makeDirectory(for: path) else { throw FileError(writing: path) }
    self.named = named
  }

  deinit {
    named.discard()
    close(named.descriptor)
  }

  /// Gives it its name.
  package func finish() throws(FileError) {
    fsync(named.descriptor)
    guard rename(named.path, target) == 0 else { throw FileError(writing: target) }
    named.keep()
  }
}

/// Files and directories under names of their own while they are made, and what is left of them when a process is ended.
///
/// Whoever makes one holds a lock on it, which ends with the process however that ends: a partial that nobody holds is a
/// leftover. Signals that end the process remove its own.
package enum Leftovers {
  /// Something with a temporary name. A value is not copied: its owner discards or keeps it.
  final class Named: Sendable {
    let path: String
    let descriptor: Int32

    init(path: String, descriptor: Int32) {
      self.path = path
      self.descriptor = descriptor
    }

    /// It has another name now.
    func keep() { Leftovers.own.withLock { _ = $0.remove(path) } }

    /// Removes it, unless it was kept.
    func discard() {
      if Leftovers.own.withLock({ $0.remove(path) }) != nil { Leftovers.erase(path) }
    }
  }

  private static let mark = ".vocoscope-"
  private static let ending = ".partial"
  /// What this process is making.
  private static let own = Mutex<Set<String>>([])
  private static let searched = Mutex<Set<String>>([])

  /// A free name beside `target`.
  static func name(for target: String) -> String {
    "\(target)\(mark)\(String(UInt64.random(in: .min ... .max), radix: 16))\(ending)"
  }

  /// An empty file beside `target`; `nil` with errno.
  static func makeFile(for target: String) -> Named? {
    make(name(for: target)) { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
  }

  /// The open file without a name, under one beside `target`; `nil` with errno.
  static func nameFile(_ descriptor: Int32, for target: String) -> Named? {
    let path = name(for: target)
    return register(path) {
      // Held from before it has a name: no other run takes it for a leftover.
      flock(descriptor, LOCK_EX | LOCK_NB)
      return cfiles_name(descriptor, $0) == 0 ? descriptor : -1
    }
    .map { Named(path: path, descriptor: $0) }
  }

  /// An empty directory beside `target`; `nil` with errno.
  static func makeDirectory(for target: String) -> Named? {
    make(name(for: target)) { mkdir($0, 0o777) == 0 ? open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1 }
  }

  private static func make(_ path: String, _ create: (String) -> Int32) -> Named? {
    while let descriptor = register(path, create) {
      flock(descriptor, LOCK_EX | LOCK_NB)
      var status = stat()
      // Between its making and its lock another run may have taken it for a leftover.
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 { return Named(path: path, descriptor: descriptor) }
      close(descriptor)
    }
    return nil
  }

  /// The descriptor of what `create` puts at `path`; `nil` with errno.
  private static func register(_ path: String, _ create: (String) -> Int32) -> Int32? {
    // Before it is there: a signal may come as soon as it is.
    guard answerSignals() else {
      errno = EMFILE
      return nil
    }
    own.withLock { _ = $0.insert(path) }
    let descriptor = create(path)
    if descriptor >= 0 { return descriptor }
    let code = errno
    own.withLock { _ = $0.remove(path) }
    errno = code
    return nil
  }

  /// Removes what runs that are dead left in `directory`; once for each directory.
  package static func remove(from directory: String) {
    guard searched.withLock({ $0.insert(directory).inserted }) else { return }
    for name in (try? Directory.names(directory)) ?? [] where name.hasSuffix(ending) && name.contains(mark) {
      let path = "\(directory)/\(name)"
      let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { erase(path) }
      close(descriptor)
    }
  }

  /// A file, or a directory of files.
  private static func erase(_ path: String) {
    guard unlink(path) != 0, errno == EISDIR || errno == EPERM else { return }
    // Its writer may still add files; once the directory is gone it cannot.
    for _ in 0..<1000 {
      for name in (try? Directory.names(path)) ?? [] { unlink("\(path)/\(name)") }
      if rmdir(path) == 0 || errno != ENOTEMPTY { return }
    }
  }

  private static let isEnding = Mutex(false)

  /// Does not return once a signal ends the process: what fails because its partials vanish is nobody's error.
  package static func waitIfEnding() {
    while isEnding.withLock({ $0 }) { pause() }
  }

  private static let endingSignals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU]
  private static let sources = Mutex<[any DispatchSourceSignal]?>(nil)

  /// From its return on, a signal that would end the process removes the partials before it does. Signals that are
  /// ignored, or that something else answers, stay as they are. False where there are too few descriptors for it: Dispatch
  /// takes one for each signal and three for itself, and one for a moment whenever it looks at its threads; where it gets
  /// none it traps, or leaves signals out. What is written takes one of its own.
  private static func answerSignals() -> Bool {
    sources.withLock { sources in
      guard sources == nil else { return true }
      guard StandardStream.canOpen(endingSignals.count + 5) else { return false }
      sources = []
      let registered = DispatchGroup()
      for number in endingSignals {
        var current = sigaction()
        guard sigaction(number, nil, &current) == 0, current.__sigaction_handler.sa_handler == nil else { continue }
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
        source.setEventHandler {
          isEnding.withLock { $0 = true }
          for path in own.withLock({ $0 }) { erase(path) }
          signal(number, SIG_DFL)
          // A process may inherit that it is blocked.
          var one = sigset_t()
          sigemptyset(&one)
          sigaddset(&one, number)
          pthread_sigmask(SIG_UNBLOCK, &one, nil)
          raise(number)
        }
        // Dispatch sets a handler of its own; were the signal ignored until then, one that came would be lost.
        registered.enter()
        source.setRegistrationHandler { registered.leave() }
        source.resume()
        sources?.append(source)
      }
      registered.wait()
      return true
    }
  }
}

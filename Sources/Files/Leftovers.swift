internal import Dispatch
internal import Glibc
internal import Synchronization

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

  /// An empty directory beside `target`; `nil` with errno.
  static func makeDirectory(for target: String) -> Named? {
    make(name(for: target)) { mkdir($0, 0o777) == 0 ? open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1 }
  }

  private static func make(_ path: String, _ create: (String) -> Int32) -> Named? {
    // Before it is there: a signal may come as soon as it is.
    answerSignals()
    own.withLock { _ = $0.insert(path) }
    while true {
      let descriptor = create(path)
      guard descriptor >= 0 else {
        let code = errno
        own.withLock { _ = $0.remove(path) }
        errno = code
        return nil
      }
      flock(descriptor, LOCK_EX | LOCK_NB)
      var status = stat()
      // Between its making and its lock another run may have taken it for a leftover.
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 { return Named(path: path, descriptor: descriptor) }
      close(descriptor)
    }
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
    for name in (try? Directory.names(path)) ?? [] { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  private static let endingSignals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU]
  private static let sources = Mutex<[any DispatchSourceSignal]?>(nil)

  /// From its return on, a signal that would end the process removes the partials before it does. Signals that are
  /// ignored, or that something else answers, stay as they are.
  private static func answerSignals() {
    sources.withLock { sources in
      guard sources == nil else { return }
      sources = []
      let registered = DispatchGroup()
      for number in endingSignals {
        var current = sigaction()
        guard sigaction(number, nil, &current) == 0, current.__sigaction_handler.sa_handler == nil else { continue }
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
        source.setEventHandler {
          for path in own.withLock({ $0 }) { erase(path) }
          signal(number, SIG_DFL)
          kill(getpid(), number)
        }
        // Dispatch sets a handler of its own; were the signal ignored until then, one that came would be lost.
        registered.enter()
        source.setRegistrationHandler { registered.leave() }
        source.resume()
        sources?.append(source)
      }
      registered.wait()
    }
  }
}

internal import Glibc

/// Standard output and standard error: the one way by which text leaves the process.
///
/// All text passes `printable`; what a terminal obeys is written by `rewriteLine` alone.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes text for people.
  ///
  /// - Throws: `StreamError`.
  package func write(_ text: String) throws(StreamError) { try send(printable(text)) }

  /// Writes a JSON document; what a terminal would obey is escaped in its strings.
  package func write(json document: String) throws(StreamError) { try send(printable(json: document)) }

  /// Puts `text` into the terminal's present line, in the place of what stands there; nothing where that fails, since the
  /// line is gone a moment later anyway.
  package func rewriteLine(_ text: String) {
    let line = String(printable(text).unicodeScalars.map { $0 == "\n" ? "\u{240A}" : Character($0) })
    try? send("\r\u{1B}[K" + line)
  }

  package var isTerminal: Bool { isatty(rawValue) != 0 }

  /// Columns of the terminal; `nil` where there is none or it does not say.
  package var columns: Int? {
    var size = winsize()
    guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  /// Opens descriptors 0 to 2 that the program was started without, so that no file of a run gets their numbers and what
  /// is printed into it; writing to one of these fails.
  package static func reserveClosed() {
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is given, and all below are taken.
      _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Whether `count` more files can be opened, which the limit of open files (`ulimit -n`) may not allow.
  package static func canOpen(_ count: Int) -> Bool {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < count {
      let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return errno != EMFILE && errno != ENFILE }
      opened.append(descriptor)
    }
    return true
  }

  private func send(_ text: String) throws(StreamError) {
    var text = text
    let failure = text.withUTF8 { bytes -> Int32 in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(rawValue, rest.baseAddress, rest.count)
        if count >= 0 {
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } else if errno == EAGAIN {
          var wait = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
          _ = poll(&wait, 1, -1)
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    if failure == EPIPE { throw .closedPipe(self) }
    if failure != 0 { throw .unwritable(self, String(cString: strerror(failure))) }
  }
}

/// Why text could not be written.
package enum StreamError: Error, Equatable, CustomStringConvertible {
  /// The reader went away, as `head` does: no fault of anybody.
  case closedPipe(StandardStream)
  /// What the system said: the disk is full, the descriptor closed, a limit reached.
  case unwritable(StandardStream, String)

  package var description: String {
    switch self {
    case .closedPipe(let stream): "\(stream.name): nobody reads it any more"
    case .unwritable(let stream, let reason): "\(stream.name): cannot be written: \(reason)"
    }
  }
}

extension StandardStream {
  fileprivate var name: String {
    switch self {
    case .output: "standard output"
    case .error: "standard error"
    }
  }
}

internal import Glibc

/// Why a file could not be read or written; its description is one sentence that names the file.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Reason: Sendable, Hashable {
    case missing
    case directory
    /// A pipe, device or socket.
    case notRegular
    case tooLarge(byteCount: Int, limit: Int)
    /// What the system said, as in “permission denied”.
    case system(String)
    /// What the system said when the file should have been written.
    case unwritable(String)
    /// An output that would replace what the run reads.
    case isInput
  }

  package let path: String
  package let reason: Reason

  package init(path: String, reason: Reason) {
    self.path = path
    self.reason = reason
  }

  /// What `errno` says after reading `path` failed.
  init(reading path: String) {
    let code = errno
    self.init(path: path, reason: code == ENOENT ? .missing : .system(String(cString: strerror(code))))
  }

  package var description: String { "\(path): \(reason)" }
}

extension FileError.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missing: "no such file"
    case .directory: "is a directory, not a file"
    case .notRegular: "is not a regular file"
    case .tooLarge(let byteCount, let limit): "has \(byteCount) bytes, more than the \(limit) allowed"
    case .system(let message): "cannot be read: \(message)"
    case .unwritable(let message): "cannot be written: \(message)"
    case .isInput: "is not written, since this run reads it: name another file"
    }
  }
}

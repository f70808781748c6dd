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
  }

  package let path: String
  package let reason: Reason

  package init(path: String, reason: Reason) {
    self.path = path
    self.reason = reason
  }

  package var description: String {
    switch reason {
    case .missing: "\(path): no such file"
    case .directory: "\(path): is a directory, not a file"
    case .notRegular: "\(path): is not a regular file"
    case .tooLarge(let byteCount, let limit): "\(path): has \(byteCount) bytes, more than the \(limit) allowed"
    case .system(let message): "\(path): cannot be read: \(message)"
    case .unwritable(let message): "\(path): cannot be written: \(message)"
    }
  }
}

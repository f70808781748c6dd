import Glibc

/// Why a file could not be read or written; its description is one sentence that names the file.
package struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Reason: Sendable, Hashable {
    case missing
    case directory
    /// A pipe, device or socket.
    case notRegular
    case tooLarge(byteCount: Int, limit: Int)
    /// A Git LFS pointer stands in the file's place; the size is what the pointer says.
    case gitLFSPointer(byteCount: Int?)
    /// A text in UTF-16.
    case utf16
    /// The name holds bytes that are not UTF-8, so that no text can name the file.
    case nameNotUTF8
    /// What the system said, as in “permission denied”.
    case system(String)
    /// What the system said when the file should have been written.
    case unwritable(String)
    /// An output that would replace what the run reads.
    case isInput
    /// Another program wrote to the file while it was in use.
    case changed
    /// An output that is there already and would be lost.
    case exists
    /// An output that is a named pipe which nobody reads.
    case noReader
    /// An output that is a terminal.
    case terminal
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

  /// What `errno` says after writing `path` failed.
  init(writing path: String) {
    let code = errno
    self.init(path: path, reason: code == EISDIR ? .directory : .unwritable(String(cString: strerror(code))))
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
    case .gitLFSPointer(let byteCount):
      "is a Git LFS pointer, and the file\(byteCount.map { " of \($0) bytes" } ?? "") that it stands for is still to be "
        + "fetched (git lfs pull)"
    case .utf16: "is a text in UTF-16, expected UTF-8"
    case .nameNotUTF8: "has a name that is not UTF-8, which cannot be opened; rename it"
    case .system(let message): "cannot be read: \(message)"
    case .unwritable(let message): "cannot be written: \(message)"
    case .changed: "was written to by another program while this run used it; start the run again"
    case .exists: "is there already, and would be lost"
    case .noReader: "is a pipe that nobody reads"
    case .terminal: "is a terminal, and what would be written is no text for one; name a file"
    case .isInput: "is not written, since this run reads it: name another file"
    }
  }
}

/// What Git leaves in the place of a large file that has not been fetched: a few lines of text
/// (git-lfs, `docs/spec.md`).
package enum GitLFSPointer {
  /// The second is what pre-releases wrote.
  private static let openings = ["git-lfs", "hawser"].map { Array("version https://\($0).github.com/spec/".utf8) }
  /// Pointers are smaller than this.
  private static let largest = 1024

  /// Throws `FileError` if `bytes`, the whole of the file at `path`, are a pointer.
  package static func refuse(_ bytes: some Collection<UInt8>, path: String) throws(FileError) {
    guard bytes.count < largest, openings.contains(where: { bytes.starts(with: $0) }) else { return }
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    let size = lines.first { $0.hasPrefix("size ") }.flatMap { Int($0.dropFirst(5)) }
    throw FileError(path: path, reason: .gitLFSPointer(byteCount: size))
  }
}

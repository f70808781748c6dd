internal import Glibc
internal import Synchronization

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

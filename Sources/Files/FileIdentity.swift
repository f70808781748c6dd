internal import Glibc

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

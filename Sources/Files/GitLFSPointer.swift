/// What Git leaves in the place of a large file that has not been fetched: a few lines of text
/// (git-lfs, `docs/spec.md`).
package enum GitLFSPointer {
  private static let opening = Array("version https://git-lfs.github.com/spec/".utf8)
  /// Pointers are smaller than this.
  private static let largest = 1024

  /// Throws `FileError` if `bytes`, the whole of the file at `path`, are a pointer.
  package static func refuse(_ bytes: some Collection<UInt8>, path: String) throws(FileError) {
    guard bytes.count < largest, bytes.starts(with: opening) else { return }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let size = lines.first { $0.hasPrefix("size ") }.flatMap { Int($0.dropFirst(5)) }
    throw FileError(path: path, reason: .gitLFSPointer(byteCount: size))
  }
}

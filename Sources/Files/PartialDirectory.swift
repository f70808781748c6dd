internal import Glibc

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

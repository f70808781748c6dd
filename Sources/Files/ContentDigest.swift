internal import Glibc
internal import Synchronization

/// SHA-256 of whole files, computed once for each state of a file.
///
/// A digest is remembered for the process under the file's identity, and, once `remember(in:)` was called, in a directory
/// of small files: one for each path, which counts as long as device, inode, size and both times are as they were.
package enum ContentDigest {
  private struct Part: Hashable {
    let identity: FileIdentity
    let start: Int
  }

  private struct Memory {
    var digests: [Part: String] = [:]
    var directory: String?
    /// Whether what earlier runs kept counts.
    var trustsKept = true
    var contradicted: [String] = []
  }

  private static let memory = Mutex(Memory())

  /// Keeps digests in `directory`, which is made when the first is kept; `nil` keeps none beyond the process.
  package static func remember(in directory: String?) { memory.withLock { $0.directory = directory } }

  /// From here on, what earlier runs kept counts no longer: digests are computed from the bytes, and kept anew.
  package static func distrust() { memory.withLock { $0.trustsKept = false } }

  /// Files of which an earlier run kept another digest than that of their bytes.
  package static var contradicted: [String] { memory.withLock { $0.contradicted } }

  /// SHA-256 of the file's bytes from `start` on, as 64 hexadecimal digits: at once where it is remembered, else by reading
  /// them all.
  package static func sha256(of file: MappedFile, from start: Int = 0) -> String {
    if let known = known(file, from: start) { return known }
    var hash = SHA256()
    file.readAll(from: start) { hash.update($0) }
    let digest = hash.hexDigest()
    if isSettled(file) { keep(digest, of: file, from: start) }
    return digest
  }

  /// Whether the file's identity stands for its bytes: it was not written to meanwhile, nor so lately that a change within
  /// the clock's tick would not show.
  private static func isSettled(_ file: MappedFile) -> Bool {
    guard (try? file.checkUnchanged()) != nil else { return false }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec - file.identity.changed / 1_000_000_000 >= settlingSeconds
  }

  private static let settlingSeconds = 2

  /// One digest for several files: of one file its own, as `sha256sum` prints it, else SHA-256 over the lines of theirs.
  package static func sha256(of files: [MappedFile]) -> String {
    let digests = files.map { sha256(of: $0) }
    return digests.count == 1 ? digests[0] : SHA256.hexDigest(of: Array(digests.joined(separator: "\n").utf8))
  }

  /// Whether `sha256` of these answers at once.
  package static func isKnown(_ files: [MappedFile]) -> Bool { files.allSatisfy { known($0, from: 0) != nil } }

  private static func known(_ file: MappedFile, from start: Int) -> String? {
    let part = Part(identity: file.identity, start: start)
    let (found, trusts) = memory.withLock { ($0.digests[part], $0.trustsKept) }
    if let found { return found }
    guard trusts, let kept = kept(file, part) else { return nil }
    memory.withLock { $0.digests[part] = kept }
    return kept
  }

  /// What an earlier run kept for the file in this state.
  private static func kept(_ file: MappedFile, _ part: Part) -> String? {
    guard let directory = memory.withLock({ $0.directory }),
      let text = try? FileContents.text(path: place(file, part.start, directory), limit: 1 << 14)
    else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 2, lines[0] == line(part), lines[1].utf8.count == 64 else { return nil }
    return String(lines[1])
  }

  private static func keep(_ digest: String, of file: MappedFile, from start: Int) {
    let part = Part(identity: file.identity, start: start)
    let isContradicted = !memory.withLock { $0.trustsKept } && kept(file, part).map { $0 != digest } == true
    let directory = memory.withLock { memory in
      memory.digests[part] = digest
      if isContradicted { memory.contradicted.append(file.path) }
      return memory.directory
    }
    guard let directory else { return }
    // Without it the next run computes the digest again.
    let place = place(file, start, directory)
    Directory.make(directory)
    // It was read just now.
    InputFiles.forget(place)
    try? FileContents.write(Array("\(line(part))\n\(digest)\n\(file.path)\n".utf8), to: place)
  }

  private static func place(_ file: MappedFile, _ start: Int, _ directory: String) -> String {
    let path = Directory.resolved(file.path) ?? file.path
    return "\(directory)/\(SHA256.hexDigest(of: Array("\(start) \(path)".utf8)).prefix(32)).txt"
  }

  private static func line(_ part: Part) -> String {
    let identity = part.identity
    return "\(identity.device) \(identity.inode) \(identity.byteCount) \(identity.modified) \(identity.changed)"
  }
}

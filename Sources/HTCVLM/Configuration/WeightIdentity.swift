package import Files
import Foundation
package import Safetensors
import Synchronization

/// Which weights a run has: the digest of their bytes, so that results of two models are never taken for one's.
///
/// The digest is computed when it is first asked for, or from `compute` on beside the run, and is remembered for each state
/// of a file (`ContentDigest`). It is needed only where something is written down or compared.
package final class WeightIdentity: Sendable {
  private let files: [MappedFile]
  private let untrained: [String]
  private let digest = Mutex<String?>(nil)

  /// - Parameter untrained: parts that no file holds, in words that name their seeds.
  package init(_ files: [MappedFile], untrained: [String] = []) {
    var seen: Set<ObjectIdentifier> = []
    self.files = files.filter { seen.insert(ObjectIdentifier($0)).inserted }
    self.untrained = untrained
  }

  /// SHA-256 in hexadecimal: of one file its own, of several over theirs; waits until it is computed.
  package var sha256: String {
    digest.withLock { digest in
      if let digest { return digest }
      let contents = ContentDigest.sha256(of: files)
      let whole =
        untrained.isEmpty
        ? contents : SHA256.hexDigest(of: Array(([contents] + untrained).joined(separator: "\n").utf8))
      digest = whole
      return whole
    }
  }

  /// The same without waiting: `nil` while it is not known.
  package var knownSHA256: String? {
    if let found = digest.withLockIfAvailable({ $0 }) { return found ?? (ContentDigest.isKnown(files) ? sha256 : nil) }
    return nil
  }

  /// Begins to compute the digest on a thread of its own.
  package func compute() {
    guard knownSHA256 == nil else { return }
    Thread.detachNewThread { [self] in _ = sha256 }
  }

  /// Throws `CheckpointError` naming the file that another program wrote to since it was opened: results of both states
  /// would pass for one model's.
  package func checkUnchanged() throws(CheckpointError) {
    for file in files {
      do { try file.checkUnchanged() } catch { throw .unreadable(error) }
    }
  }
}

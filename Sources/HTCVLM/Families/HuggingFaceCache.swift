import Files
import Foundation
package import Safetensors

/// The Hugging Face cache on this machine, looked up without a network: `org/name` → `models--org--name/refs/main` →
/// `snapshots/<sha>` (huggingface_hub, `file_download.py`).
package struct HuggingFaceCache {
  /// The folder that holds `models--org--name`.
  package let root: String

  /// A directory that a name leads to.
  package struct Found: Sendable {
    package let path: String
    /// What had to be assumed; nil if nothing.
    package let assumption: String?
  }

  /// The cache that the environment names, in huggingface_hub's order.
  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func value(_ key: String) -> String? { environment[key].flatMap { $0.isEmpty ? nil : $0 } }
    let home = value("HOME") ?? NSHomeDirectory()
    root =
      value("HF_HUB_CACHE") ?? value("HUGGINGFACE_HUB_CACHE") ?? value("HF_HOME").map { "\($0)/hub" }
      ?? value("XDG_CACHE_HOME").map { "\($0)/huggingface/hub" } ?? "\(home)/.cache/huggingface/hub"
  }

  /// Whether `text` has the form `org/name`.
  package static func isName(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { part in
        !part.isEmpty && !part.hasPrefix(".")
          && part.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
              || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || [0x2D, 0x2E, 0x5F].contains(byte)
          }
      }
  }

  /// The directory that `text` means: itself if it is there, else what the cache has under that name.
  ///
  /// - Throws: `CheckpointError` in one sentence that says where a name was looked for.
  package func directory(_ text: String) throws(CheckpointError) -> Found {
    guard !FileManager.default.fileExists(atPath: text), Self.isName(text) else {
      return Found(path: text, assumption: nil)
    }
    let folder = "\(root)/models--\(text.replacingOccurrences(of: "/", with: "--"))"
    guard FileManager.default.fileExists(atPath: folder) else {
      throw .malformed(
        path: text, problem: "is no directory here, and the Hugging Face cache in \(root) has no model of that name")
    }
    let reference = "\(folder)/refs/main"
    if FileManager.default.fileExists(atPath: reference) {
      let bytes: [UInt8]
      do { bytes = try FileContents.read(path: reference, limit: 4096) } catch { throw .unreadable(error) }
      let revision = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      let snapshot = "\(folder)/snapshots/\(revision)"
      guard !revision.isEmpty, !revision.contains("/"), FileManager.default.fileExists(atPath: snapshot) else {
        throw .malformed(
          path: reference, problem: "names the revision \(printableName(revision)), of which there is no snapshot")
      }
      return Found(path: snapshot, assumption: nil)
    }
    let snapshots = ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/snapshots")) ?? []).sorted()
    guard snapshots.count == 1 else {
      throw .malformed(
        path: folder,
        problem: "has no refs/main and \(snapshots.count) snapshots; name the directory of the one that is meant")
    }
    return Found(
      path: "\(folder)/snapshots/\(snapshots[0])",
      assumption:
        "snapshot \(snapshots[0].prefix(12)) of \(text) assumed: it is the only one, and no refs/main names it")
  }
}

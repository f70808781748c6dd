import Files
import Foundation
package import HTCVLM
import ImageLoading
import Statistics
import Tensor

/// The pictures of a run, each once, in the order in which they were named.
package struct VerifyPictures {
  package struct Entry: Sendable {
    package let path: String
    /// SHA-256 of the file's bytes.
    package let sha256: String
  }

  package let entries: [Entry]
  /// SHA-256 over the pictures' own, in order: what the shards of a run have in common.
  package let sha256: String

  /// The endings of pictures that are looked for in a directory.
  static let imageEndings: Set<String> = ["png", "jpg", "jpeg"]
  /// The ending of a file that lists pictures, one path per line, relative to that file.
  static let listEnding = "txt"
  private static let largestList = 64 << 20
  private static let largestPicture = 1 << 30

  /// Pictures, directories (searched with everything in them, links followed, by name) and lists; of equal files only the first is kept.
  ///
  /// - Throws: one sentence naming the file that is missing, unreadable or empty.
  package init(_ sources: [String]) throws {
    var seen: Set<String> = []
    var entries: [Entry] = []
    for path in try sources.flatMap(Self.files) {
      let sha256 = try Self.digest(path)
      if seen.insert(sha256).inserted { entries.append(Entry(path: path, sha256: sha256)) }
    }
    self.entries = entries
    sha256 = SHA256.hexDigest(of: Array(entries.map(\.sha256).joined(separator: "\n").utf8))
  }

  /// What decoding them finds odd, a line for each picture of which anything is; throws for one that cannot be decoded, so
  /// that it is known before long work.
  ///
  /// - Parameter prepared: pictures of which it is known already.
  package func warnings(beside prepared: PreparedPictures? = nil) throws -> [String] {
    try entries.compactMap { entry in
      let known = prepared?.warning(of: entry.sha256) ?? (isKnown: false, text: nil)
      let warning = known.isKnown ? known.text : try ImageDecoder.decode(path: entry.path).joinedWarnings
      return warning.map { "\(URL(fileURLWithPath: entry.path).lastPathComponent): \($0)" }
    }
  }

  /// As the run takes them.
  package var files: PictureFiles {
    PictureFiles(
      paths: entries.map(\.path), keys: entries.map(\.sha256),
      names: entries.map { URL(fileURLWithPath: $0.path).lastPathComponent })
  }

  private static func digest(_ path: String) throws -> String {
    guard FileManager.default.fileExists(atPath: path) else {
      throw ExperimentError("\(path): no such file or directory")
    }
    guard !Directory.exists(path) else { throw ExperimentError("\(path): is a directory, expected a picture") }
    return SHA256.hexDigest(of: try FileContents.read(path: path, limit: largestPicture))
  }

  private static func files(_ source: String) throws -> [String] {
    if Directory.exists(source) { return try directory(source) }
    return URL(fileURLWithPath: source).pathExtension.lowercased() == listEnding ? try list(source) : [source]
  }

  private static func directory(_ path: String) throws -> [String] {
    let pictures = try Directory.files(below: path, endings: imageEndings)
    guard !pictures.isEmpty else { throw ExperimentError("\(path): holds no PNG or JPEG picture") }
    return pictures
  }

  private static func list(_ path: String) throws -> [String] {
    let text = try FileContents.text(path: path, limit: largestList)
    let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    guard !lines.isEmpty else { throw ExperimentError("\(path): lists no picture") }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    return lines.map { URL(fileURLWithPath: $0, relativeTo: folder).standardizedFileURL.path }
  }
}

/// Pictures in files, decoded when they are asked for.
package struct PictureFiles: VerifySource {
  package let paths: [String]
  package let keys: [String]
  package let names: [String]

  /// - Parameter keys: SHA-256 of the files' bytes.
  package init(paths: [String], keys: [String], names: [String]) {
    precondition(paths.count == keys.count && paths.count == names.count)
    self.paths = paths
    self.keys = keys
    self.names = names
  }

  package func encode(_ index: Int, _ model: HTCVLMModel) throws -> VisualEncoding {
    try model.encode(picture(index))
  }

  /// The picture as it was when the run began.
  private func picture(_ index: Int) throws -> Picture {
    let decoded = try ImageDecoder.decode(path: paths[index])
    guard decoded.fileSHA256 == keys[index] else { throw FileError(path: paths[index], reason: .changed) }
    return decoded.image
  }

  package func warning(_ index: Int) throws -> String? { try ImageDecoder.decode(path: paths[index]).joinedWarnings }

  package func blank(_ index: Int, _ model: HTCVLMModel, seed: UInt64) throws -> VisualEncoding {
    let image = try picture(index)
    return try model.encode(Self.blank(of: image, seed: seed, key: keys[index]))
  }

  /// The mean colour everywhere, and uniform noise of ±`noise` levels in every channel of every pixel.
  static func blank(of image: Picture, seed: UInt64, key: String) -> Picture {
    var sums = [0, 0, 0]
    for (place, value) in image.pixels.enumerated() { sums[place % 3] += Int(value) }
    let means = sums.map { $0 / (image.width * image.height) }
    var generator = SplitMix64(seed: seed, stream: "\(key) blank")
    return Picture(width: image.width, height: image.height) { bytes in
      for place in bytes.indices {
        bytes[place] = UInt8(clamping: means[place % 3] + generator.below(2 * noise + 1) - noise)
      }
    }
  }

  private static let noise = 16
}

extension DecodedImage {
  /// What decoding found odd, in one line; nil if nothing.
  fileprivate var joinedWarnings: String? { warnings.isEmpty ? nil : warnings.joined(separator: "; ") }
}

/// What keeps a checkpoint from being verified, as one sentence that names it.
package struct VerificationError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

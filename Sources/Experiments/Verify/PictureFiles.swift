import Files
package import HTCVLM
import ImageLoading
import Statistics
import Tensor

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

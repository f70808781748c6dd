package import HTCVLM
import Tensor
import Trace

/// The pictures of a `verify` run, each once, in order.
package protocol VerifySource {
  /// SHA-256 of each picture's bytes: its identity, and the seed of its draws.
  var keys: [String] { get }
  var names: [String] { get }

  func encode(_ index: Int, _ model: HTCVLMModel) throws -> VisualEncoding

  /// A picture of the same mean colour with nothing in it but noise of the seed.
  func blank(_ index: Int, _ model: HTCVLMModel, seed: UInt64) throws -> VisualEncoding
}

/// Encoded and compressed pictures, kept while there is room: every one is needed for its own measures and as a donor.
final class CompressedPictures {
  private let encode: (Int) throws -> VisualEncoding
  private let model: HTCVLMModel
  private let room: Int
  private var held: [Int: (cache: VisualCache, bytes: Int, used: Int)] = [:]
  private var clock = 0
  /// How many were compressed, and the seconds that took without their encoding.
  private(set) var compressions = 0
  private(set) var seconds = 0.0

  /// - Parameter room: bytes.
  init(_ model: HTCVLMModel, room: Int = 2 << 30, encode: @escaping (Int) throws -> VisualEncoding) {
    self.encode = encode
    self.model = model
    self.room = room
  }

  convenience init(_ source: any VerifySource, _ model: HTCVLMModel) {
    self.init(model) { try source.encode($0, model) }
  }

  /// What the tower and the quantizer made of a picture; the decoder does not run for it.
  func encoding(_ index: Int) throws -> VisualEncoding { try held[index]?.cache.visual ?? encode(index) }

  subscript(index: Int) -> VisualCache {
    get throws {
      clock += 1
      if let found = held[index] {
        held[index]?.used = clock
        return found.cache
      }
      let visual = try encode(index)
      let start = ContinuousClock.now
      let cache = try model.compress(visual)
      seconds += start.duration(to: .now) / .seconds(1)
      compressions += 1
      let bytes = model.donor(cache).byteCount + 4 * (cache.visual.vision.features.count + cache.visual.anchors.count)
      while let oldest = held.min(by: { $0.value.used < $1.value.used }),
        held.values.reduce(bytes, { $0 + $1.bytes }) > room
      {
        held[oldest.key] = nil
      }
      held[index] = (cache, bytes, clock)
      return cache
    }
  }
}

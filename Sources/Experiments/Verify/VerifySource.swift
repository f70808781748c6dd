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
  private let source: any VerifySource
  private let model: HTCVLMModel
  private let room: Int
  private var held: [Int: (cache: VisualCache, bytes: Int, used: Int)] = [:]
  private var clock = 0

  /// - Parameter room: bytes.
  init(_ source: any VerifySource, _ model: HTCVLMModel, room: Int = 2 << 30) {
    self.source = source
    self.model = model
    self.room = room
  }

  subscript(index: Int) -> VisualCache {
    get throws {
      clock += 1
      if let found = held[index] {
        held[index]?.used = clock
        return found.cache
      }
      let cache = try model.compress(try source.encode(index, model))
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

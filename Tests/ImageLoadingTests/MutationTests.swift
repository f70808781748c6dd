import ImageLoading
import Statistics
import Tensor
import Testing

@Suite("Damaged files")
struct MutationTests {
  /// Small, so that a header that lies about the size costs little.
  private let limits = ImageLimits(side: 1024, pixels: 1 << 18)

  @Test("Flipped bits give a picture or an error, never a crash", arguments: pictureNames)
  func flippedBits(name: String) throws {
    let whole = try fixtureBytes(name)
    var generator = SplitMix64(seed: UInt64(whole.count))
    for _ in 0..<500 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      }
      // A wrong CRC would hide most damage from the code behind it.
      check(Bool.random(using: &generator) ? repairedPNG(bytes) : bytes)
    }
  }

  @Test("Bytes removed, repeated or replaced by others give a picture or an error", arguments: pictureNames)
  func moved(name: String) throws {
    let whole = try fixtureBytes(name)
    var generator = SplitMix64(seed: UInt64(whole.count) &* 31)
    for _ in 0..<100 {
      var bytes = whole
      let start = Int.random(in: 0..<bytes.count, using: &generator)
      let range = start..<Int.random(in: start...min(start + 40, bytes.count), using: &generator)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: bytes.removeSubrange(range)
      case 1: bytes.insert(contentsOf: bytes[range], at: Int.random(in: 0..<bytes.count, using: &generator))
      default: bytes.replaceSubrange(range, with: range.map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
      check(repairedPNG(bytes))
    }
  }

  private func check(_ bytes: [UInt8]) {
    do throws(ImageError) {
      let image = try ImageDecoder.decode(bytes, path: "photo", limits: limits).image
      #expect(image.width * image.height <= limits.pixels && image.pixels.count == 3 * image.width * image.height)
    } catch {
      #expect(error.description.hasPrefix("photo: ") && !error.description.contains("\n"))
    }
  }
}

import Evidence
import HTCVLM
import Statistics

/// Encoded and compressed pictures, kept while there is room: every one is needed for its own measures and as a donor.
///
/// Where the room ends, the picture that was not asked for for longest keeps what the projectors read: an eighth of its bytes
/// or less, and all that tower and quantizer cost. Where that has no room either, it is encoded again.
final class CompressedPictures {
  private enum Kept {
    case compressed(VisualCache)
    case encoded(VisualEncoding)

    var isCompressed: Bool { if case .compressed = self { true } else { false } }
  }

  private struct Entry {
    var kept: Kept
    var bytes: Int
    var used: Int
  }

  private let encode: (Int) throws -> VisualEncoding
  private let model: HTCVLMModel
  private let room: Int
  private var entries: [Int: Entry] = [:]
  private var bytes = 0
  private var clock = 0
  /// How many were compressed, and the seconds that took without their encoding.
  private(set) var compressions = 0
  private(set) var seconds = 0.0

  /// - Parameter room: bytes.
  init(_ model: HTCVLMModel, room: Int = VerifyRun.room, encode: @escaping (Int) throws -> VisualEncoding) {
    self.encode = encode
    self.model = model
    self.room = room
  }

  /// - Parameter prepared: encodings that need not be made here.
  convenience init(
    _ source: any VerifySource, _ model: HTCVLMModel, _ prepared: PreparedPictures? = nil, room: Int = VerifyRun.room
  ) {
    let keys = source.keys
    self.init(model, room: room) { try prepared?.encoding(keys[$0], model) ?? source.encode($0, model) }
  }

  /// What the tower and the quantizer made of a picture; the decoder does not run for it.
  func encoding(_ index: Int) throws -> VisualEncoding {
    switch entries[index]?.kept {
    case .compressed(let cache): cache.visual
    case .encoded(let visual): try model.reprojected(visual)
    case nil: try encode(index)
    }
  }

  subscript(index: Int) -> VisualCache {
    get throws {
      clock += 1
      if case .compressed(let cache) = entries[index]?.kept {
        entries[index]?.used = clock
        return cache
      }
      let visual = try encoding(index)
      let start = ContinuousClock.now
      let cache = try model.compress(visual)
      seconds += start.duration(to: .now) / .seconds(1)
      compressions += 1
      keep(.compressed(cache), of: index, bytes: model.donor(cache).byteCount + visual.byteCount, used: clock)
      makeRoom(beside: index)
      return cache
    }
  }

  /// Keeps nothing any more.
  func forget() { (entries, bytes) = ([:], 0) }

  /// Whether keys and values of all pictures have room here, of which `own` are measured.
  func shortage(of pictures: Int, own: Int) throws -> PictureShortage {
    _ = try self[0]
    return PictureShortage(
      pictures: pictures, own: own, bytes: entries[0]?.bytes ?? 0, room: room, seconds: seconds / Double(compressions))
  }

  private func keep(_ kept: Kept, of index: Int, bytes: Int, used: Int) {
    self.bytes += bytes - (entries[index]?.bytes ?? 0)
    entries[index] = Entry(kept: kept, bytes: bytes, used: used)
  }

  /// Takes from the pictures that were not asked for for longest: first their keys and values, then what is left of them.
  private func makeRoom(beside index: Int) {
    while bytes > room, let oldest = oldest(beside: index) {
      guard case .compressed(let cache) = oldest.value.kept else {
        bytes -= oldest.value.bytes
        entries[oldest.key] = nil
        continue
      }
      let visual = cache.visual.forProjectors
      keep(.encoded(visual), of: oldest.key, bytes: visual.byteCount, used: oldest.value.used)
    }
  }

  private func oldest(beside index: Int) -> (key: Int, value: Entry)? {
    let others = entries.lazy.filter { $0.key != index }
    return others.filter(\.value.kept.isCompressed).min { $0.value.used < $1.value.used }
      ?? others.min { $0.value.used < $1.value.used }
  }
}

/// That keys and values of a run's pictures are more than what may be kept, and what it costs.
package struct PictureShortage: Sendable {
  package let pictures: Int
  /// Pictures that are measured, each with its donors.
  package let own: Int
  /// Of one picture.
  package let bytes: Int
  package let room: Int
  /// That a picture's keys and values take to compute.
  package let seconds: Double

  package init(pictures: Int, own: Int, bytes: Int, room: Int, seconds: Double) {
    (self.pictures, self.own, self.bytes, self.room, self.seconds) = (pictures, own, bytes, room, seconds)
  }

  private var donors: Int { min(pictures - 1, DonorChoice.perPicture) }

  /// Whether anything is missing that costs minutes.
  package var isWorthAWord: Bool {
    pictures > 1 && pictures * bytes > room && Double(own * (1 + donors)) * seconds > 300
  }

  package var sentence: String {
    "Keys and values of \(pictures) pictures take \(Format.bytes(pictures * bytes)), and \(Format.bytes(room)) are there "
      + "for them: to measure one of \(own) pictures, it and up to \(donors) donors are computed again where they are not among "
      + "those that are kept, \(Format.duration(seconds)) each. --memory gives them more."
  }
}

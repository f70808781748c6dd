import Evidence
import HTCVLM
import Statistics

// Cuts in one layer or one head: where the anchors matter.
extension VerifyMeasurement {
  /// Matched draws of random patches at each place; the same patches at all of them.
  package static let localDraws = 4

  /// Heads are cut one by one in models with at most so many: each costs `localDraws` + 1 runs of the voco row a picture.
  package static let mostHeadsCut = 256

  func localCuts(_ key: String, _ plain: VerifySubject.Compressed) throws -> PictureCuts {
    let attention = plain.attention
    let cuts =
      [Set(attention.layout.anchors)]
      + matchedDraws(key, attention.layout, count: Self.localDraws, stream: "local cuts")
    let layers = (0..<attention.layers).map { layer in cuts.map { Intervention.cut(keys: $0, layers: [layer]) } }
    let heads = (0..<(cutsHeads ? attention.layers * attention.heads : 0)).map { cell in
      cuts.map {
        Intervention.cut(keys: $0, layers: [cell / attention.heads], heads: [cell % attention.heads])
      }
    }
    let effects = try subject.effects(of: (layers + heads).flatMap { $0 }, on: plain.cache).map(\.kl)
    let places = stride(from: 0, to: effects.count, by: cuts.count).map { start in
      PictureCuts.Cut(
        kl: effects[start], matchedKL: mean(Array(effects[start + 1..<start + cuts.count])) ?? 0)
    }
    return PictureCuts(layers: Array(places.prefix(layers.count)), heads: Array(places.dropFirst(layers.count)))
  }
}

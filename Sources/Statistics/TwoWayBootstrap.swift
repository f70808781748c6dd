/// The bootstrap of pairs of pictures and donors: both are drawn anew, and a pair weighs w_picture · w_donor, since pairs
/// that share a donor correlate (the pigeonhole bootstrap: Owen, Annals of Applied Statistics 2007).
package struct TwoWayBootstrap: Sendable {
  package struct Pair: Sendable, Hashable {
    package let picture: Int
    package let donor: Int

    package init(picture: Int, donor: Int) {
      self.picture = picture
      self.donor = donor
    }
  }

  /// Each draw's weight of each pair.
  private let weights: [[Float]]
  package let pairs: Int

  package init(_ pairs: [Pair], draws: Int = 2000, seed: UInt64, stream: String) {
    self.pairs = pairs.count
    func numbered(_ values: [Int]) -> (of: [Int: Int], count: Int) {
      let places = Dictionary(Set(values).sorted().enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
      return (places, places.count)
    }
    let (pictures, donors) = (numbered(pairs.map(\.picture)), numbered(pairs.map(\.donor)))
    let places = pairs.map { (pictures.of[$0.picture] ?? 0, donors.of[$0.donor] ?? 0) }
    var generator = SplitMix64(seed: seed, stream: stream)
    func counts(_ units: Int) -> [Float] {
      var counts = [Float](repeating: 0, count: units)
      for _ in 0..<units { counts[generator.below(units)] += 1 }
      return counts
    }
    weights = (0..<draws).map { _ in
      let (ofPictures, ofDonors) = (counts(pictures.count), counts(donors.count))
      return places.map { ofPictures[$0.0] * ofDonors[$0.1] }
    }
  }

  /// Σw·numerator / Σw·denominator in each draw; nil where the denominator's sum is not above 0.
  package func ratios(_ numerators: [Double], over denominators: [Double]) -> [Double?] {
    precondition(numerators.count == pairs && denominators.count == pairs)
    return weights.map { weights in
      var (top, bottom) = (0.0, 0.0)
      for pair in weights.indices where weights[pair] > 0 {
        top += Double(weights[pair]) * numerators[pair]
        bottom += Double(weights[pair]) * denominators[pair]
      }
      return bottom > 0 ? top / bottom : nil
    }
  }
}

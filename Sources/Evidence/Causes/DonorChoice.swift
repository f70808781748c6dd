import Statistics

/// Which pictures lend their anchors to which, drawn once for a run so that every part of it draws the same.
package struct DonorChoice: Sendable, Hashable {
  /// Donors of each picture, by number; empty in a run of one picture.
  package let donors: [[Int]]
  /// Whether a picture's donors are answered differently; where none is, others stand in for what needs no answer.
  package let differ: [Bool]
  /// Pictures whose answer is not the commonest.
  package let outsideMajority: Int

  package static let perPicture = 4
  /// Among so many candidates the least used are taken.
  private static let considered = 256

  /// - Parameters:
  ///   - answers: greedy token ids, with the end of sequence.
  ///   - keys: SHA-256 of the pictures, which seed their draws.
  package init(answers: [[Int32]], keys: [String], seed: UInt64) {
    precondition(answers.count == keys.count)
    var used = [Int](repeating: 0, count: answers.count)
    var donors: [[Int]] = []
    var differ: [Bool] = []
    for picture in answers.indices {
      var generator = SplitMix64(seed: seed, stream: "donors \(keys[picture])")
      let others = answers.indices.filter { $0 != picture }.shuffled(using: &generator)
      let differing = others.filter { answers[$0] != answers[picture] }
      let candidates = (differing.isEmpty ? others : differing).prefix(Self.considered)
      // A stable order by use leaves equally used ones in the drawn order.
      let chosen = candidates.enumerated().sorted { (used[$0.element], $0.offset) < (used[$1.element], $1.offset) }
        .prefix(Self.perPicture).map(\.element)
      for donor in chosen { used[donor] += 1 }
      donors.append(chosen)
      differ.append(!differing.isEmpty)
    }
    self.donors = donors
    self.differ = differ
    let counts = Dictionary(answers.map { ($0, 1) }, uniquingKeysWith: +)
    outsideMajority = answers.count - (counts.values.max() ?? 0)
  }

  /// The first place where two answers differ; nil if one is the other's beginning or they are equal.
  package static func difference(_ a: [Int32], _ b: [Int32]) -> Int? {
    zip(a, b).enumerated().first { $1.0 != $1.1 }?.offset
  }
}

import Statistics
package import Tensor

/// What is replaced by a donor picture's in voco's edges, at every live layer at once (Geiger et al., arXiv 2106.02997).
package enum Interchanged: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
  /// The anchors' values, keys kept: this decides.
  case content
  /// The anchors' keys, values kept.
  case steering
  /// The anchors' keys and values.
  case edges
  /// The anchors everywhere, so that what other tokens took from them changes too.
  case total
  /// All patches' keys and values.
  case patches
  /// All visual keys and values.
  case visual
  /// The values of as many random patches, the mean of several draws.
  case random
  /// The values of as many patches: the most attended, those of the largest norm, the nearest.
  case mostAttended = "most_attended"
  case largestNorm = "largest_norm"
  case nearest

  /// What `content` is compared with.
  package static let controls: [Interchanged] = [.random, .mostAttended, .largestNorm, .nearest]

  /// In words.
  package var words: String {
    switch self {
    case .content: "anchors' values"
    case .steering: "anchors' keys"
    case .edges: "anchors' keys and values"
    case .total: "anchors everywhere"
    case .patches: "all patches' keys and values"
    case .visual: "all visual keys and values"
    case .random: "values of as many random patches"
    case .mostAttended: "values of the most attended patches"
    case .largestNorm: "values of the largest-norm patches"
    case .nearest: "values of the nearest patches"
    }
  }
}

/// How far one interchange moves the next-token logits towards the donor picture's, in absolute terms.
package struct EffectShift: Sendable, Hashable, Codable {
  /// LD_before − LD_after, LD = logit(own answer) − logit(donor's answer).
  package var logitDifference: Double
  /// ⟨Δ_after, Δ_donor⟩ of mean-centred changes.
  package var projection: Double

  package init(logitDifference: Double, projection: Double) {
    self.logitDifference = logitDifference
    self.projection = projection
  }

  package static let zero = EffectShift(logitDifference: 0, projection: 0)
}

/// What effects of one pair of pictures are measured against: the unchanged run and the donor picture's own.
package struct InterchangeScale: Sendable {
  private let base: [Float]
  private let own: Int
  private let other: Int
  private let donorChange: [Double]
  /// LD_before − LD_donor, the whole way.
  package let logitDifference: Double
  /// ‖Δ_donor‖².
  package let squaredNorm: Double

  /// - Parameters:
  ///   - base, donor: logits `[vocab]` at the first position where the greedy answers differ.
  ///   - own, other: the two answers' tokens there.
  package init(base: Tensor, donor: Tensor, own: Int, other: Int) {
    self.base = base.values
    self.own = own
    self.other = other
    donorChange = centred(donor.values, base.values)
    squaredNorm = donorChange.reduce(0) { $0 + $1 * $1 }
    logitDifference = Double(base.values[own] - base.values[other]) - Double(donor.values[own] - donor.values[other])
  }

  package func shift(_ after: Tensor) -> EffectShift {
    let change = centred(after.values, base)
    return EffectShift(
      logitDifference: Double(base[own] - base[other]) - Double(after.values[own] - after.values[other]),
      projection: zip(change, donorChange).reduce(0) { $0 + $1.0 * $1.1 })
  }

  /// Whose answer the changed logits give.
  package func flip(_ after: Tensor) -> PairEvidence.Flip {
    let best = after.values.indices.reduce(0) { after.values[$1] > after.values[$0] ? $1 : $0 }
    return best == other ? .donor : best == own ? .own : .third
  }
}

/// after − before, minus its mean.
private func centred(_ after: [Float], _ before: [Float]) -> [Double] {
  precondition(after.count == before.count)
  var change = zip(after, before).map { Double($0) - Double($1) }
  let mean = change.reduce(0, +) / Double(max(1, change.count))
  for index in change.indices { change[index] -= mean }
  return change
}

/// One picture and one donor whose answer differs.
package struct PairEvidence: Sendable, Hashable, Codable {
  package enum Flip: String, Sendable, Hashable, Codable { case own, donor, third }

  /// The donor's number in the run, from 0.
  package var donor: Int
  /// LD_before − LD_donor, and ‖Δ_donor‖²: what shifts are parts of.
  package var logitDifference: Double
  package var squaredNorm: Double
  package var shifts: [Interchanged: EffectShift]
  /// The answer with the anchors' values interchanged.
  package var flip: Flip

  package init(
    donor: Int, logitDifference: Double, squaredNorm: Double, shifts: [Interchanged: EffectShift], flip: Flip
  ) {
    self.donor = donor
    self.logitDifference = logitDifference
    self.squaredNorm = squaredNorm
    self.shifts = shifts
    self.flip = flip
  }
}

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

package import Tensor
package import Trace

/// Where a picture's answer travels: states of one picture put into the run of another, layer by layer and segment by
/// segment (causal tracing: Meng et al., arXiv 2202.05262, with another picture in the place of noise).
package struct CausalTrace: Sendable, Hashable {
  /// What happens to the answer when a segment's states, as they enter a layer, are exchanged there and nowhere else.
  package struct Cell: Sendable, Hashable, Encodable {
    /// The picture's states in the donor's run: how much of the way back to the picture's answer, 1 all.
    package let restoration: Double
    /// The donor's states in the picture's run: how much of the way to the donor's answer, 1 all.
    package let corruption: Double

    package init(restoration: Double, corruption: Double) {
      self.restoration = restoration
      self.corruption = corruption
    }
  }

  /// The pictures' names.
  package let picture: String
  package let donor: String
  package let prompt: String
  /// The first tokens in which the greedy answers differ, or the first of both where they do not; and what stands before.
  package let answers: (own: String, donor: String)
  package let commonAnswer: String
  /// nil where the answer does not depend on which of the two pictures it is.
  package let scale: CausalScale?
  package let segments: [TraceSegment]
  /// `[L][segments]`; empty without a scale.
  package let cells: [[Cell]]

  package init(
    picture: String, donor: String, prompt: String, answers: (own: String, donor: String), commonAnswer: String,
    scale: CausalScale?, segments: [TraceSegment], cells: [[Cell]]
  ) {
    precondition(cells.allSatisfy { $0.count == segments.count })
    self.picture = picture
    self.donor = donor
    self.prompt = prompt
    self.answers = answers
    self.commonAnswer = commonAnswer
    self.scale = scale
    self.segments = segments
    self.cells = cells
  }

  package static func == (a: CausalTrace, b: CausalTrace) -> Bool {
    a.picture == b.picture && a.donor == b.donor && a.prompt == b.prompt && a.answers == b.answers
      && a.commonAnswer == b.commonAnswer && a.scale == b.scale && a.segments == b.segments && a.cells == b.cells
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(picture)
    hasher.combine(donor)
    hasher.combine(cells)
  }
}

/// Rows of the sequence that are exchanged together.
package struct TraceSegment: Sendable, Hashable {
  /// `prefix`, `anchors`, `patches, top left`, …, `voco`, `text`.
  package let name: String
  package let rows: [Int]

  package init(name: String, rows: [Int]) {
    self.name = name
    self.rows = rows
  }

  /// The segments of a sequence, in its order; patches by quadrant where they form a square of 2×2 or more.
  package static func all(_ kinds: [SegmentKind]) -> [TraceSegment] {
    let rows = { (kind: SegmentKind) in kinds.indices.filter { kinds[$0] == kind } }
    // Without voco the prompt follows the last visual token.
    let end = kinds.firstIndex(of: .voco) ?? (kinds.lastIndex { $0.isVisual }.map { $0 + 1 } ?? 0)
    let plain = kinds.indices.filter { !kinds[$0].isVisual && kinds[$0] != .voco }
    let named: [(String, [Int])] =
      [("prefix", plain.filter { $0 < end }), ("anchors", rows(.anchors))] + quadrants(rows(.patches))
      + [("voco", rows(.voco)), ("text", plain.filter { $0 >= end })]
    return named.filter { !$0.1.isEmpty }.map { TraceSegment(name: $0.0, rows: $0.1) }
      .sorted { $0.rows[0] < $1.rows[0] }
  }

  private static func quadrants(_ patches: [Int]) -> [(String, [Int])] {
    let side = Int(Double(patches.count).squareRoot().rounded())
    guard side >= 2, side * side == patches.count else { return [("patches", patches)] }
    return [
      ("top left", false, false), ("top right", false, true), ("bottom left", true, false),
      ("bottom right", true, true),
    ]
    .map { name, isLow, isRight in
      let rows = patches.enumerated().filter { index, _ in
        // The middle row and column of an odd grid belong to the second half.
        (index / side >= side / 2) == isLow && (index % side >= side / 2) == isRight
      }
      return ("patches, \(name)", rows.map(\.element))
    }
  }
}

extension CausalTrace: Encodable {
  private enum CodingKeys: String, CodingKey {
    case picture, donor, prompt, answer, scale, segments, restoration, corruption
    case donorAnswer = "donor_answer"
    case commonAnswer = "common_answer"
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(picture, forKey: .picture)
    try values.encode(donor, forKey: .donor)
    try values.encode(prompt, forKey: .prompt)
    try values.encode(answers.own, forKey: .answer)
    try values.encode(answers.donor, forKey: .donorAnswer)
    try values.encode(commonAnswer, forKey: .commonAnswer)
    try values.encode(scale, forKey: .scale)
    try values.encode(segments.map(\.name), forKey: .segments)
    try values.encode(cells.map { $0.map(\.restoration) }, forKey: .restoration)
    try values.encode(cells.map { $0.map(\.corruption) }, forKey: .corruption)
  }
}

/// How far logits went from one run's to another's: 0 stayed, 1 arrived.
package enum CausalScale: String, Sendable, Hashable, Encodable {
  /// By the difference of the logits of the two runs' own answers (Zhang & Nanda, arXiv 2309.16042).
  case logitDifference = "LD"
  /// By the part of the change of all logits, centred, that goes where the other run's is: ⟨Δ, Δ_other⟩/‖Δ_other‖².
  case projection = "E"

  /// The two answers' tokens, from and to.
  package typealias Answers = (from: Int, to: Int)

  /// Logit differences closer than this are no scale.
  package static let smallestDifference = 0.5
  /// Below this the runs' logits are the same, in nats of KL.
  package static let smallestDivergence = 1e-6

  /// `logitDifference` where the answers differ by enough, else `projection`; nil where the two runs' logits are the same.
  package static func between(_ from: Tensor, _ to: Tensor, answers: Answers) -> CausalScale? {
    let width = lead(from, answers) - lead(to, answers)
    if answers.from != answers.to, abs(width) >= smallestDifference { return .logitDifference }
    return Divergence.kl(reference: from, changed: to) < smallestDivergence ? nil : .projection
  }

  /// The share of the way from `from` `[vocab]` to `to` at which `patched` is; beyond 0…1 where it overshoots.
  package func share(_ patched: Tensor, from: Tensor, to: Tensor, answers: Answers) -> Double {
    switch self {
    case .logitDifference:
      let start = Self.lead(from, answers)
      return (Self.lead(patched, answers) - start) / (Self.lead(to, answers) - start)
    case .projection:
      let (change, whole) = (Self.change(from, patched), Self.change(from, to))
      let square = whole.reduce(0) { $0 + $1 * $1 }
      return square > 0 ? zip(change, whole).reduce(0) { $0 + $1.0 * $1.1 } / square : 0
    }
  }

  /// logit(from's answer) − logit(to's answer).
  package static func lead(_ logits: Tensor, _ answers: Answers) -> Double {
    Double(logits.values[answers.from]) - Double(logits.values[answers.to])
  }

  /// b − a without its mean, which no softmax sees.
  private static func change(_ a: Tensor, _ b: Tensor) -> [Double] {
    let difference = zip(a.values, b.values).map { Double($1) - Double($0) }
    let centre = difference.reduce(0, +) / Double(max(1, difference.count))
    return difference.map { $0 - centre }
  }
}

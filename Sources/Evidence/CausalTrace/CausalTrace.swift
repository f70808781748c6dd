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

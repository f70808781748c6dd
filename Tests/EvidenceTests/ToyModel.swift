import Evidence
import Foundation
import Statistics
import Tensor

/// A model small enough that its answer is known: one layer of voco attention over bos, anchors and patches, read out
/// linearly. Scores add up from kind, position and content; values are content times a gain of the kind.
struct ToyModel {
  static let anchors = 4
  static let grid = 5
  static let heads = 2
  static let width = 6
  static let vocabulary = 8
  static var visual: Int { anchors + grid * grid }

  /// Added to every anchor's score, per head.
  var anchorBias = [0.0, 0.0]
  /// Added to the score of what stands in the first `anchors` visual positions.
  var firstBias = 0.0
  /// Added to the score of what stands in the last `anchors` visual positions.
  var lastBias = 0.0
  /// The size of an anchor's and of a patch's value.
  var anchorGain = 1.0
  var patchGain = 1.0
  /// The spread of scores by content.
  var contentScore = 0.3
  let seed: UInt64
  private let weights: Weights

  init(seed: UInt64 = 1) {
    self.seed = seed
    weights = Weights(seed: seed)
  }

  /// A picture: contents of the anchors and patches, `[A + P][width]`.
  struct Picture {
    var anchors: [[Double]]
    var patches: [[Double]]

    init(seed: UInt64) {
      var generator = SplitMix64(seed: seed, stream: "picture")
      let vectors = { (count: Int) in (0..<count).map { _ in (0..<width).map { _ in generator.normal() } } }
      anchors = vectors(ToyModel.anchors)
      patches = vectors(grid * grid)
    }
  }

  /// One visual token at its place.
  struct Token {
    var isAnchor: Bool
    var content: [Double]
  }

  static func order(_ picture: Picture, anchorsLast: Bool = false) -> [Token] {
    let anchors = picture.anchors.map { Token(isAnchor: true, content: $0) }
    let patches = picture.patches.map { Token(isAnchor: false, content: $0) }
    return anchorsLast ? patches + anchors : anchors + patches
  }

  /// Random weights of attention and read-out, from the model's seed.
  private struct Weights {
    /// `[heads][width]` and `[heads][vocabulary][width]`.
    var score: [[Double]] = []
    var readout: [[[Double]]] = []

    init(seed: UInt64) {
      var generator = SplitMix64(seed: seed, stream: "weights")
      let vector = { (0..<width).map { _ in generator.normal() / Double(width).squareRoot() } }
      for _ in 0..<heads {
        score.append(vector())
        readout.append((0..<vocabulary).map { _ in vector() })
      }
    }
  }

  /// The attention rows `[heads][1 + visual]`, bos first, with `cut` visual positions hidden.
  func rows(_ tokens: [Token], cut: Set<Int> = []) -> [[Double]] {
    weights.score.indices.map { head in
      var row = [Double](repeating: 0, count: tokens.count + 1)
      row[0] = 1
      var total = 1.0
      for position in tokens.indices where !cut.contains(position) {
        row[position + 1] = exp(score(tokens[position], position, head))
        total += row[position + 1]
      }
      for key in row.indices { row[key] /= total }
      return row
    }
  }

  /// ‖v·W_o‖, laid out as the rows.
  func norms(_ tokens: [Token]) -> [[Double]] {
    weights.readout.map { readout in
      [0]
        + tokens.map { token in
          readout.reduce(0) { sum, row in
            let value = gain(token) * dot(row, token.content)
            return sum + value * value
          }.squareRoot()
        }
    }
  }

  func logits(_ tokens: [Token], cut: Set<Int> = []) -> Tensor {
    var logits = [Float](repeating: 0, count: Self.vocabulary)
    for (head, row) in rows(tokens, cut: cut).enumerated() {
      var mixed = [Double](repeating: 0, count: Self.width)
      for position in tokens.indices {
        let weight = row[position + 1] * gain(tokens[position])
        for index in 0..<Self.width { mixed[index] += weight * tokens[position].content[index] }
      }
      for token in logits.indices { logits[token] += Float(dot(weights.readout[head][token], mixed)) }
    }
    return Tensor(shape: [logits.count], values: logits)
  }

  private func gain(_ token: Token) -> Double { 3 * (token.isAnchor ? anchorGain : patchGain) }

  private func score(_ token: Token, _ position: Int, _ head: Int) -> Double {
    var score = contentScore * dot(weights.score[head], token.content) + (token.isAnchor ? anchorBias[head] : 0)
    if position < Self.anchors { score += firstBias }
    if position >= Self.visual - Self.anchors { score += lastBias }
    return score
  }

  func attention(_ tokens: [Token]) throws -> VocoAttention {
    var roles: [KeyRole] = [.prefix]
    var (anchor, patch) = (0, 0)
    for token in tokens {
      roles.append(token.isAnchor ? .anchor(anchor) : .patch(row: patch / Self.grid, column: patch % Self.grid))
      if token.isAnchor { anchor += 1 } else { patch += 1 }
    }
    let layout = KeyLayout(roles: roles + [.itself], query: roles.count, patchGrid: Self.grid)
    let tensor = { (rows: [[Double]]) in
      Tensor(shape: [1, Self.heads, layout.length], values: rows.flatMap { $0.map(Float.init) + [0] })
    }
    return try VocoAttention(layout: layout, attention: tensor(rows(tokens)), valueNorms: tensor(norms(tokens)))
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for index in 0..<a.count { sum += a[index] * b[index] }
  return sum
}

extension SplitMix64 {
  /// A standard normal number (Box–Muller).
  mutating func normal() -> Double {
    (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit())
  }
}

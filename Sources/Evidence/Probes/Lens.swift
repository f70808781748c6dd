import Foundation
package import Tensor
package import Trace

/// What states of the residual stream decode to, layer by layer, through the final norm and the head (nostalgebraist 2020).
///
/// A lens shows what the model could say from a state, not what is read of it: only keys and values made from it are.
package struct Lens: Sendable, Hashable {
  /// One position of the sequence.
  package struct Row: Sendable, Hashable {
    package let place: LensPlace
    /// `[L + 1][≤ count]`, likeliest first: of the state that enters each layer, and after the last.
    package let states: [[TokenProbability]]

    package init(place: LensPlace, states: [[TokenProbability]]) {
      self.place = place
      self.states = states
    }
  }

  /// L.
  package let layers: Int
  package let rows: [Row]
  /// Without voco, text reads the visual rows itself.
  package let hasVoco: Bool

  package init(layers: Int, rows: [Row], hasVoco: Bool) {
    precondition(rows.allSatisfy { $0.states.count == layers + 1 })
    self.layers = layers
    self.rows = rows
    self.hasVoco = hasVoco
  }

  /// Guesses kept of each state.
  package static let count = 5

  /// How many of a row's L + 1 states anything that ends in an answer reads.
  ///
  /// Text reads keys and values of voco made from states that enter a layer, so of voco the last state is read by nobody;
  /// of what voco reads, the one before too.
  package func liveStates(of kind: SegmentKind) -> Int {
    switch kind {
    case .text: layers + 1
    case .voco: layers
    case .bos, .anchors, .patches, .cls, .newline: hasVoco ? layers - 1 : layers
    }
  }

  /// The row at a position of the sequence; nil if it was not decoded.
  package subscript(position position: Int) -> Row? { rows.first { $0.place.position == position } }

  /// The likeliest tokens of each row of logits `[n, vocab]`; of equal ones the first.
  package static func guesses(_ logits: Tensor, piece: (Int) -> String) -> [[TokenProbability]] {
    let vocabulary = logits.shape[1]
    return logits.values.withUnsafeBufferPointer { values in
      (0..<logits.shape[0]).map { row in
        let own = values[row * vocabulary..<(row + 1) * vocabulary]
        let largest = Double(own.max() ?? 0)
        var total = 0.0
        var best: [(id: Int, logit: Float)] = []
        for (id, logit) in own.enumerated() {
          total += exp(Double(logit) - largest)
          guard best.count < count || logit > best[best.count - 1].logit else { continue }
          best.insert((id, logit), at: best.firstIndex { logit > $0.logit } ?? best.count)
          if best.count > count { best.removeLast() }
        }
        return best.map {
          TokenProbability(id: $0.id, piece: piece($0.id), probability: exp(Double($0.logit) - largest) / total)
        }
      }
    }
  }
}

/// A token's piece as people read it: SentencePiece writes a space as U+2581, and a leading one says nothing.
package func shownPiece(_ piece: String) -> String {
  let text = piece.replacing("\u{2581}", with: " ")
  return text.first == " " && text.count > 1 ? String(text.dropFirst()) : text
}

/// Which position a row of the lens is.
package struct LensPlace: Sendable, Hashable, Encodable {
  /// In the sequence, from 0.
  package let position: Int
  package let kind: SegmentKind
  /// Of an anchor, from 0.
  package let anchor: Int?
  /// Of a patch, in the grid, from 0; nil where patches form no square.
  package let row: Int?
  package let column: Int?

  /// Places of `positions` in a sequence of these kinds.
  package static func all(_ positions: [Int], kinds: [SegmentKind]) -> [LensPlace] {
    let anchors = kinds.indices.filter { kinds[$0] == .anchors }
    let patches = kinds.indices.filter { kinds[$0] == .patches }
    let side = Int(Double(patches.count).squareRoot().rounded())
    let numbers = Dictionary(uniqueKeysWithValues: (anchors + patches).map { ($0, 0) })
      .merging(anchors.enumerated().map { ($0.element, $0.offset) }) { $1 }
      .merging(patches.enumerated().map { ($0.element, $0.offset) }) { $1 }
    return positions.map { position in
      let (kind, number) = (kinds[position], numbers[position])
      let isGrid = kind == .patches && side * side == patches.count
      return LensPlace(
        position: position, kind: kind, anchor: kind == .anchors ? number : nil,
        row: isGrid ? number.map { $0 / side } : nil, column: isGrid ? number.map { $0 % side } : nil)
    }
  }

  /// `<voco>`, `A1`, `patch (3,7)` (row and column), or the kind with its position.
  package var name: String {
    switch kind {
    case .voco: "<voco>"
    case .anchors: "A\((anchor ?? 0) + 1)"
    case .patches:
      if let row, let column { "patch (\(row),\(column))" } else { "patch at \(position)" }
    case .bos, .cls, .newline, .text: "\(kind.rawValue) at \(position)"
    }
  }
}

extension Lens: Encodable {
  private enum CodingKeys: String, CodingKey {
    case layers, rows
  }

  private struct State: Encodable {
    /// That the state enters, from 1; one more than there are after the last.
    let layer: Int
    let read: Bool
    let top: [TokenProbability]
  }

  private struct RowJSON: Encodable {
    let name: String
    let place: LensPlace
    let states: [State]
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(layers, forKey: .layers)
    let json = rows.map { row in
      let live = liveStates(of: row.place.kind)
      return RowJSON(
        name: row.place.name, place: row.place,
        states: row.states.enumerated().map { State(layer: $0.offset + 1, read: $0.offset < live, top: $0.element) })
    }
    try values.encode(json, forKey: .rows)
  }
}

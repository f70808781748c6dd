import Foundation
package import Statistics

/// Per layer and head, over a stream of pictures: mean shares, and a sign-flip test of the anchors' share of the visual
/// keys against A/(A+P). Its memory does not grow with the number of pictures.
package struct CellAccumulator: Sendable, Hashable, Codable {
  package let layers: Int
  package let heads: Int
  package let seed: UInt64
  /// `[L·H]`.
  package private(set) var anchorShare: [Moments]
  package private(set) var patchShare: [Moments]
  /// Of α·‖v·W_o‖, the anchors' and the patches' part; without pictures where there are no value norms.
  package private(set) var normWeightedAnchorShare: [Moments]
  package private(set) var normWeightedPatchShare: [Moments]
  /// Of the anchors' share of visual keys minus the uniform A/(A+P).
  package private(set) var excess: [Moments]
  private var signs: SignPatternSums

  /// The number of sign patterns.
  package var draws: Int { signs.draws }

  /// - Parameter draws: at most; fewer for models with many heads so that the sums stay under 16 MiB.
  package init(layers: Int, heads: Int, seed: UInt64, draws: Int = 10_000) {
    precondition(layers > 0 && heads > 0 && draws > 0)
    let cells = layers * heads
    self.layers = layers
    self.heads = heads
    self.seed = seed
    anchorShare = [Moments](repeating: Moments(), count: cells)
    patchShare = anchorShare
    normWeightedAnchorShare = anchorShare
    normWeightedPatchShare = anchorShare
    excess = anchorShare
    signs = SignPatternSums(cells: cells, seed: seed, draws: draws)
  }

  /// Checks that the file's arrays fit its layers and heads.
  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    layers = try values.decode(Int.self, forKey: .layers)
    heads = try values.decode(Int.self, forKey: .heads)
    seed = try values.decode(UInt64.self, forKey: .seed)
    anchorShare = try values.decode([Moments].self, forKey: .anchorShare)
    patchShare = try values.decode([Moments].self, forKey: .patchShare)
    excess = try values.decode([Moments].self, forKey: .excess)
    normWeightedAnchorShare = try values.decode([Moments].self, forKey: .normWeightedAnchorShare)
    normWeightedPatchShare = try values.decode([Moments].self, forKey: .normWeightedPatchShare)
    signs = try values.decode(SignPatternSums.self, forKey: .signs)
    let (cells, overflow) = layers.multipliedReportingOverflow(by: heads)
    let counts = [anchorShare, patchShare, normWeightedAnchorShare, normWeightedPatchShare, excess].map(\.count)
    guard
      layers > 0, heads > 0, !overflow, counts.allSatisfy({ $0 == cells }), signs.fits(cells: cells, seed: seed)
    else {
      throw DecodingError.dataCorruptedError(
        forKey: .layers, in: values, debugDescription: "the sums do not fit \(layers) layers of \(heads) heads")
    }
  }

  /// Adds a picture.
  package mutating func add(_ attention: VocoAttention, key: String) {
    precondition(attention.layers == layers && attention.heads == heads)
    let uniform = attention.layout.uniformAnchorShareOfVisual
    var differences: [Double] = []
    for layer in 0..<layers {
      for head in 0..<heads {
        let shares = attention.shares(layer: layer, head: head)
        let difference = (shares.anchorsOfVisual ?? uniform) - uniform
        let cell = differences.count
        anchorShare[cell].add(shares.anchors)
        patchShare[cell].add(shares.patches)
        if let row = attention.normWeightedRow(layer: layer, head: head) {
          let weighted = AttentionShares(row: row, layout: attention.layout)
          normWeightedAnchorShare[cell].add(weighted.anchors)
          normWeightedPatchShare[cell].add(weighted.patches)
        }
        excess[cell].add(difference)
        differences.append(difference)
      }
    }
    signs.add(differences, key: key)
  }

  /// Adds the pictures of another shard of the same run.
  package mutating func merge(_ other: CellAccumulator) {
    precondition(other.layers == layers && other.heads == heads && other.seed == seed && other.draws == draws)
    for cell in excess.indices {
      anchorShare[cell].merge(other.anchorShare[cell])
      patchShare[cell].merge(other.patchShare[cell])
      normWeightedAnchorShare[cell].merge(other.normWeightedAnchorShare[cell])
      normWeightedPatchShare[cell].merge(other.normWeightedPatchShare[cell])
      excess[cell].merge(other.excess[cell])
    }
    signs.merge(other.signs)
  }

  /// Pictures added.
  package var count: Int { excess.first?.count ?? 0 }

  /// `[L·H]`, two-sided, the observed signs counted as one pattern.
  package var pValues: [Double] { signs.pValues(excess) }

  /// `[L][H]`: how each cell compares with even attention over the visual keys, by Benjamini–Hochberg at `rate`.
  package func findings(rate: Double = 0.05) -> [[CellFinding]] { byLayer(signs.findings(excess, rate: rate)) }

  /// `[L][H]`, the lift of each head's mean shares over pictures; `nil` without attention on patches.
  package func lifts(anchors: Int, patches: Int, normWeighted: Bool = false) -> [[Double?]] {
    let (top, bottom) =
      normWeighted ? (normWeightedAnchorShare, normWeightedPatchShare) : (anchorShare, patchShare)
    return byLayer(
      zip(top, bottom).map { anchor, patch in
        patch.mean > 0 && anchors > 0 ? (anchor.mean / Double(anchors)) / (patch.mean / Double(patches)) : nil
      })
  }

  private func byLayer<Value>(_ cells: [Value]) -> [[Value]] {
    (0..<layers).map { Array(cells[$0 * heads..<($0 + 1) * heads]) }
  }

  /// `[L]`, the lift of each layer's mean shares over heads and pictures; `nil` without attention on patches.
  package func layerLifts(anchors: Int, patches: Int) -> [Double?] {
    (0..<layers).map { layer in
      let cells = layer * heads..<(layer + 1) * heads
      let anchor = anchorShare[cells].reduce(0) { $0 + $1.mean }
      let patch = patchShare[cells].reduce(0) { $0 + $1.mean }
      return patch > 0 && anchors > 0 ? (anchor / Double(anchors)) / (patch / Double(patches)) : nil
    }
  }
}

/// What one layer and head does with the anchors over all pictures.
package struct CellFinding: Sendable, Hashable, Codable {
  package enum Direction: String, Sendable, Hashable, Codable { case above, below, none }

  /// Mean anchor share of the visual keys minus A/(A+P).
  package var excess: Double
  package var pValue: Double
  /// Benjamini–Hochberg adjusted over all cells.
  package var adjusted: Double
  package var direction: Direction
}

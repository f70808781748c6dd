import Foundation

/// Per layer and head, over a stream of pictures: mean shares, and a sign-flip test of the anchors' share of the visual
/// keys against A/(A+P). Its memory does not grow with the number of pictures: every random sign pattern keeps one
/// running sum a cell, and a picture's signs come from its key, so shards add up to the same numbers in any order.
package struct CellAccumulator: Sendable, Hashable, Codable {
  package let layers: Int
  package let heads: Int
  package let seed: UInt64
  /// `[L·H]`.
  package private(set) var anchorShare: [Moments]
  package private(set) var patchShare: [Moments]
  /// Of the anchors' share of visual keys minus the uniform A/(A+P).
  package private(set) var excess: [Moments]
  /// `[draws, L·H]`, the excess summed under each pattern of random signs.
  private var flipped: PackedDoubles

  /// The number of sign patterns.
  package var draws: Int { flipped.values.count / (layers * heads) }

  /// - Parameter draws: at most; fewer for models with many heads so that the sums stay under 16 MiB.
  package init(layers: Int, heads: Int, seed: UInt64, draws: Int = 10_000) {
    precondition(layers > 0 && heads > 0 && draws > 0)
    let cells = layers * heads
    self.layers = layers
    self.heads = heads
    self.seed = seed
    anchorShare = [Moments](repeating: Moments(), count: cells)
    patchShare = anchorShare
    excess = anchorShare
    flipped = PackedDoubles(values: [Double](repeating: 0, count: max(1, min(draws, (2 << 20) / cells)) * cells))
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
    flipped = try values.decode(PackedDoubles.self, forKey: .flipped)
    let (cells, overflow) = layers.multipliedReportingOverflow(by: heads)
    guard
      layers > 0, heads > 0, !overflow, [anchorShare.count, patchShare.count, excess.count] == [cells, cells, cells],
      flipped.values.count > 0, flipped.values.count % cells == 0
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
        anchorShare[differences.count].add(shares.anchors)
        patchShare[differences.count].add(shares.patches)
        excess[differences.count].add(difference)
        differences.append(difference)
      }
    }
    flip(differences, key: key)
  }

  private mutating func flip(_ differences: [Double], key: String) {
    var generator = SplitMix64(seed: seed, stream: key)
    let draws = self.draws
    differences.withUnsafeBufferPointer { differences in
      flipped.values.withUnsafeMutableBufferPointer { sums in
        var bits: UInt64 = 0
        for draw in 0..<draws {
          if draw % 64 == 0 { bits = generator.next() }
          let sign = bits & 1 == 1 ? -1.0 : 1.0
          bits >>= 1
          let offset = draw * differences.count
          for cell in 0..<differences.count { sums[offset + cell] += sign * differences[cell] }
        }
      }
    }
  }

  /// Adds the pictures of another shard of the same run.
  package mutating func merge(_ other: CellAccumulator) {
    precondition(other.layers == layers && other.heads == heads && other.seed == seed && other.draws == draws)
    for cell in excess.indices {
      anchorShare[cell].merge(other.anchorShare[cell])
      patchShare[cell].merge(other.patchShare[cell])
      excess[cell].merge(other.excess[cell])
    }
    for index in flipped.values.indices { flipped.values[index] += other.flipped.values[index] }
  }

  /// Pictures added.
  package var count: Int { excess.first?.count ?? 0 }

  /// `[L·H]`, two-sided, the observed signs counted as one pattern.
  package var pValues: [Double] {
    let cells = layers * heads
    return (0..<cells).map { cell in
      guard count > 0 else { return 1 }
      var tally = SignFlipTest.Tally(observed: excess[cell].mean * Double(count))
      for draw in 0..<draws { tally.add(flipped.values[draw * cells + cell]) }
      return tally.pValue(.twoSided, including: 1)
    }
  }

  /// `[L][H]`: how each cell compares with even attention over the visual keys, by Benjamini–Hochberg at `rate`.
  package func findings(rate: Double = 0.05) -> [[CellFinding]] {
    let pValues = self.pValues
    let adjusted = BenjaminiHochberg.adjusted(pValues)
    return (0..<layers).map { layer in
      (0..<heads).map { head in
        let cell = layer * heads + head
        let mean = excess[cell].mean
        let direction: CellFinding.Direction = adjusted[cell] > rate ? .none : mean > 0 ? .above : .below
        return CellFinding(excess: mean, pValue: pValues[cell], adjusted: adjusted[cell], direction: direction)
      }
    }
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

/// Many numbers as one base64 string of little-endian doubles, so that a shard's file stays small and exact.
private struct PackedDoubles: Sendable, Hashable, Codable {
  var values: [Double]

  init(values: [Double]) { self.values = values }

  init(from decoder: any Decoder) throws {
    let data = try decoder.singleValueContainer().decode(Data.self)
    guard data.count % 8 == 0 else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "\(data.count) bytes are no whole doubles"))
    }
    values = data.withUnsafeBytes { bytes in
      (0..<data.count / 8).map { index in
        Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var data = Data(capacity: values.count * 8)
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) } }
    var container = encoder.singleValueContainer()
    try container.encode(data)
  }
}

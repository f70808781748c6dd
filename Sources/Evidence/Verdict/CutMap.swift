package import Statistics

/// What cutting voco's edges to the anchors changes when it is done in one layer, or in one head alone.
package struct PictureCuts: Sendable, Hashable {
  /// One place's cut and as many random patches cut there.
  package struct Cut: Sendable, Hashable {
    /// KL of the next-token distribution, in nats.
    package var kl: Double
    /// The mean KL of the matched draws.
    package var matchedKL: Double

    package init(kl: Double, matchedKL: Double) {
      self.kl = kl
      self.matchedKL = matchedKL
    }
  }

  /// `[L]`, the cut in every head of one layer.
  package var layers: [Cut]
  /// `[L·H]`, the cut in one head; empty where heads were not cut one by one.
  package var heads: [Cut]

  package init(layers: [Cut], heads: [Cut]) {
    self.layers = layers
    self.heads = heads
  }
}

/// The effects of local cuts over a stream of pictures, in memory that does not grow with their number.
package struct CutMap: Sendable, Hashable, Codable {
  /// Places of one kind: all layers, or all heads.
  package struct Places: Sendable, Hashable, Codable {
    package private(set) var kl: [Moments]
    package private(set) var matchedKL: [Moments]
    /// KL minus that of the matched draws.
    package private(set) var excess: [Moments]
    private var signs: SignPatternSums

    init(count: Int, seed: UInt64, draws: Int) {
      kl = [Moments](repeating: Moments(), count: count)
      matchedKL = kl
      excess = kl
      signs = SignPatternSums(cells: count, seed: seed, draws: draws)
    }

    func fits(count: Int, seed: UInt64) -> Bool {
      [kl.count, matchedKL.count, excess.count].allSatisfy { $0 == count } && signs.fits(cells: count, seed: seed)
    }

    mutating func add(_ cuts: [PictureCuts.Cut], key: String) {
      let differences = cuts.map { $0.kl - $0.matchedKL }
      for (place, cut) in cuts.enumerated() {
        kl[place].add(cut.kl)
        matchedKL[place].add(cut.matchedKL)
        excess[place].add(differences[place])
      }
      signs.add(differences, key: key)
    }

    mutating func merge(_ other: Places) {
      for place in kl.indices {
        kl[place].merge(other.kl[place])
        matchedKL[place].merge(other.matchedKL[place])
        excess[place].merge(other.excess[place])
      }
      signs.merge(other.signs)
    }

    /// Where the anchors matter more or less than the matched patches, by Benjamini–Hochberg at `rate`.
    package func findings(rate: Double = 0.05) -> [CellFinding] { signs.findings(excess, rate: rate) }
  }

  package let layerCount: Int
  package let headCount: Int
  package let seed: UInt64
  /// `[L]`.
  package private(set) var layers: Places
  /// `[L·H]`; `nil` where heads were not cut one by one.
  package private(set) var heads: Places?

  package init(layers: Int, heads: Int, cutsHeads: Bool, seed: UInt64, draws: Int) {
    precondition(layers > 0 && heads > 0)
    layerCount = layers
    headCount = heads
    self.seed = seed
    self.layers = Places(count: layers, seed: seed, draws: draws)
    self.heads = cutsHeads ? Places(count: layers * heads, seed: seed, draws: draws) : nil
  }

  /// Whether a map read from a file is one of such a model.
  func fits(layers: Int, heads: Int, seed: UInt64) -> Bool {
    layerCount == layers && headCount == heads && self.seed == seed && self.layers.fits(count: layers, seed: seed)
      && self.heads?.fits(count: layers * heads, seed: seed) != false
  }

  /// Pictures added.
  package var count: Int { layers.kl.first?.count ?? 0 }

  package mutating func add(_ cuts: PictureCuts, key: String) {
    precondition(cuts.layers.count == layerCount && (heads == nil) == cuts.heads.isEmpty)
    layers.add(cuts.layers, key: key)
    heads?.add(cuts.heads, key: key)
  }

  /// Adds the pictures of another shard of the same run.
  package mutating func merge(_ other: CutMap) {
    precondition((heads == nil) == (other.heads == nil))
    layers.merge(other.layers)
    if let added = other.heads { heads?.merge(added) }
  }
}

import Evidence
import HTCVLM
import Statistics
import Tensor
import Trace

/// As many patches as there are anchors, chosen by what makes them notable; positions in the sequence.
package struct ComparedPatches {
  let random: [Set<Int>]
  let mostAttended: Set<Int>
  let largestNorm: Set<Int>
  let nearest: Set<Int>

  /// Draws of random patches.
  static let draws = 8

  package init(random: [Set<Int>], mostAttended: Set<Int>, largestNorm: Set<Int>, nearest: Set<Int>) {
    self.random = random
    self.mostAttended = mostAttended
    self.largestNorm = largestNorm
    self.nearest = nearest
  }

  /// - Parameter key: the picture's SHA-256, which seeds the draws.
  init(_ cache: VisualCache, _ attention: VocoAttention, key: String, seed: UInt64) {
    let (anchors, patches) = (cache.anchorPositions, cache.patchPositions)
    let count = anchors.count
    var generator = SplitMix64(seed: seed, stream: "\(key) random patches")
    random = (0..<Self.draws).map { _ in Set(generator.distinct(count, below: patches.count).map { patches[$0] }) }
    let row = attention.row(AttentionQuery(), excluding: []) ?? []
    mostAttended = Set(largest(patches.map { row[$0] }, count).map { patches[$0] })
    let vectors = cache.visual.vision.patches
    let norms = (0..<vectors.shape[0]).map { index in
      vectors[row: index].values.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    largestNorm = Set(largest(norms, count).map { patches[$0] })
    let closeness = patches.map { patch in -Double(anchors.map { abs($0 - patch) }.min() ?? 0) }
    nearest = Set(largest(closeness, count).map { patches[$0] })
  }
}

/// Indices of the largest values, of equal ones the first.
private func largest(_ values: [Double], _ count: Int) -> [Int] {
  Array(values.indices.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(count))
}

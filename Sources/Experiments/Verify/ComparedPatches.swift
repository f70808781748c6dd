import Evidence
import HTCVLM
import Tensor
import Trace

// As many patches as there are anchors, by what makes them notable; positions in the sequence.
extension VerifyMeasurement {
  func largestNorm(_ plain: VerifySubject.Compressed) -> [Int] {
    let patches = plain.cache.visual.vision.patches
    let norms = (0..<patches.shape[0]).map { row in
      patches[row: row].values.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    let layout = plain.attention.layout
    return largest(norms, count: layout.anchors.count).map { layout.patches[$0] }
  }

  /// By attention summed over layers and heads.
  func mostAttended(_ attention: VocoAttention) -> [Int] {
    let layout = attention.layout
    var sums = [Double](repeating: 0, count: layout.patches.count)
    for layer in 0..<attention.layers {
      for head in 0..<attention.heads {
        let row = attention.row(layer: layer, head: head)
        for (index, position) in layout.patches.enumerated() { sums[index] += row[position] }
      }
    }
    return largest(sums, count: layout.anchors.count).map { layout.patches[$0] }
  }

  /// By their distance in the sequence from the closest anchor.
  func nearest(_ layout: KeyLayout) -> [Int] {
    let closeness = layout.patches.map { patch in -Double(layout.anchors.map { abs($0 - patch) }.min() ?? 0) }
    return largest(closeness, count: layout.anchors.count).map { layout.patches[$0] }
  }

  /// Indices of the largest values, of equal ones the first.
  private func largest(_ values: [Double], count: Int) -> [Int] {
    Array(values.indices.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(count))
  }
}

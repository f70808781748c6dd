package import Tensor
package import Trace

/// A change to a run, as a value: what is fed in, and what becomes of the edges of the attention at `<voco>`.
///
/// Cuts and swaps leave every key and value before the first voco as it is, so they reuse the cached context; input
/// edits prefill anew.
package struct Intervention: Sendable, Hashable {
  package var inputs: [InputEdit]
  package var cuts: [EdgeCut]
  package var swaps: [EdgeSwap]

  package init(inputs: [InputEdit] = [], cuts: [EdgeCut] = [], swaps: [EdgeSwap] = []) {
    self.inputs = inputs
    self.cuts = cuts
    self.swaps = swaps
  }

  package static let none = Intervention()

  /// Cuts voco → `keys` in all layers and heads, or in those given.
  package static func cut(
    keys: Set<Int>, layers: Set<Int>? = nil, heads: Set<Int>? = nil, vocos: Set<Int>? = nil, method: CutMethod = .mask
  ) -> Intervention {
    Intervention(cuts: [EdgeCut(keys: keys, layers: layers, heads: heads, vocos: vocos, method: method)])
  }

  /// Whether a cached context still holds.
  package var keepsContext: Bool { inputs.isEmpty }
}

/// Edges from voco rows to some keys.
package struct EdgeCut: Sendable, Hashable {
  /// Positions in the sequence.
  package var keys: Set<Int>
  /// Layers, from 0; nil is all.
  package var layers: Set<Int>?
  /// Query heads, from 0; nil is all.
  package var heads: Set<Int>?
  /// Voco tokens whose edges these are, from 0; nil is all.
  package var vocos: Set<Int>?
  package var method: CutMethod

  package init(
    keys: Set<Int>, layers: Set<Int>? = nil, heads: Set<Int>? = nil, vocos: Set<Int>? = nil, method: CutMethod = .mask
  ) {
    self.keys = keys
    self.layers = layers
    self.heads = heads
    self.vocos = vocos
    self.method = method
  }

  func applies(layer: Int, head: Int) -> Bool {
    (layers?.contains(layer) ?? true) && (heads?.contains(head) ?? true)
  }
}

/// What becomes of a cut edge.
package enum CutMethod: Sendable, Hashable {
  /// The key is hidden before the softmax: the other keys share its weight.
  case mask
  /// The weight stays, the value is zero.
  case zero
}

/// Edges from voco rows to keys before the first voco, with another run's rotated keys or values at the same positions:
/// an interchange (Geiger et al., arXiv 2106.02997). The softmax is taken anew.
package struct EdgeSwap: Sendable, Hashable {
  package enum Part: Sendable, Hashable {
    case keys, values, both
  }

  /// Positions in the sequence, each held by the donor.
  package let keys: Set<Int>
  /// The same, ascending.
  let order: [Int]
  package var part: Part
  package var donor: DonorContext
  /// Layers, from 0; nil is all.
  package var layers: Set<Int>?
  /// Query heads, from 0; nil is all.
  package var heads: Set<Int>?
  /// Voco tokens whose edges these are, from 0; nil is all.
  package var vocos: Set<Int>?

  package init(
    keys: Set<Int>, _ part: Part, from donor: DonorContext, layers: Set<Int>? = nil, heads: Set<Int>? = nil,
    vocos: Set<Int>? = nil
  ) {
    self.keys = keys
    order = keys.sorted()
    self.part = part
    self.donor = donor
    self.layers = layers
    self.heads = heads
    self.vocos = vocos
  }

  func applies(layer: Int, head: Int) -> Bool {
    (layers?.contains(layer) ?? true) && (heads?.contains(head) ?? true)
  }
}

/// A change to the decoder's input.
package enum InputEdit: Sendable, Hashable {
  /// These vectors `[A, D]` instead of the picture's anchors: another picture's, or a mean over pictures.
  case anchors(EditedRows)
  /// These vectors `[P, D]` instead of the picture's patches.
  case patches(EditedRows)
  /// Gaussian noise on the vectors of a kind, with a standard deviation of `scale` times theirs.
  case noise(kind: SegmentKind, scale: Float, seed: UInt64)
  /// Segments in another order, such as anchors behind patches; the mask's rules apply to the new order.
  case order([SegmentKind])
  /// What stands at two positions is exchanged: their vectors; positions, kinds and mask stay.
  case exchange(Int, Int)
}

/// Vectors that replace some of the input, `[n, D]`.
package struct EditedRows: Sendable, Hashable {
  package let rows: Tensor

  package init(_ rows: Tensor) { self.rows = rows }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(rows.shape)
    hasher.combine(rows.values)
  }
}

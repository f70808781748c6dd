package import Tensor
package import Trace

/// A change to a run, as a value: what is fed in, and which edges of the attention at `<voco>` are cut.
///
/// Cuts leave every key and value before the first voco as it is, so they reuse the cached context; input edits
/// prefill anew.
package struct Intervention: Sendable, Hashable {
  package var inputs: [InputEdit]
  package var cuts: [EdgeCut]

  package init(inputs: [InputEdit] = [], cuts: [EdgeCut] = []) {
    self.inputs = inputs
    self.cuts = cuts
  }

  package static let none = Intervention()

  /// Cuts voco → `keys` in all layers and heads, or in those given.
  package static func cut(
    keys: Set<Int>, layers: Set<Int>? = nil, heads: Set<Int>? = nil, method: CutMethod = .mask
  ) -> Intervention {
    Intervention(cuts: [EdgeCut(keys: keys, layers: layers, heads: heads, method: method)])
  }

  /// Whether a cached context still holds.
  package var keepsContext: Bool { inputs.isEmpty }
}

/// Edges from the voco rows to some keys.
package struct EdgeCut: Sendable, Hashable {
  /// Positions in the sequence.
  package var keys: Set<Int>
  /// Layers, from 0; nil is all.
  package var layers: Set<Int>?
  /// Query heads, from 0; nil is all.
  package var heads: Set<Int>?
  package var method: CutMethod

  package init(keys: Set<Int>, layers: Set<Int>? = nil, heads: Set<Int>? = nil, method: CutMethod = .mask) {
    self.keys = keys
    self.layers = layers
    self.heads = heads
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
  /// The weight stays, another value takes the value's place; `seed` is for what is drawn.
  case replace(Ablation, seed: UInt64 = 0)
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
  /// Two positions exchange their rotary positions; content, order and mask stay.
  case swapPositions(Int, Int)
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

import Statistics
import Tensor
import Trace

/// One head's values at the keys of a variant, and what an ablation puts in their place.
///
/// Replacements for a key come from its peers: the keys of its kind on the same side of the first voco.
struct VariantValues {
  let plan: VocoPlan
  /// `[variants · rows, headDim]`.
  let own: Tensor
  /// `[context, headDim]`.
  let context: Tensor
  var variant = 0
  /// Means over the context's keys of a kind, the same for all variants.
  private var means: [SegmentKind: [Float]] = [:]

  init(plan: VocoPlan, own: Tensor, context: Tensor) {
    self.plan = plan
    self.own = own
    self.context = context
  }

  subscript(key: Int) -> ArraySlice<Float> {
    let first = plan.layout.firstVoco
    let width = own.shape[1]
    if key < first { return context.values[key * width..<(key + 1) * width] }
    let row = variant * plan.rows + key - first
    return own.values[row * width..<(row + 1) * width]
  }

  /// What a cut puts in place of the value at `key`; nil is zero.
  mutating func replacement(_ key: Int, _ method: CutMethod) -> ArraySlice<Float>? {
    switch method {
    case .mask, .replace(.zero, _):
      return nil
    case .replace(.mean, _):
      let kind = plan.layout.kinds[key]
      if let mean = means[kind], key < plan.layout.firstVoco { return mean[...] }
      let mean = mean(peers(key))
      if key < plan.layout.firstVoco { means[kind] = mean }
      return mean[...]
    case .replace(.resample, let seed):
      // A key draws the same peer in every layer and head.
      var generator = SplitMix64(seed: seed &+ UInt64(key))
      return self[peers(key).filter { $0 != key }.randomElement(using: &generator) ?? key]
    }
  }

  private func peers(_ key: Int) -> [Int] {
    let first = plan.layout.firstVoco
    return (key < first ? 0..<first : first..<plan.keys).filter { plan.layout.kinds[$0] == plan.layout.kinds[key] }
  }

  private func mean(_ keys: [Int]) -> [Float] {
    var sum = [Double](repeating: 0, count: own.shape[1])
    for key in keys {
      for (offset, value) in self[key].enumerated() { sum[offset] += Double(value) }
    }
    return sum.map { Float($0 / Double(keys.count)) }
  }
}

package import Tensor

/// How one tensor differs from another of its shape.
package struct TensorChange: Sendable, Hashable, Codable {
  /// ‖b − a‖ / ‖a‖ in the Frobenius norm, over elements that are finite in both; nil where a is zero and b is not.
  package let relative: Double?
  /// max |b − a|.
  package let largest: Double
  /// Elements that differ.
  package let changed: Int
  /// Elements that are not finite in one of the two, or in both.
  package let nonFinite: Int

  /// Nothing differs, to the last bit of 32.
  package var isEqual: Bool { changed == 0 }

  /// Compares the elements as floats, whatever either is stored in. `check` is called once a block; what it throws ends
  /// the work.
  package init(_ a: StoredTensor, _ b: StoredTensor, check: () throws -> Void = {}) rethrows {
    precondition(a.shape == b.shape && a.dtype.isWeight && b.dtype.isWeight, "\(a.name) and \(b.name)")
    var (squares, base, largest) = (0.0, 0.0, 0.0)
    var (changed, nonFinite, start) = (0, 0, 0)
    try a.eachBlock { block in
      try check()
      let other = b.floats(start..<start + block.count)
      start += block.count
      for (x, y) in zip(block, other) {
        if x.bitPattern != y.bitPattern && x != y { changed += 1 }
        guard x.isFinite, y.isFinite else {
          nonFinite += 1
          continue
        }
        let difference = abs(Double(y) - Double(x))
        squares += difference * difference
        base += Double(x) * Double(x)
        largest = max(largest, difference)
      }
    }
    relative = base > 0 ? (squares / base).squareRoot() : squares > 0 ? nil : 0
    self.largest = largest
    self.changed = changed
    self.nonFinite = nonFinite
  }
}

/// Divides a rectangle into strips.
package struct Layout: Sendable, Hashable {
  package enum Axis: Sendable, Hashable { case horizontal, vertical }

  /// How long one strip is along the axis, in cells.
  package enum Constraint: Sendable, Hashable {
    case fixed(Int)
    /// A part of the whole, in 0…1, rounded down.
    case fraction(Double)
    /// A share of what the others leave, by weight, but at least `minimum`.
    case fill(weight: Double, minimum: Int)

    package static let fill = Constraint.fill(weight: 1, minimum: 0)
  }

  package var axis: Axis
  package var constraints: [Constraint]
  /// Empty cells between neighbours.
  package var gap: Int

  package init(_ axis: Axis, _ constraints: [Constraint], gap: Int = 0) {
    self.axis = axis
    self.constraints = constraints
    self.gap = gap
  }

  /// One rectangle a constraint, in order; when room runs out the last ones shrink to nothing.
  package func split(_ rect: Rect) -> [Rect] {
    guard !constraints.isEmpty else { return [] }
    let total = axis == .horizontal ? rect.width : rect.height
    let lengths = lengths(total: max(0, total - gap * (constraints.count - 1)))
    var position = axis == .horizontal ? rect.x : rect.y
    let end = position + total
    return lengths.map { wanted in
      let start = min(position, end)
      let length = min(wanted, end - start)
      position += wanted + gap
      return axis == .horizontal
        ? Rect(x: start, y: rect.y, width: length, height: rect.height)
        : Rect(x: rect.x, y: start, width: rect.width, height: length)
    }
  }

  private func lengths(total: Int) -> [Int] {
    var lengths = constraints.map { constraint in
      switch constraint {
      case .fixed(let length): max(0, length)
      case .fraction(let part): max(0, Int(Double(total) * part))
      case .fill(_, let minimum): max(0, minimum)
      }
    }
    var spare = total - lengths.reduce(0, +)
    var fills: [(index: Int, weight: Double)] = constraints.enumerated().compactMap { index, constraint in
      if case .fill(let weight, _) = constraint, weight > 0 { (index, weight) } else { nil }
    }
    // A fill whose minimum exceeds its share keeps the minimum; the rest share what is left, until that settles.
    spare += fills.reduce(0) { $0 + lengths[$1.index] }
    while let tight = fills.firstIndex(where: { fill in
      Double(lengths[fill.index]) > Double(max(0, spare)) * fill.weight / fills.reduce(0) { $0 + $1.weight }
    }) {
      spare -= lengths[fills[tight].index]
      fills.remove(at: tight)
    }
    share(max(0, spare), among: fills, into: &lengths)
    return lengths
  }

  /// Splits `spare` by weight so that the parts add up exactly: each ends at the rounded running sum.
  private func share(_ spare: Int, among fills: [(index: Int, weight: Double)], into lengths: inout [Int]) {
    let weight = fills.reduce(0) { $0 + $1.weight }
    var before = 0.0
    var used = 0
    for fill in fills {
      before += fill.weight
      let end = Int((Double(spare) * before / weight).rounded())
      lengths[fill.index] = end - used
      used = end
    }
  }
}

/// A size in character cells.
package struct Size: Sendable, Hashable {
  package var width: Int
  package var height: Int

  package init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

/// A position in character cells; the origin is the top left corner.
package struct Point: Sendable, Hashable {
  package var x: Int
  package var y: Int

  package init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }
}

/// A rectangle of character cells; never of negative size.
package struct Rect: Sendable, Hashable {
  package var x: Int
  package var y: Int
  package var width: Int
  package var height: Int

  package init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = max(0, width)
    self.height = max(0, height)
  }

  package init(_ size: Size) { self.init(x: 0, y: 0, width: size.width, height: size.height) }

  package var maxX: Int { x + width }
  package var maxY: Int { y + height }
  package var size: Size { Size(width: width, height: height) }
  package var isEmpty: Bool { width == 0 || height == 0 }

  package func contains(_ point: Point) -> Bool {
    point.x >= x && point.x < maxX && point.y >= y && point.y < maxY
  }

  /// The rectangle with `margin` cells removed on every side.
  package func inset(by margin: Int) -> Rect {
    Rect(x: x + margin, y: y + margin, width: width - 2 * margin, height: height - 2 * margin)
  }

  package func intersection(_ other: Rect) -> Rect {
    let left = max(x, other.x)
    let top = max(y, other.y)
    return Rect(x: left, y: top, width: min(maxX, other.maxX) - left, height: min(maxY, other.maxY) - top)
  }
}

extension Rect {
  /// The rectangle without its first `rows` rows.
  package func dropping(top rows: Int) -> Rect {
    Rect(x: x, y: y + min(rows, height), width: width, height: height - rows)
  }

  /// The rectangle without its last `rows` rows.
  package func dropping(bottom rows: Int) -> Rect { Rect(x: x, y: y, width: width, height: height - rows) }

  /// The last `rows` rows.
  package func bottom(_ rows: Int) -> Rect {
    let rows = max(0, min(rows, height))
    return Rect(x: x, y: maxY - rows, width: width, height: rows)
  }

  /// The rectangle without its first `columns` columns.
  package func dropping(left columns: Int) -> Rect {
    Rect(x: x + min(columns, width), y: y, width: width - columns, height: height)
  }

  /// The rectangle without its last `columns` columns.
  package func dropping(right columns: Int) -> Rect { Rect(x: x, y: y, width: width - columns, height: height) }

  /// The first `rows` rows.
  package func top(_ rows: Int) -> Rect { Rect(x: x, y: y, width: width, height: min(max(0, rows), height)) }

  /// The first `columns` columns.
  package func left(_ columns: Int) -> Rect { Rect(x: x, y: y, width: min(max(0, columns), width), height: height) }

  /// The last `columns` columns.
  package func right(_ columns: Int) -> Rect {
    let columns = max(0, min(columns, width))
    return Rect(x: maxX - columns, y: y, width: columns, height: height)
  }
}

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

  /// One rectangle per constraint, in order; when room runs out the last ones shrink to nothing.
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

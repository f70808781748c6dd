/// Two checkpoints tensor by tensor: what only one has, what is equal, and how much the rest changed.
package struct CheckpointDiff: Sendable, Hashable, Codable {
  package enum Status: String, Sendable, Hashable, Codable, CaseIterable {
    case equal, changed
    /// Of another shape, or of a type that holds no weights and other bytes.
    case incomparable
    case onlyFirst = "only in the first"
    case onlySecond = "only in the second"
  }

  package struct Row: Sendable, Hashable, Codable {
    package let name: String
    package let status: Status
    /// Of the first, else of the second.
    package let shape: [Int]
    /// Of the second, where it is another.
    package let otherShape: [Int]?
    /// Types in the first and the second.
    package let dtypes: [String]
    /// Of equal and changed weights.
    package let change: TensorChange?

    private enum CodingKeys: String, CodingKey {
      case name, status, shape, dtypes, change
      case otherShape = "other_shape"
    }

    package init(
      name: String, status: Status, shape: [Int], otherShape: [Int]? = nil, dtypes: [String],
      change: TensorChange? = nil
    ) {
      self.name = name
      self.status = status
      self.shape = shape
      self.otherShape = otherShape
      self.dtypes = dtypes
      self.change = change
    }
  }

  package let first: String
  package let second: String
  /// By name.
  package let rows: [Row]

  /// Whether every tensor is in both with the same values; a type may differ that holds them all.
  package var isEqual: Bool { rows.allSatisfy { $0.status == .equal } }

  package func count(_ status: Status) -> Int { rows.count { $0.status == status } }

  package init(first: String, second: String, rows: [Row]) {
    self.first = first
    self.second = second
    self.rows = rows
  }
}

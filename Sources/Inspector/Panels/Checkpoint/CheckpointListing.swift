/// The checkpoint as the Checkpoint panel lists it; the executable makes it from `CheckpointReport`.
package struct CheckpointListing: Sendable, Equatable {
  /// One tensor, expected or found.
  package struct Row: Sendable, Hashable {
    package let name: String
    /// Extents as found, or as expected when it is missing.
    package let shape: [Int]
    /// `F32`, `BF16`, …; empty when it is missing.
    package let dtype: String
    /// Bytes in the file; 0 when it is missing.
    package let byteCount: Int
    /// `ok`, `missing`, `unexpected`, …: the words of `vocoscope check`.
    package let status: String
    /// Whether the model cannot run because of it.
    package let isProblem: Bool

    package init(name: String, shape: [Int], dtype: String, byteCount: Int, status: String, isProblem: Bool) {
      self.name = name
      self.shape = shape
      self.dtype = dtype
      self.byteCount = byteCount
      self.status = status
      self.isProblem = isProblem
    }
  }

  /// A line of the configuration or of the summary.
  package struct Fact: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package let name: String
  package let facts: [Fact]
  package let rows: [Row]

  package init(name: String, facts: [Fact], rows: [Row]) {
    self.name = name
    self.facts = facts
    self.rows = rows
    parts = Self.parts(of: rows)
  }

  /// Tensors whose names begin alike: `model.layers` of `model.layers.0.self_attn.q_proj.weight`.
  package struct Part: Sendable, Equatable {
    package let name: String
    package let bytes: Int
    package let count: Int
  }

  /// The parts with bytes, the largest first.
  package let parts: [Part]

  private static func parts(of rows: [Row]) -> [Part] {
    var sums: [String: (bytes: Int, count: Int)] = [:]
    for row in rows {
      let words = row.name.split(separator: ".")
      let end = words.firstIndex { $0.allSatisfy(\.isNumber) } ?? max(1, words.count - 2)
      let name = words[..<min(end, 3)].joined(separator: ".")
      sums[name, default: (0, 0)].bytes += row.byteCount
      sums[name, default: (0, 0)].count += 1
    }
    return sums.filter { $0.value.bytes > 0 }.map { Part(name: $0.key, bytes: $0.value.bytes, count: $0.value.count) }
      .sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
  }

  package var byteCount: Int { rows.reduce(0) { $0 + $1.byteCount } }

  /// Rows that keep the model from running.
  package var problems: Int { rows.count { $0.isProblem } }
}

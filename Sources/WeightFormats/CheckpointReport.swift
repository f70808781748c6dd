package import Tensor

/// A tensor that a model needs, or knows what to do with.
package struct ExpectedTensor: Sendable, Hashable {
  package let name: String
  package let shape: [Int]
  /// Whether a run needs it; others, such as statistics of training, may be absent or of any type.
  package let required: Bool

  package init(name: String, shape: [Int], required: Bool = true) {
    self.name = name
    self.shape = shape
    self.required = required
  }
}

/// Every tensor that was expected or found, and whether the two agree; made from headers alone.
package struct CheckpointReport: Sendable, Hashable {
  package enum Status: String, Sendable, CaseIterable {
    case ok
    /// Required and not in the files.
    case missing
    /// In the files and of no use to the model.
    case unexpected
    case wrongShape
    /// Not F32, F16 or BF16.
    case wrongDType
    /// Not needed and not there.
    case optionalAbsent
    /// A buffer that checkpoints of these families carry and no computation reads.
    case ignored

    /// Whether a run can go ahead in spite of it.
    package var isHarmless: Bool {
      switch self {
      case .ok, .unexpected, .optionalAbsent, .ignored: true
      case .missing, .wrongShape, .wrongDType: false
      }
    }

    /// As people read it.
    package var words: String {
      switch self {
      case .ok, .missing, .unexpected, .ignored: rawValue
      case .wrongShape: "wrong shape"
      case .wrongDType: "wrong dtype"
      case .optionalAbsent: "optional"
      }
    }
  }

  package struct Row: Sendable, Hashable {
    package let name: String
    package let expectedShape: [Int]?
    package let foundShape: [Int]?
    package let dtype: DType?
    package let status: Status
  }

  /// Expected tensors in the model's order, then the others by name.
  package let rows: [Row]

  package init(expected: [ExpectedTensor], found: [String: StoredTensor]) {
    let known = Set(expected.map(\.name))
    let others = found.values.filter { !known.contains($0.name) }.sorted { $0.name < $1.name }
    rows =
      expected.map { Self.row(for: $0, found[$0.name]) }
      + others.map {
        Row(
          name: $0.name, expectedShape: nil, foundShape: $0.shape, dtype: $0.dtype,
          status: Self.isBuffer($0.name) ? .ignored : .unexpected)
      }
  }

  /// Whether every tensor a run needs is there and right.
  package var runnable: Bool { rows.allSatisfy(\.status.isHarmless) }

  /// `274 ok, 3 optional ones absent`; of a `noun` `274 tensors ok, 3 optional ones absent`.
  package func tally(of noun: String = "") -> String {
    let counts = self.counts
    var parts: [String] = []
    for status in Status.allCases {
      guard let count = counts[status] else { continue }
      let plural = count == 1 ? "" : "s"
      let words = status == .optionalAbsent ? "optional one\(plural) absent" : status.words
      parts.append("\(count) \(parts.isEmpty && !noun.isEmpty ? noun + plural + " " : "")\(words)")
    }
    return parts.joined(separator: ", ")
  }

  /// How many rows have each status.
  package var counts: [Status: Int] { rows.reduce(into: [:]) { $0[$1.status, default: 0] += 1 } }

  private static func row(for expected: ExpectedTensor, _ found: StoredTensor?) -> Row {
    Row(
      name: expected.name, expectedShape: expected.shape, foundShape: found?.shape, dtype: found?.dtype,
      status: status(of: expected, found))
  }

  private static func status(of expected: ExpectedTensor, _ found: StoredTensor?) -> Status {
    guard let found else { return expected.required ? .missing : .optionalAbsent }
    guard expected.required else { return .ok }
    guard found.shape == expected.shape else { return .wrongShape }
    return found.dtype.isWeight ? .ok : .wrongDType
  }

  /// `position_ids` of HF's CLIP, `inv_freq` of HF's Llama, `num_batches_tracked` of torch's batch norm.
  private static func isBuffer(_ name: String) -> Bool {
    ["position_ids", "rotary_emb.inv_freq", "num_batches_tracked"].contains { name == $0 || name.hasSuffix(".\($0)") }
  }
}

import CKernels

/// A dense, immutable, row-major array of 32-bit floats.
///
/// Weights in a file stay in their own format (`StoredTensor`); everything computed is a `Tensor`.
package struct Tensor: Sendable, Equatable {
  /// Extents, outermost first, as in `[heads, S]`.
  package let shape: [Int]
  /// The elements, row-major; `values.count` is the product of `shape`.
  package let values: [Float]

  @inlinable
  package init(shape: [Int], values: [Float]) {
    precondition(
      shape.reduce(1, *) == values.count, "shape \(shape) needs \(shape.reduce(1, *)) values, got \(values.count)")
    self.shape = shape
    self.values = values
  }

  /// A tensor whose elements `fill` writes; every element must be written.
  @inlinable
  package init(shape: [Int], filledBy fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let count = shape.reduce(1, *)
    self.shape = shape
    self.values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      fill(UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
      initialized = count
    }
  }

  @inlinable
  package static func zeros(_ shape: [Int]) -> Tensor {
    Tensor(shape: shape, values: [Float](repeating: 0, count: shape.reduce(1, *)))
  }

  @inlinable package var count: Int { values.count }
  @inlinable package var rank: Int { shape.count }

  /// The same elements under another shape of the same size.
  @inlinable
  package func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, values: values) }

  /// Row `index` along the first axis, with that axis dropped.
  @inlinable
  package subscript(row index: Int) -> Tensor {
    let size = count / shape[0]
    return Tensor(shape: Array(shape.dropFirst()), values: Array(values[index * size..<(index + 1) * size]))
  }

  /// Rows `range` along the first axis.
  @inlinable
  package subscript(rows range: Range<Int>) -> Tensor {
    let size = shape[0] == 0 ? 0 : count / shape[0]
    return Tensor(
      shape: [range.count] + shape.dropFirst(),
      values: Array(values[range.lowerBound * size..<range.upperBound * size]))
  }

  /// The element at `indices`, one per axis.
  @inlinable
  package subscript(indices: Int...) -> Float {
    precondition(indices.count == shape.count)
    var offset = 0
    for (index, extent) in zip(indices, shape) {
      precondition(index >= 0 && index < extent)
      offset = offset * extent + index
    }
    return values[offset]
  }

  /// `tensors` joined along the first axis; the other axes agree.
  package static func concatenate(_ tensors: [Tensor]) -> Tensor {
    precondition(!tensors.isEmpty && tensors.allSatisfy { $0.shape.dropFirst() == tensors[0].shape.dropFirst() })
    return Tensor(
      shape: [tensors.reduce(0) { $0 + $1.shape[0] }] + tensors[0].shape.dropFirst(),
      values: tensors.flatMap(\.values))
  }
}

/// The first value of a tensor that is an infinity or a NaN, and where it stands.
package struct NotFinite: Sendable, Equatable {
  /// NaN, infinity or -infinity.
  package let word: String
  /// One index an axis.
  package let index: [Int]

  init(value: Float, element: Int, shape: [Int]) {
    word = value.isNaN ? "NaN" : value > 0 ? "infinity" : "-infinity"
    index = Self.index(of: element, in: shape)
  }

  /// Where element `element`, counted in row-major order, stands.
  package static func index(of element: Int, in shape: [Int]) -> [Int] {
    var rest = element
    var index: [Int] = []
    for extent in shape.reversed() {
      index.append(rest % extent)
      rest /= extent
    }
    return index.reversed()
  }

  /// What is wrong with the tensor, after its name.
  package var problem: String { "is not finite: it holds \(word) at \(index)" }
}

extension Tensor {
  /// The first value that is no finite number; `nil` if there is none. A pass over the values, in parts side by side.
  package func firstNotFinite() -> NotFinite? {
    guard !isFinite else { return nil }
    return values.firstIndex { !$0.isFinite }.map { NotFinite(value: values[$0], element: $0, shape: shape) }
  }
}

extension StoredTensor {
  /// The first value that is no finite number; `nil` if there is none, and for types that are no weights.
  ///
  /// It reads the whole tensor, a part at a time, and leaves the file's pages as they are.
  package func firstNotFinite() -> NotFinite? {
    guard dtype.isWeight else { return nil }
    for start in stride(from: 0, to: count, by: Self.checkedAtOnce) {
      let part = floats(start..<min(start + Self.checkedAtOnce, count))
      let isFinite = part.withUnsafeBufferPointer { kernel_all_finite($0.baseAddress, $0.count) != 0 }
      if !isFinite, let found = part.firstIndex(where: { !$0.isFinite }) {
        return NotFinite(value: part[found], element: start + found, shape: shape)
      }
    }
    return nil
  }

  /// 4 MiB in 32 bits.
  private static let checkedAtOnce = 1 << 20
}

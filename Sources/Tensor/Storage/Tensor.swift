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

internal import CKernels

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

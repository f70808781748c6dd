internal import CKernels

/// A weight `[out, in]` as 8-bit integers with one scale an output: w ≈ s · q, q in −127…127.
///
/// The scale puts an output's largest magnitude at 127, so an entry is off by at most s / 2.
package struct QuantizedMatrix: Sendable {
  /// I8 `[out, in]`.
  package let integers: StoredTensor
  /// `[out]`, positive or zero.
  package let scales: Tensor

  package init(integers: StoredTensor, scales: Tensor) {
    precondition(integers.dtype == .i8 && integers.shape.count == 2, "\(integers.name) \(integers.dtype)")
    precondition(scales.shape == [integers.shape[0]], "scales \(scales.shape) of \(integers.name) \(integers.shape)")
    self.integers = integers
    self.scales = scales
  }

  /// The weight that the integers stand for, `[out, in]`.
  package func float32() -> Tensor {
    let (rows, columns) = (integers.shape[0], integers.shape[1])
    return Tensor(shape: [rows, columns]) { destination in
      scales.values.withUnsafeBufferPointer { scales in
        withIntegers { integers in
          guard let base = destination.baseAddress, let scales = scales.baseAddress else { return }
          kernel_f32_from_i8(integers, scales, rows, columns, base)
        }
      }
    }
  }

  /// Integers and scales of the rows `rows` of a matrix `[n, in]` as it lies in its file.
  package static func quantize(_ weight: StoredTensor, rows: Range<Int>) -> (integers: [Int8], scales: [Float]) {
    precondition(weight.shape.count == 2 && weight.dtype.isWeight && rows.upperBound <= weight.shape[0])
    let columns = weight.shape[1]
    let floats = [Float](unsafeUninitializedCapacity: rows.count * columns) { buffer, count in
      weight.convert(elements: rows.lowerBound * columns..<rows.upperBound * columns, to: buffer.baseAddress)
      count = rows.count * columns
    }
    var scales = [Float](repeating: 0, count: rows.count)
    let integers = [Int8](unsafeUninitializedCapacity: floats.count) { buffer, count in
      if let base = buffer.baseAddress { kernel_quantize_weights(floats, rows.count, columns, base, &scales) }
      count = floats.count
    }
    return (integers, scales)
  }

  func withIntegers<R>(_ body: (UnsafePointer<Int8>) -> R) -> R? {
    integers.withUnsafeBytes { $0.baseAddress.map { body($0.assumingMemoryBound(to: Int8.self)) } }
  }
}

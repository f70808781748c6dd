import CKernels
import COneDNN

/// A weight `[out, in]` as 8-bit integers with one scale per output: w ≈ s · q, q in −127…127.
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

/// Products of rows with a `QuantizedMatrix`.
///
/// Few rows meet the integers widened in registers, so only the weight is rounded; many rows are rounded too, each to its
/// own largest magnitude (as vLLM and LLM.int8() do without outliers), and multiplied as bytes.
extension QuantizedMatrix {
  /// `x` `[rows, in]` → `y` `[rows, out]`.
  func multiply(
    _ x: UnsafePointer<Float>, rows: Int, bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
  ) {
    scales.values.withUnsafeBufferPointer { scales in
      guard let scales = scales.baseAddress else { return }
      _ = withIntegers { integers in
        if rows <= KERNEL_MAX_VECTORS {
          multiplyVectors(integers, scales, x, count: rows, bias: bias, into: y)
        } else {
          multiplyBytes(integers, scales, x, rows: rows, bias: bias, into: y)
        }
      }
    }
  }

  private var inputs: Int { integers.shape[1] }
  private var outputs: Int { integers.shape[0] }

  private func multiplyVectors(
    _ integers: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>, _ x: UnsafePointer<Float>, count: Int,
    bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
  ) {
    inParallel(outputs, grain: max(1, (1 << 17) / inputs), pieces: 4) { part in
      let start = part.lowerBound
      kernel_matvec_i8(
        integers + start * inputs, scales + start, part.count, inputs, x, count, bias.map { $0 + start }, y + start,
        outputs)
    }
  }

  /// Whether our own kernel takes the weight: it reads rows in groups of 64, and 32 bits hold 2¹⁶ · 255 · 127.
  private var isPacked: Bool { kernel_has_byte_panels() != 0 && inputs % 64 == 0 && inputs <= 1 << 16 }

  /// Levels of a rounded row on each side of zero, which stands at one more. Where pairs of products add up in 16 bits, 63
  /// levels keep them exact: 2 · 127 · 127 < 2¹⁵.
  private var levels: Int32 { isPacked || Self.addsBytesExactly ? 127 : 63 }

  private static let addsBytesExactly = onednn_adds_bytes_exactly() != 0

  /// Columns of the result made at a time: their 32-bit sums stay in the cache until they are scaled.
  private static let block = 1024

  private func multiplyBytes(
    _ integers: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>, _ x: UnsafePointer<Float>, rows: Int,
    bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
  ) {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: rows * inputs)
    let rowScales = UnsafeMutablePointer<Float>.allocate(capacity: rows)
    defer {
      bytes.deallocate()
      rowScales.deallocate()
    }
    inParallel(rows, grain: max(1, (1 << 16) / inputs)) { part in
      kernel_quantize_rows(
        x + part.lowerBound * inputs, part.count, inputs, levels, bytes + part.lowerBound * inputs,
        rowScales + part.lowerBound)
    }
    if isPacked {
      PackedBytes(
        rows: rows, inputs: inputs, outputs: outputs, bytes: bytes, rowScales: rowScales, weights: integers,
        scales: scales, bias: bias
      ).multiply(zero: levels + 1, into: y)
    } else {
      multiplyByOneDNN(integers, scales, bytes, rowScales, rows: rows, bias: bias, into: y)
    }
  }

  private func multiplyByOneDNN(
    _ integers: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>, _ bytes: UnsafePointer<UInt8>,
    _ rowScales: UnsafePointer<Float>, rows: Int, bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>
  ) {
    inParallel(outputs, grain: 64, multipleOf: 64) { part in
      for start in stride(from: part.lowerBound, to: part.upperBound, by: Self.block) {
        let count = min(Self.block, part.upperBound - start)
        Scratch.with(rows * count) { scratch in
          scratch.withMemoryRebound(to: Int32.self, capacity: rows * count) { sums in
            let status = onednn_multiply_bytes(
              Int64(rows), Int64(count), Int64(inputs), bytes, UInt8(levels + 1), integers + start * inputs,
              sums)
            precondition(status == 0, "oneDNN multiplied no bytes: status \(status)")
            kernel_scale_sums(
              sums, rows, count, rowScales, scales + start, bias.map { $0 + start }, y + start, outputs)
          }
        }
      }
    }
  }
}

/// Products of bytes by our own kernel, four of them where `PackedProduct` has a float; sums wait where the result will stand.
private struct PackedBytes {
  let rows: Int
  let inputs: Int
  let outputs: Int
  let bytes: UnsafePointer<UInt8>
  let rowScales: UnsafePointer<Float>
  let weights: UnsafePointer<Int8>
  let scales: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?

  /// Groups of the sum at a time, and outputs at a time.
  private static let (depth, columns) = (PackedProduct.depth, PackedProduct.columns)
  private static let tileRows = PackedProduct.tileRows

  private var groups: Int { inputs / 4 }
  private var tileCount: Int { PackedProduct.tileCount(rows) }

  /// `y` `[rows, out]`, of bytes that count from `zero`.
  func multiply(zero: Int32, into y: UnsafeMutablePointer<Float>) {
    Scratch.with(tileCount * Self.tileRows * groups) { tiles in
      UnsafeRawPointer(bytes).withMemoryRebound(to: Float.self, capacity: rows * groups) {
        PackedProduct.packTiles($0, rows: rows, inputs: groups, into: tiles)
      }
      PackedProduct.inStrips(outputs, rows: rows, inputs: groups) { part in
        // Panels, and behind them what each output has too much.
        Scratch.with(Self.columns * Self.depth + Self.columns) { panels in
          for start in stride(from: part.lowerBound, to: part.upperBound, by: Self.columns) {
            let some = start..<min(start + Self.columns, part.upperBound)
            multiply(some, zero: zero, tiles: tiles, panels: panels, into: y)
          }
        }
      }
    }
  }

  private func multiply(
    _ some: Range<Int>, zero: Int32, tiles: UnsafePointer<Float>, panels: UnsafeMutablePointer<Float>,
    into y: UnsafeMutablePointer<Float>
  ) {
    let start = some.lowerBound
    let count = Self.columns * Self.depth + Self.columns
    panels.withMemoryRebound(to: Int32.self, capacity: count) { integers in
      let offsets = integers + Self.columns * Self.depth
      kernel_offsets(weights + start * inputs, some.count, inputs, zero, offsets)
      tiles.withMemoryRebound(to: Int32.self, capacity: tileCount * Self.tileRows * groups) { tiles in
        (y + start).withMemoryRebound(to: Int32.self, capacity: (rows - 1) * outputs + some.count) { sums in
          for first in stride(from: 0, to: groups, by: Self.depth) {
            let length = min(Self.depth, groups - first)
            kernel_pack_panels(
              weights + start * inputs + first * 4, kernel_weight_f32, some.count, length, groups, panels)
            let isLast = first + length == groups
            let base = UnsafePointer(first > 0 ? sums : offsets)
            kernel_multiply_bytes(
              tiles + first * tileCount * Self.tileRows, Self.tileRows * length, rows, integers,
              length * Int(KERNEL_PANEL_COLUMNS), some.count, length, base, first > 0 ? outputs : 0,
              isLast ? rowScales : nil, isLast ? scales + start : nil,
              isLast ? bias.map { $0 + start } : nil, sums, outputs)
          }
        }
      }
    }
  }
}

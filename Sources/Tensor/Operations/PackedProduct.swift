internal import CKernels

/// x · Wᵀ by our own kernel: W is widened and packed block by block as it is used, so that a 16-bit weight is read once and
/// never stored as a float outside the cache.
enum PackedProduct {
  /// Elements of the sum at a time, and outputs at a time: their panels, 512 KiB, stay in the second cache while all rows
  /// pass by.
  private static let (depth, columns) = (512, 256)

  /// Whether this processor and the weight's extents suit the kernel.
  static func takes(_ weight: StoredTensor) -> Bool {
    kernel_has_panels() != 0 && weight.shape[1] % 16 == 0 && type(weight) != nil
  }

  private static func type(_ weight: StoredTensor) -> kernel_weight_type? {
    switch weight.dtype {
    case .f16: kernel_weight_f16
    case .bf16: kernel_weight_bf16
    case .f32: kernel_weight_f32
    default: nil
    }
  }

  /// `x` `[rows, in]` → `y` `[rows, out]`, added to what is there with `adds`.
  static func multiply(
    _ x: UnsafePointer<Float>, rows: Int, _ weight: StoredTensor, adds: Bool, into y: UnsafeMutablePointer<Float>
  ) {
    guard let type = type(weight) else { preconditionFailure("\(weight.name) is \(weight.dtype)") }
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let tileRows = Int(KERNEL_TILE_ROWS)
    let tileCount = (rows + tileRows - 1) / tileRows
    Scratch.with(tileCount * tileRows * inputs) { tiles in
      inParallel(tileCount, grain: 4) { part in
        let first = part.lowerBound * tileRows
        let last = min(rows, part.upperBound * tileRows)
        for start in stride(from: 0, to: inputs, by: depth) {
          let length = min(depth, inputs - start)
          kernel_pack_tiles(
            x + first * inputs + start, last - first, length, inputs,
            tiles + start * tileCount * tileRows + first * length)
        }
      }
      weight.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        // A strip must be worth waking a thread for, some 20 µs of arithmetic.
        let grain = max(64, (1 << 20) / max(1, rows * inputs))
        inParallel(outputs, grain: grain, multipleOf: Int(KERNEL_PANEL_COLUMNS)) { part in
          Scratch.with(columns * depth) { panels in
            for start in stride(from: part.lowerBound, to: part.upperBound, by: columns) {
              let count = min(columns, part.upperBound - start)
              for first in stride(from: 0, to: inputs, by: depth) {
                let length = min(depth, inputs - first)
                kernel_pack_panels(
                  base + (start * inputs + first) * weight.dtype.size, type, count, length, inputs, panels)
                kernel_multiply_packed(
                  tiles + first * tileCount * tileRows, tileRows * length, rows, panels,
                  length * Int(KERNEL_PANEL_COLUMNS), count,
                  length, adds || first > 0 ? 1 : 0, y + start, outputs)
              }
            }
          }
        }
      }
    }
  }
}

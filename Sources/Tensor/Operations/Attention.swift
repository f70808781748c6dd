import CKernels
import Glibc

/// Attention of every row to every row, without a mask: softmax(scale · q kᵀ) v for each head.
///
/// `queries` is `[n, heads·d]`, `keys` and `values` `[m, heads·d]`, head h in columns h·d..<(h+1)·d; the result is
/// `[n, heads·d]`. Heads run side by side (Vaswani et al., arXiv 1706.03762).
package func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, scale: Float) -> Tensor {
  precondition(
    queries.rank == 2 && keys.rank == 2 && keys.shape == values.shape && queries.shape[1] == keys.shape[1]
      && heads > 0 && keys.shape[1] % heads == 0,
    "attention of \(queries.shape) to \(keys.shape) in \(heads) heads")
  let (rows, count, width) = (queries.shape[0], keys.shape[0], queries.shape[1])
  let size = width / heads
  guard count > 0, size > 0 else { return .zeros(queries.shape) }
  return Tensor(shape: queries.shape) { output in
    guard let output = output.baseAddress else { return }
    withPointers(queries, keys, values) { queries, keys, values in
      inParallel(heads, grain: 1, pieces: heads) { part in
        for start in part.map({ $0 * size }) {
          let head = AttentionHead(
            queries: queries.start + start, keys: keys.start + start, values: values.start + start, rows: rows,
            count: count, size: size, stride: width, scale: scale)
          head.compute(into: output + start)
        }
      }
    }
  }
}

/// One head's rows in memory that somebody else keeps alive, `stride` elements apart.
private struct AttentionHead {
  let queries: UnsafePointer<Float>
  let keys: UnsafePointer<Float>
  let values: UnsafePointer<Float>
  let rows: Int
  let count: Int
  let size: Int
  let stride: Int
  let scale: Float

  /// Rows whose scores are made at a time, a multiple of a tile's: they stay in the caches beside keys and values.
  private static let block = 2 * Int(KERNEL_TILE_ROWS)

  func compute(into output: UnsafeMutablePointer<Float>) {
    let isPacked = kernel_has_panels() != 0 && size % 16 == 0
    if isPacked { packed(into: output) } else { plain(into: output) }
  }

  /// Keys and values are packed once, then a few rows at a time go all the way.
  private func packed(into output: UnsafeMutablePointer<Float>) {
    let (tile, panel) = (Int(KERNEL_TILE_ROWS), Int(KERNEL_PANEL_COLUMNS))
    let keyPanels = (count + panel - 1) / panel * panel * size
    let valuePanels = (size + panel - 1) / panel * panel * count
    let (block, longest) = (Self.block, max(count, size))
    Scratch.with(keyPanels + valuePanels + block * (count + longest)) { scratch in
      let values = scratch + keyPanels
      let scores = values + valuePanels
      let tiles = scores + block * count
      kernel_pack_panels(keys, kernel_weight_f32, count, size, stride, scratch)
      kernel_pack_columns(self.values, count, size, stride, values)
      for first in Swift.stride(from: 0, to: rows, by: block) {
        let taken = min(block, rows - first)
        kernel_pack_tiles(queries + first * stride, taken, size, stride, tiles)
        kernel_scale(tiles, scale, tiles, (taken + tile - 1) / tile * tile * size)
        kernel_multiply_packed(tiles, tile * size, taken, scratch, panel * size, count, size, nil, 0, scores, count)
        kernel_softmax_rows(scores, scores, taken, count)
        kernel_pack_tiles(scores, taken, count, count, tiles)
        kernel_multiply_packed(
          tiles, tile * count, taken, values, panel * count, size, count, nil, 0, output + first * stride, stride)
      }
    }
  }

  /// The same by OpenBLAS, all scores at once.
  private func plain(into output: UnsafeMutablePointer<Float>) {
    Scratch.with(rows * count) { scores in
      sgemm(
        m: rows, n: count, k: size, alpha: scale, MatrixPointer(base: queries, stride: stride),
        MatrixPointer(base: keys, stride: stride), transposeB: true, beta: 0, into: scores, stride: count)
      kernel_softmax_rows(scores, scores, rows, count)
      sgemm(
        m: rows, n: size, k: count, alpha: 1, MatrixPointer(base: scores, stride: count),
        MatrixPointer(base: values, stride: stride), transposeB: false, beta: 0, into: output, stride: stride)
    }
  }
}

/// exp(x − max) / Σ over each row of `x` `[n, m]`, summed in double precision.
///
/// Keys masked with −∞ get exactly 0, and so does a row in which every key is masked.
package func softmaxRows(_ x: Tensor) -> Tensor {
  precondition(x.rank >= 1, "softmax of a scalar")
  let columns = x.shape[x.rank - 1]
  return Tensor(shape: x.shape) { y in
    guard let y = y.baseAddress else { return }
    withPointers(x) { x in
      inParallel(x.count / columns, grain: max(1, (1 << 14) / columns)) { part in
        let start = part.lowerBound * columns
        kernel_softmax_rows(x.start + start, y + start, part.count, columns)
      }
    }
  }
}

/// Rotary position embedding in HF's half-rotation layout: element i of a head pairs with element i + headDim/2.
///
/// The pair at position p turns by p·theta^(−2i/headDim) (Su et al., arXiv 2104.09864).
package struct RotaryEmbedding: Sendable {
  package let headDim: Int
  /// theta^(−2i/headDim) for i in 0..<headDim/2.
  private let frequencies: [Double]

  package init(headDim: Int, theta: Double) {
    precondition(headDim > 0 && headDim % 2 == 0, "rotary embedding of \(headDim) elements")
    self.headDim = headDim
    self.frequencies = (0..<headDim / 2).map { pow(theta, -2 * Double($0) / Double(headDim)) }
  }

  /// Turns every head of `x` `[n, heads·headDim]`; row r is at position `positions[r]`.
  ///
  /// Angles are computed in double precision: at position 2,000 a float's angle is off by 1e-4.
  package func apply(_ x: Tensor, heads: Int, positions: [Int]) -> Tensor {
    precondition(
      x.shape == [positions.count, heads * headDim], "\(x.shape) for \(positions.count)×\(heads)×\(headDim)")
    let angles = positions.flatMap { position in frequencies.map { Double(position) * $0 } }
    let (cosines, sines) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
    return Tensor(shape: x.shape) { y in
      withPointers(x) {
        kernel_rotate_halves($0.start, cosines, sines, y.baseAddress, positions.count, heads, headDim / 2)
      }
    }
  }
}

import CKernels

/// A linear layer y = x Wᵀ + b whose weight `[out, in]` stays in the format of its file.
///
/// 16-bit weights are widened block by block as a matrix product packs them, or in registers when there are few rows: a
/// 7B model in 13 GB of F16 never becomes 27 GB of floats. A weight may also be one of 8-bit integers
/// (`QuantizedMatrix`).
package struct Linear: Sendable {
  private let weight: Weight
  private let bias: Tensor?
  /// A and B of a weight W + B · A: y = x Wᵀ + (x Aᵀ) Bᵀ costs two thin products, and W stays as its file has it.
  private let update: LowRankUpdate?

  package let outputSize: Int
  package let inputSize: Int
  private let name: String

  private enum Weight: Sendable {
    case stored(StoredTensor)
    case quantized(QuantizedMatrix)
  }

  /// `weight` is F32, F16 or BF16 `[out, in]`, `bias` `[out]`.
  package init(weight: StoredTensor, bias: Tensor? = nil) {
    precondition(weight.shape.count == 2 && weight.dtype.isWeight, "\(weight.name) \(weight.dtype) \(weight.shape)")
    self.init(.stored(weight.update?.base ?? weight), weight, bias, update: weight.update?.update)
  }

  /// The same with a weight of 8-bit integers.
  package init(weight: QuantizedMatrix, bias: Tensor? = nil) {
    self.init(.quantized(weight), weight.integers, bias)
  }

  private init(_ weight: Weight, _ tensor: StoredTensor, _ bias: Tensor?, update: LowRankUpdate? = nil) {
    precondition(bias == nil || bias?.shape == [tensor.shape[0]], "bias \(bias?.shape ?? []) of \(tensor.name)")
    self.weight = weight
    self.bias = bias
    self.update = update
    self.outputSize = tensor.shape[0]
    self.inputSize = tensor.shape[1]
    self.name = tensor.name
  }

  /// The first weight, scale or bias that is no finite number, and the name of the weight; it reads all of them.
  package func firstNotFinite() -> (name: String, found: NotFinite)? {
    let own: NotFinite? =
      switch weight {
      case .stored(let tensor): tensor.firstNotFinite()
      case .quantized(let matrix): matrix.scales.firstNotFinite()
      }
    let found = own ?? bias?.firstNotFinite() ?? update?.a.firstNotFinite() ?? update?.b.firstNotFinite()
    return found.map { (name, $0) }
  }

  /// The whole weight `[out, in]` in 32 bits.
  package func float32() -> Tensor {
    switch weight {
    case .stored(let tensor): (update.map { StoredTensor(base: tensor, update: $0) } ?? tensor).float32()
    case .quantized(let matrix): matrix.float32()
    }
  }

  /// `[n, in]` → `[n, out]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    precondition(x.rank == 2 && x.shape[1] == inputSize, "\(name) [\(outputSize), \(inputSize)] applied to \(x.shape)")
    let rows = x.shape[0]
    guard inputSize > 0, outputSize > 0, rows > 0 else { return .zeros([rows, outputSize]) }
    let y = product(x, rows: rows)
    guard let update else { return y }
    return y + matmul(matmul(x, update.a, transposeB: true), update.b, transposeB: true)
  }

  private func product(_ x: Tensor, rows: Int) -> Tensor {
    Tensor(shape: [rows, outputSize]) { y in
      x.values.withUnsafeBufferPointer { x in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        switch weight {
        case .quantized(let matrix): withBias { matrix.multiply(x, rows: rows, bias: $0, into: y) }
        case .stored(let weight) where rows <= KERNEL_MAX_VECTORS: multiplyVectors(weight, x, count: rows, into: y)
        case .stored(let weight): multiplyMatrix(weight, x, rows: rows, into: y)
        }
      }
    }
  }

  /// The weight row by row: every product takes the time of reading the weights once.
  private func multiplyVectors(
    _ weight: StoredTensor, _ x: UnsafePointer<Float>, count: Int, into y: UnsafeMutablePointer<Float>
  ) {
    weight.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      let kernel =
        switch weight.dtype {
        case .f16: kernel_matvec_f16
        case .bf16: kernel_matvec_bf16
        default: kernel_matvec_f32
        }
      withBias { bias in
        inParallel(outputSize, grain: max(1, (1 << 17) / inputSize), pieces: 4) { part in
          kernel(
            base + part.lowerBound * inputSize * weight.dtype.size, part.count, inputSize, x, count,
            bias.map { $0 + part.lowerBound }, y + part.lowerBound, outputSize)
        }
      }
    }
  }

  private func multiplyMatrix(
    _ weight: StoredTensor, _ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>
  ) {
    if PackedProduct.takes(weight) {
      withBias { PackedProduct.multiply(x, rows: rows, weight, bias: $0, into: y) }
      return
    }
    withBias { bias in
      if let bias { kernel_fill_rows(bias, y, rows, outputSize) }
    }
    let beta: Float = bias == nil ? 0 : 1
    let input = MatrixPointer(base: x, stride: inputSize)
    let isFloat = weight.withUnsafeBytes { bytes -> Bool in
      guard weight.dtype == .f32, let base = bytes.baseAddress, Int(bitPattern: base) % 4 == 0 else { return false }
      gemm(
        m: rows, n: outputSize, k: inputSize, input,
        MatrixPointer(base: base.assumingMemoryBound(to: Float.self), stride: inputSize), transposeB: true, beta: beta,
        into: y, stride: outputSize)
      return true
    }
    guard !isFloat else { return }
    let block = min(outputSize, max(1, Scratch.floats / inputSize))
    Scratch.with(block * inputSize) { scratch in
      for start in stride(from: 0, to: outputSize, by: block) {
        let count = min(block, outputSize - start)
        inParallel(count, grain: max(1, (1 << 15) / inputSize)) { part in
          let first = (start + part.lowerBound) * inputSize
          weight.convert(
            elements: first..<first + part.count * inputSize, to: scratch + part.lowerBound * inputSize)
        }
        gemm(
          m: rows, n: count, k: inputSize, input, MatrixPointer(base: scratch, stride: inputSize), transposeB: true,
          beta: beta, into: y + start, stride: outputSize)
      }
    }
  }

  private func withBias(_ body: (UnsafePointer<Float>?) -> Void) {
    guard let bias else { return body(nil) }
    bias.values.withUnsafeBufferPointer { body($0.baseAddress) }
  }
}

/// x · Wᵀ by our own kernel: W is widened and packed block by block as it is used, so that a 16-bit weight is read once and
/// never stored as a float outside the cache.
enum PackedProduct {
  /// Elements of the sum at a time, and outputs at a time: their panels, 512 KiB or 1 MiB, stay in the second cache while all
  /// rows pass by. Wider vectors make more of a tile before the sums are written and read again.
  static let depth = kernel_widest_vectors() == kernel_vectors_avx512 ? 1024 : 512
  static let columns = 256

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

  /// `x` `[rows, in]` → `y` `[rows, out]`, with `bias` `[out]` in every row.
  static func multiply(
    _ x: UnsafePointer<Float>, rows: Int, _ weight: StoredTensor, bias: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>
  ) {
    guard let type = type(weight) else { preconditionFailure("\(weight.name) is \(weight.dtype)") }
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let tileCount = tileCount(rows)
    Scratch.with(tileCount * tileRows * inputs) { tiles in
      packTiles(x, rows: rows, inputs: inputs, into: tiles)
      weight.withUnsafeBytes { bytes in
        guard let weights = bytes.baseAddress else { return }
        inStrips(outputs, rows: rows, inputs: inputs) { part in
          Scratch.with(columns * depth) { panels in
            for start in stride(from: part.lowerBound, to: part.upperBound, by: columns) {
              let count = min(columns, part.upperBound - start)
              for first in stride(from: 0, to: inputs, by: depth) {
                let length = min(depth, inputs - first)
                kernel_pack_panels(
                  weights + (start * inputs + first) * weight.dtype.size, type, count, length, inputs, panels)
                let base = first > 0 ? UnsafePointer(y + start) : bias.map { $0 + start }
                kernel_multiply_packed(
                  tiles + first * tileCount * tileRows, tileRows * length, rows, panels,
                  length * Int(KERNEL_PANEL_COLUMNS), count, length, base, first > 0 ? outputs : 0, y + start, outputs)
              }
            }
          }
        }
      }
    }
  }

  static let tileRows = Int(KERNEL_TILE_ROWS)

  static func tileCount(_ rows: Int) -> Int { (rows + tileRows - 1) / tileRows }

  /// `x` `[rows, inputs]` as tiles, one block of the sum after the other.
  static func packTiles(_ x: UnsafePointer<Float>, rows: Int, inputs: Int, into tiles: UnsafeMutablePointer<Float>) {
    let tileCount = tileCount(rows)
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
  }

  /// Runs `body` on strips of the outputs, whole panels but for the last.
  static func inStrips(_ outputs: Int, rows: Int, inputs: Int, _ body: (Range<Int>) -> Void) {
    // A strip must be worth waking a thread for, some 20 µs of arithmetic.
    let grain = max(64, (1 << 20) / max(1, rows * inputs))
    inParallel(outputs, grain: grain, multipleOf: Int(KERNEL_PANEL_COLUMNS), pieces: 4, body)
  }
}

import CKernels
import EmulatedKernels
import Statistics
import Testing

/// The packed products and the filtering in tiles, as this processor runs them and as one with AVX-512 does.
private struct PackedKernels: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let packTiles: @Sendable (UnsafePointer<Float>, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let packPanels: @Sendable (UnsafeRawPointer, kernel_weight_type, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let packColumns: @Sendable (UnsafePointer<Float>, Int, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let multiply:
    @Sendable (
      UnsafePointer<Float>, Int, Int, UnsafePointer<Float>, Int, Int, Int, UnsafePointer<Float>?, Int,
      UnsafeMutablePointer<Float>, Int
    ) -> Void
  let filterWeights: @Sendable (UnsafePointer<Float>, Int, Int, UnsafeMutablePointer<Float>) -> Void
  let filterInput: @Sendable (UnsafePointer<Float>, Int, Int, Int, Int, Int, UnsafeMutablePointer<Float>, Int) -> Void
  let filterOutput:
    @Sendable (
      UnsafePointer<Float>, Int, Int, Int, Int, Int, Int, Int, UnsafePointer<Float>?, UnsafeMutablePointer<Float>
    ) -> Void

  static let native = PackedKernels(
    testDescription: "this processor's", packTiles: kernel_pack_tiles, packPanels: kernel_pack_panels,
    packColumns: kernel_pack_columns, multiply: kernel_multiply_packed, filterWeights: kernel_winograd_weights,
    filterInput: kernel_winograd_input, filterOutput: kernel_winograd_output)
  static let emulated = PackedKernels(
    testDescription: "AVX-512, emulated", packTiles: emulated_pack_tiles, packPanels: emulated_pack_panels,
    packColumns: emulated_pack_columns, multiply: emulated_multiply_packed, filterWeights: emulated_winograd_weights,
    filterInput: emulated_winograd_input, filterOutput: emulated_winograd_output)
}

/// An array with room behind it that nothing may be written to.
private struct Guarded {
  private(set) var values: [Float]
  private let count: Int

  init(_ count: Int) {
    self.count = count
    values = Array(repeating: .nan, count: count + 64)
  }

  var isIntact: Bool { values[count...].allSatisfy(\.isNaN) }

  mutating func fill(_ body: (UnsafeMutablePointer<Float>) -> Void) {
    values.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }
}

private func up(_ count: Int, to multiple: Int) -> Int { (count + multiple - 1) / multiple * multiple }

@Suite("Packed kernels", .enabled(if: kernel_has_panels() != 0)) struct EmulatedKernelTests {
  /// What a product adds to: nothing, one row for all, a matrix, or what stands there already.
  enum Base: CaseIterable { case none, row, matrix, inPlace }

  @Test(
    "Packed products are the sums of products for ragged shapes, every kind of weight and every base, and write nothing else",
    arguments: [PackedKernels.native, .emulated])
  fileprivate func products(_ kernels: PackedKernels) {
    var random = SplitMix64(seed: 1)
    for rows in [1, 4, 5, 8, 9, 12, 13, 25] {
      for columns in [1, 16, 17, 32, 33, 49, 70] {
        for depth in [16, 37, 256, 272, 528] {
          let kind = [kernel_weight_f16, kernel_weight_bf16, kernel_weight_f32].randomElement(using: &random)!
          let base = Base.allCases.randomElement(using: &random)!
          let error = product(
            kernels, rows, columns, depth, kind, base, asColumns: depth % 16 != 0 || Bool.random(using: &random),
            &random)
          #expect(error < 2e-5, "\(rows)×\(depth) by \(depth)×\(columns), \(base)")
        }
      }
    }
  }

  /// The largest error in units of the root of the depth; infinity where something outside of the result was written.
  private func product(
    _ kernels: PackedKernels, _ rows: Int, _ columns: Int, _ depth: Int, _ kind: kernel_weight_type, _ base: Base,
    asColumns: Bool, _ random: inout SplitMix64
  ) -> Float {
    func drawn(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &random) } }
    // Values that both 16-bit formats hold: seven bits of the fraction.
    let weights = drawn(columns * depth).map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
      .map { abs($0) < 1e-4 ? 0 : $0 }
    let a = drawn(rows * depth)
    var (tiles, panels) = (Guarded(up(rows, to: 12) * depth), Guarded(up(columns, to: 32) * depth))
    tiles.fill { kernels.packTiles(a, rows, depth, depth, $0) }
    if asColumns {
      let transposed = (0..<depth * columns).map { weights[$0 % columns * depth + $0 / columns] }
      panels.fill { kernels.packColumns(transposed, depth, columns, columns, $0) }
    } else {
      // At an odd address, as in a file.
      let bytes: [UInt8] = [0] + weights.flatMap { stored($0, kind) }
      bytes.withUnsafeBytes { raw in
        panels.fill { kernels.packPanels(raw.baseAddress! + 1, kind, columns, depth, depth, $0) }
      }
    }
    let stride = columns + 3
    let added = drawn(rows * stride)
    var result = Guarded(rows * stride)
    result.fill { c in
      if base == .inPlace {
        for row in 0..<rows { for column in 0..<columns { c[row * stride + column] = added[row * stride + column] } }
      }
      added.withUnsafeBufferPointer { matrix in
        let from = base == .none ? nil : base == .inPlace ? UnsafePointer(c) : matrix.baseAddress
        kernels.multiply(
          tiles.values, 12 * depth, rows, panels.values, 32 * depth, columns, depth, from, base == .row ? 0 : stride, c,
          stride)
      }
    }
    guard tiles.isIntact, panels.isIntact, result.isIntact else { return .infinity }
    var worst: Double = 0
    for row in 0..<rows {
      guard (columns..<stride).allSatisfy({ result.values[row * stride + $0].isNaN }) else { return .infinity }
      for column in 0..<columns {
        let first = base == .none ? 0 : Double(added[(base == .row ? 0 : row * stride) + column])
        let sum = (0..<depth).reduce(first) { $0 + Double(a[row * depth + $1]) * Double(weights[column * depth + $1]) }
        worst = max(worst, abs(sum - Double(result.values[row * stride + column])))
      }
    }
    return Float(worst / Double(depth).squareRoot())
  }

  private func stored(_ value: Float, _ kind: kernel_weight_type) -> [UInt8] {
    switch kind {
    case kernel_weight_f16: withUnsafeBytes(of: halfBits(of: value)) { Array($0) }
    case kernel_weight_bf16: withUnsafeBytes(of: UInt16(value.bitPattern >> 16)) { Array($0) }
    default: withUnsafeBytes(of: value) { Array($0) }
    }
  }

  /// Half precision of a value with seven bits of the fraction, within its range of normal numbers.
  private func halfBits(of value: Float) -> UInt16 {
    guard value != 0 else { return 0 }
    let (sign, exponent) = (UInt16(value.bitPattern >> 31) << 15, UInt16(Int(value.exponent) + 15) << 10)
    return sign | exponent | UInt16(value.bitPattern >> 13 & 0x3FF)
  }

  @Test(
    "Products of bytes are the sums of integers, then scaled, for ragged shapes, in one part or two, and write nothing else",
    arguments: kernel_has_byte_panels() != 0 ? [true, false] : [true])
  func bytes(areEmulated: Bool) {
    var random = SplitMix64(seed: 3)
    for (rows, columns, depth) in [
      (1, 1, 64), (4, 17, 64), (5, 31, 128), (8, 32, 128), (9, 33, 128), (12, 16, 192), (25, 70, 320),
    ] {
      let bytes = (0..<rows * depth).map { _ in UInt8.random(in: 0...255, using: &random) }
      let weights = (0..<columns * depth).map { _ in Int8.random(in: -128...127, using: &random) }
      let found = byteProduct(bytes, weights, rows: rows, columns: columns, depth: depth, areEmulated: areEmulated)
      let expected = (0..<rows * columns).map { place in
        let (row, column) = (place / columns, place % columns)
        let sum = (0..<depth).reduce(0) {
          $0 + (Int(bytes[row * depth + $1]) - 128) * Int(weights[column * depth + $1])
        }
        // Powers of two scale without rounding, and sums this small are floats.
        let bias = rows == 5 ? 0 : Float(column)
        return Float(sum) * (row % 2 == 0 ? 0.5 : 2) * (column % 3 == 0 ? 0.25 : 1) + bias
      }
      #expect(found == expected, "\(rows)×\(depth) by \(depth)×\(columns)")
    }
  }

  /// The product in two parts of the sum where there are two groups of 64, without a bias for five rows; nil where something
  /// outside was written.
  private func byteProduct(
    _ bytes: [UInt8], _ weights: [Int8], rows: Int, columns: Int, depth: Int, areEmulated: Bool
  ) -> [Float]? {
    let groups = depth / 4
    let rowScales = (0..<rows).map { Float($0 % 2 == 0 ? 0.5 : 2) }
    let columnScales = (0..<columns).map { Float($0 % 3 == 0 ? 0.25 : 1) }
    let bias = (0..<columns).map(Float.init)
    var offsets = [Int32](repeating: 0, count: columns)
    (areEmulated ? emulated_offsets : kernel_offsets)(weights, columns, depth, 128, &offsets)
    let kernels = areEmulated ? PackedKernels.emulated : .native
    let multiply = areEmulated ? emulated_multiply_bytes : kernel_multiply_bytes
    let stride = columns + 3
    var result = Guarded(rows * stride)
    for part in groups > 16 ? [0..<groups / 32 * 16, groups / 32 * 16..<groups] : [0..<groups] {
      var (tiles, panels) = (Guarded(up(rows, to: 12) * part.count), Guarded(up(columns, to: 32) * part.count))
      bytes.withUnsafeBytes { raw in
        let floats = raw.bindMemory(to: Float.self)
        tiles.fill { kernels.packTiles(floats.baseAddress! + part.lowerBound, rows, part.count, groups, $0) }
      }
      weights.withUnsafeBytes { raw in
        panels.fill {
          kernels.packPanels(
            raw.baseAddress! + part.lowerBound * 4, kernel_weight_f32, columns, part.count, groups, $0)
        }
      }
      guard tiles.isIntact, panels.isIntact else { return nil }
      let isLast = part.upperBound == groups
      tiles.values.withUnsafeBytes { tiles in
        panels.values.withUnsafeBytes { panels in
          result.fill { y in
            y.withMemoryRebound(to: Int32.self, capacity: rows * stride) { sums in
              offsets.withUnsafeBufferPointer { offsets in
                multiply(
                  tiles.bindMemory(to: Int32.self).baseAddress!, 12 * part.count, rows,
                  panels.bindMemory(to: Int32.self).baseAddress!, 32 * part.count, columns, part.count,
                  part.lowerBound > 0 ? UnsafePointer(sums) : offsets.baseAddress!, part.lowerBound > 0 ? stride : 0,
                  isLast ? rowScales : nil, isLast ? columnScales : nil, isLast && rows != 5 ? bias : nil, sums, stride)
              }
            }
          }
        }
      }
    }
    let lines = (0..<rows).map { result.values[$0 * stride..<($0 + 1) * stride] }
    guard result.isIntact, lines.allSatisfy({ $0.suffix(3).allSatisfy(\.isNaN) }) else { return nil }
    return lines.flatMap { $0.prefix(columns) }
  }

  @Test(
    "Filtering in tiles is the 3×3 convolution, for pictures of any size and tiles in any parts",
    arguments: [PackedKernels.native, .emulated],
    [
      (16, 16, 5, 5, 1), (16, 13, 21, 21, 7), (32, 24, 21, 21, 36), (16, 17, 33, 130, 50), (16, 5, 1, 1, 1),
      (16, 5, 3, 90, 9),
    ])
  fileprivate func filtering(
    _ kernels: PackedKernels, _ shape: (inputs: Int, outputs: Int, height: Int, width: Int, part: Int)
  ) {
    var random = SplitMix64(seed: 2)
    let (inputs, outputs, height, width, part) = shape
    let x = (0..<inputs * height * width).map { _ in Float.random(in: -1...1, using: &random) }
    let weights = (0..<outputs * inputs * 9).map { _ in Float.random(in: -1...1, using: &random) }
    let bias = (0..<outputs).map { _ in Float.random(in: -1...1, using: &random) }
    let (set, tiles) = (up(outputs, to: 12) * inputs, up(height, to: 4) / 4 * up(width, to: 4) / 4)
    var transformed = Guarded(36 * set)
    transformed.fill { kernels.filterWeights(weights, outputs, inputs, $0) }
    var result = Guarded(outputs * height * width)
    for first in stride(from: 0, to: tiles, by: part) {
      let count = min(part, tiles - first)
      let columns = up(count, to: 32)
      var (panels, sums) = (Guarded(36 * columns * inputs), Guarded(36 * outputs * columns))
      panels.fill { kernels.filterInput(x, inputs, height, width, first, count, $0, columns * inputs) }
      sums.fill { sums in
        transformed.values.withUnsafeBufferPointer { weights in
          panels.values.withUnsafeBufferPointer { panels in
            for element in 0..<36 {
              kernels.multiply(
                weights.baseAddress! + element * set, 12 * inputs, outputs,
                panels.baseAddress! + element * columns * inputs, 32 * inputs, count, inputs, nil, 0,
                sums + element * outputs * columns, columns)
            }
          }
        }
      }
      result.fill {
        kernels.filterOutput(
          sums.values, outputs * columns, columns, outputs, height, width, first, count, bias, $0)
      }
      #expect(panels.isIntact && sums.isIntact)
    }
    #expect(transformed.isIntact && result.isIntact)
    var worst: Double = 0
    for output in 0..<outputs {
      for (place, found) in result.values[output * height * width..<(output + 1) * height * width].enumerated() {
        let (row, column) = (place / width, place % width)
        var sum = Double(bias[output])
        for input in 0..<inputs {
          for (tap, dy, dx) in (0..<9).map({ ($0, $0 / 3 - 1, $0 % 3 - 1) })
          where 0..<height ~= row + dy && 0..<width ~= column + dx {
            sum +=
              Double(weights[(output * inputs + input) * 9 + tap])
              * Double(x[(input * height + row + dy) * width + column + dx])
          }
        }
        worst = max(worst, abs(sum - Double(found)))
      }
    }
    #expect(worst < 1e-4 * Double(9 * inputs).squareRoot())
  }
}

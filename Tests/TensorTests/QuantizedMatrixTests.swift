import CKernels
import COneDNN
import Tensor
import Testing

@Suite("8-bit weights")
struct QuantizedMatrixTests {
  /// Smooth values of both signs, row r scaled by r + 1.
  private static func matrix(_ rows: Int, _ columns: Int, phase: Double) -> Tensor {
    Tensor(
      shape: [rows, columns],
      values: (0..<rows * columns).map { index in
        let wave = (Double(index) * 0.7391 + phase).truncatingRemainder(dividingBy: 2) - 1
        return Float(wave * Double(index / columns + 1))
      })
  }

  private static func quantized(_ weight: Tensor) -> QuantizedMatrix {
    let rows = weight.shape[0]
    let (integers, scales) = QuantizedMatrix.quantize(StoredTensor(name: "w", tensor: weight), rows: 0..<rows)
    return QuantizedMatrix(
      integers: StoredTensor(name: "w", shape: weight.shape, bytes: integers),
      scales: Tensor(shape: [rows], values: scales))
  }

  @Test("A weight comes back within half a step of its output's scale, its largest entry exactly")
  func roundTrip() {
    let weight = Self.matrix(5, 37, phase: 0)
    let matrix = Self.quantized(weight)
    let back = matrix.float32()
    for row in 0..<5 {
      let scale = matrix.scales.values[row]
      let cells = row * 37..<(row + 1) * 37
      let largest = cells.max { abs(weight.values[$0]) < abs(weight.values[$1]) } ?? 0
      #expect(abs(back.values[largest] - weight.values[largest]) <= abs(weight.values[largest]) * 1e-6)
      #expect(cells.allSatisfy { abs(back.values[$0] - weight.values[$0]) <= scale * 0.5001 })
    }
  }

  @Test("Bytes at their largest add up to what they are, whatever oneDNN was told to use")
  func saturation() {
    let (a, b) = (onednn_adds_bytes_exactly() != 0 ? UInt8(255) : 127, Int8(127))
    var sums = Array(repeating: Int32(0), count: 8 * 8)
    let status = onednn_multiply_bytes(
      8, 8, 64, Array(repeating: a, count: 8 * 64), 0, Array(repeating: b, count: 8 * 64), &sums)
    #expect(status == 0 && sums.allSatisfy { $0 == 64 * Int32(a) * Int32(b) })
  }

  @Test("Rows that are almost nothing become zeros")
  func smallest() {
    let tiny = Tensor(shape: [1, 4], values: [1e-37, -1e-37, 5e-38, 0])
    #expect(Self.quantized(tiny).float32().values.allSatisfy { abs($0) < 1e-36 })
    #expect(Linear(weight: Self.quantized(Self.matrix(8, 4, phase: 0)))(tiny).values.allSatisfy { abs($0) < 1e-35 })
  }

  @Test("An output of zeros stays zeros")
  func zeros() {
    let matrix = Self.quantized(.zeros([2, 8]))
    #expect(matrix.scales.values == [0, 0])
    #expect(Linear(weight: matrix)(Self.matrix(6, 8, phase: 0.3)).values.allSatisfy { $0 == 0 })
  }

  @Test("A product of few rows agrees with that of the rounded weight to rounding", arguments: [1, 3, 4], [300, 2112])
  func fewRows(rows: Int, inputs: Int) {
    let outputs = 1103
    let matrix = Self.quantized(Self.matrix(outputs, inputs, phase: 0.1))
    let bias = Self.matrix(1, outputs, phase: 0.9).reshaped([outputs])
    let x = Self.matrix(rows, inputs, phase: 0.5)
    let found = Linear(weight: matrix, bias: bias)(x)
    let expected = Linear(weight: StoredTensor(name: "w", tensor: matrix.float32()), bias: bias)(x)
    for (place, (a, b)) in zip(found.values, expected.values).enumerated() {
      let largest = matrix.scales.values[place % outputs] * 127 * Float(place / outputs + 1)
      #expect(abs(a - b) <= 1e-5 * largest * Float(inputs).squareRoot(), "output \(place % outputs)")
    }
  }

  @Test(
    "A product of more rows is the sum of integers of rows rounded to their own largest, scaled, with the bias",
    arguments: [5, 9, 70], [300, 2112])
  func rows(rows: Int, inputs: Int) {
    let outputs = 1103
    let matrix = Self.quantized(Self.matrix(outputs, inputs, phase: 0.1))
    let bias = Self.matrix(1, outputs, phase: 0.9).reshaped([outputs])
    let x = Self.matrix(rows, inputs, phase: 0.5)
    let isPacked = kernel_has_byte_panels() != 0 && inputs % 64 == 0
    let levels: Int32 = isPacked || onednn_adds_bytes_exactly() != 0 ? 127 : 63
    var bytes = [UInt8](repeating: 0, count: rows * inputs)
    var scales = [Float](repeating: 0, count: rows)
    kernel_quantize_rows(x.values, rows, inputs, levels, &bytes, &scales)
    let weights = matrix.integers.withUnsafeBytes { Array($0.bindMemory(to: Int8.self)) }
    let products = [(Linear(weight: matrix, bias: bias)(x), bias), (Linear(weight: matrix)(x), .zeros([outputs]))]
    for (found, bias) in products {
      for row in 0..<rows {
        for output in 0..<outputs {
          var sum = 0
          for input in 0..<inputs {
            sum += (Int(bytes[row * inputs + input]) - Int(levels) - 1) * Int(weights[output * inputs + input])
          }
          let expected = Float(sum) * (scales[row] * matrix.scales.values[output]) + bias.values[output]
          let close = 1e-6 * (abs(expected) + abs(bias.values[output]))
          #expect(abs(found.values[row * outputs + output] - expected) <= close, "row \(row), output \(output)")
        }
      }
    }
  }
}

import Files
import Foundation
import Tensor
import Testing

/// Calls `body` with a mapping of a file that holds `bytes`.
func withMappedFile<R>(_ bytes: [UInt8], _ body: (MappedFile) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
  try FileContents.write(bytes, to: path)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(MappedFile(path: path))
}

func littleEndian<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
  values.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
}

@Suite("Tensors in files") struct StoredTensorTests {
  /// IEEE 754-2008, 3.4: sign, five bits of exponent with bias 15, ten of fraction.
  static func half(_ bits: UInt16) -> Float {
    let fraction = Double(bits & 0x3FF) / 1024
    let exponent = Int(bits >> 10 & 31)
    let magnitude: Double =
      switch exponent {
      case 0: scalbn(fraction, -14)
      case 31: fraction == 0 ? .infinity : .nan
      default: scalbn(1 + fraction, exponent - 15)
      }
    return Float(bits >> 15 == 1 ? -magnitude : magnitude)
  }

  @Test("All 65,536 patterns of F16 and of BF16 convert exactly, at even and odd addresses", arguments: [0, 1])
  func conversions(offset: Int) throws {
    let patterns = [UInt16](0...UInt16.max)
    try withMappedFile([UInt8](repeating: 7, count: offset) + littleEndian(patterns)) { file in
      let cases: [(DType, (UInt16) -> Float)] = [
        (.f16, Self.half), (.bf16, { (bits: UInt16) -> Float in Float(bitPattern: UInt32(bits) << UInt32(16)) }),
      ]
      for (dtype, reference) in cases {
        let stored = StoredTensor(name: "w", dtype: dtype, shape: [256, 256], file: file, byteOffset: offset)
        let values = stored.float32().values
        let wrong = patterns.indices.filter { i in
          let expected = reference(patterns[i])
          return expected.isNaN ? !values[i].isNaN : values[i].bitPattern != expected.bitPattern
        }
        #expect(wrong.isEmpty, "\(dtype): \(wrong.prefix(3)) and \(wrong.count) in all")
      }
    }
  }

  @Test("Rows of an embedding come alone and in the order asked for")
  func rows() throws {
    let values: [Float] = (0..<12).map(Float.init)
    try withMappedFile([0] + littleEndian(values.map(\.bitPattern))) { file in
      let stored = StoredTensor(name: "e", dtype: .f32, shape: [4, 3], file: file, byteOffset: 1)
      #expect(stored.rows([3, 0, 3]).values == [9, 10, 11, 0, 1, 2, 9, 10, 11])
      #expect(stored.rows([]).shape == [0, 3])
      #expect(stored.float32().values == values)
    }
  }

  @Test("Integers of I32 and U8 read as they are")
  func integers() throws {
    try withMappedFile([200, 1] + littleEndian([Int32.min, -1, 5])) { file in
      #expect(
        StoredTensor(name: "i", dtype: .i32, shape: [3], file: file, byteOffset: 2).int32() == [Int32.min, -1, 5])
      #expect(StoredTensor(name: "u", dtype: .u8, shape: [2], file: file, byteOffset: 0).int32() == [200, 1])
    }
  }

  @Test(
    "A linear layer on stored weights equals one on their floats, for few rows and many",
    arguments: [DType.f32, .f16, .bf16], [1, 2, 3, 4, 5, 40])
  func linear(dtype: DType, rows: Int) throws { try checkLinear(dtype, rows: rows, outputs: 77, inputs: 53) }

  @Test("A linear layer whose weights fill more than one block of the scratch buffer is whole")
  func blocks() throws { try checkLinear(.f16, rows: 5, outputs: 2100, inputs: 600) }

  @Test(
    "Packed products are whole where rows, outputs and inputs end within a tile, a panel and a block",
    arguments: [DType.f32, .f16, .bf16], [5, 12, 25, 60])
  func packed(dtype: DType, rows: Int) throws {
    for (outputs, inputs) in [(16, 16), (33, 48), (47, 528), (300, 1040), (577, 64)] {
      try checkLinear(dtype, rows: rows, outputs: outputs, inputs: inputs)
    }
  }

  /// Compares a layer on weights that lie at an odd address with a product by the converted weights.
  private func checkLinear(_ dtype: DType, rows: Int, outputs: Int, inputs: Int) throws {
    let row = (0..<inputs).map { index -> UInt16 in
      let magnitude = UInt16(0x3000 + index * 79 % 0x0A00)
      return index % 2 == 0 ? magnitude : magnitude | 0x8000
    }
    let bytes = dtype == .f32 ? littleEndian(row.map { Self.half($0).bitPattern }) : littleEndian(row)
    // Every row differs from the one before by a turn, or a wrong row would go unnoticed.
    let matrix = (0..<outputs).flatMap { index -> [UInt8] in
      let turn = index * 3 % inputs * dtype.size
      return Array(bytes[turn...] + bytes[..<turn])
    }
    try withMappedFile([9] + matrix) { file in
      let stored = StoredTensor(name: "w", dtype: dtype, shape: [outputs, inputs], file: file, byteOffset: 1)
      let x = ramp([rows, inputs])
      let bias = ramp([outputs])
      let y = Linear(weight: stored, bias: bias)(x)
      let product = matmul(x, stored.float32(), transposeB: true).values
      let expected = product.indices.map { product[$0] + bias.values[$0 % outputs] }
      let largest = expected.reduce(0) { max($0, abs($1)) }
      #expect(y.shape == [rows, outputs])
      #expect(largestDifference(y, expected) <= 1e-5 * largest)
    }
  }

  @Test("Released pages leave the resident set and read as before")
  func release() throws {
    let count = 64 << 20
    func resident() throws -> Int {
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("RssFile:") }
      return 1024 * (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0)
    }
    try withMappedFile((0..<count).map { UInt8(truncatingIfNeeded: $0 / 4096) }) { file in
      func sum() -> Int { stride(from: 0, to: count, by: 4096).reduce(0) { $0 + Int(file.bytes[$1]) } }
      let before = sum()
      let held = try resident()
      file.releasePages()
      #expect(try resident() < held - count / 2)
      #expect(sum() == before && before > 0)
    }
  }

  @Test("A new file replaces the old one whole, and an empty file maps")
  func files() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileContents.write([1, 2, 3], to: path)
    try FileContents.write([], to: path)
    #expect(try MappedFile(path: path).byteCount == 0)
    #expect(throws: FileError(path: "/tmp", reason: .directory)) { try MappedFile(path: "/tmp") }
    #expect(throws: FileError(path: "/dev/null", reason: .notRegular)) { try MappedFile(path: "/dev/null") }
    #expect(throws: FileError.self) { try FileContents.write([1], to: "/none/file") }
  }
}

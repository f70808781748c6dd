import CKernels
package import Files

/// A tensor as it lies in its file: nothing is read or converted before it is used.
package struct StoredTensor: Sendable {
  package let name: String
  package let dtype: DType
  /// Extents, outermost first.
  package let shape: [Int]
  package let byteCount: Int
  private let storage: Storage

  /// The most axes that a tensor in a file may have.
  package static let mostAxes = 16

  private indirect enum Storage: Sendable {
    case file(MappedFile, offset: Int)
    case floats(Tensor)
    case integers([Int32])
    case bytes([Int8])
    /// W + B · A, made as it is read.
    case updated(StoredTensor, LowRankUpdate)
    case raw([UInt8])
  }

  /// The elements at `byteOffset` of `file`, which the parser has found to lie within it.
  package init(name: String, dtype: DType, shape: [Int], file: MappedFile, byteOffset: Int) {
    guard let byteCount = dtype.byteCount(of: shape.reduce(1, *)) else { preconditionFailure("\(name) of half bytes") }
    precondition(
      byteOffset >= 0 && byteCount >= 0 && byteOffset <= file.byteCount - byteCount, "\(name) leaves its file")
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteCount = byteCount
    self.storage = .file(file, offset: byteOffset)
  }

  /// A float32 tensor in memory, for models made in code.
  package init(name: String, tensor: Tensor) {
    self.name = name
    self.dtype = .f32
    self.shape = tensor.shape
    self.byteCount = tensor.count * 4
    self.storage = .floats(tensor)
  }

  /// An int32 tensor in memory.
  package init(name: String, shape: [Int], integers: [Int32]) {
    precondition(shape.reduce(1, *) == integers.count)
    self.name = name
    self.dtype = .i32
    self.shape = shape
    self.byteCount = integers.count * 4
    self.storage = .integers(integers)
  }

  /// An int8 tensor in memory.
  package init(name: String, shape: [Int], bytes: [Int8]) {
    precondition(shape.reduce(1, *) == bytes.count)
    self.name = name
    self.dtype = .i8
    self.shape = shape
    self.byteCount = bytes.count
    self.storage = .bytes(bytes)
  }

  /// `base` `[out, in]` with a low-rank update: F32, whatever the base is stored in.
  package init(base: StoredTensor, update: LowRankUpdate) {
    precondition(
      base.dtype.isWeight && base.shape == [update.b.shape[0], update.a.shape[1]], "\(base.name) \(base.shape)")
    name = base.name
    dtype = .f32
    shape = base.shape
    byteCount = base.count * 4
    storage = .updated(base, update)
  }

  private init(_ other: StoredTensor, named name: String) {
    self.name = name
    (dtype, shape, byteCount, storage) = (other.dtype, other.shape, other.byteCount, other.storage)
  }

  /// The same elements under another name.
  package func named(_ name: String) -> StoredTensor { StoredTensor(self, named: name) }

  /// What a low-rank update was put on, and the update; nil for other tensors.
  var update: (base: StoredTensor, update: LowRankUpdate)? {
    guard case .updated(let base, let update) = storage else { return nil }
    return (base, update)
  }

  /// A tensor in memory, its elements little-endian.
  package init(name: String, dtype: DType, shape: [Int], raw: [UInt8]) {
    precondition(dtype.byteCount(of: shape.reduce(1, *)) == raw.count)
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteCount = raw.count
    self.storage = .raw(raw)
  }

  package var count: Int { shape.reduce(1, *) }

  /// The mapped file that holds the tensor; nil in memory.
  package var file: MappedFile? {
    switch storage {
    case .file(let file, _): file
    case .updated(let base, _): base.file
    default: nil
    }
  }

  /// Where in `file` the tensor starts; 0 in memory.
  package var byteOffset: Int {
    guard case .file(_, let offset) = storage else { return 0 }
    return offset
  }

  /// The elements' bytes, little-endian.
  package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    switch storage {
    case .file(let file, let offset):
      try withExtendedLifetime(file) {
        try body(UnsafeRawBufferPointer(start: file.base + offset, count: byteCount))
      }
    case .floats(let tensor): try tensor.values.withUnsafeBytes(body)
    case .integers(let values): try values.withUnsafeBytes(body)
    case .bytes(let values): try values.withUnsafeBytes(body)
    case .updated: try float32().values.withUnsafeBytes(body)
    case .raw(let values): try values.withUnsafeBytes(body)
    }
  }

  /// The elements as 32-bit floats; exact for F32, F16 and BF16, which are the only types it takes.
  package func float32() -> Tensor {
    if case .floats(let tensor) = storage { return tensor }
    return Tensor(shape: shape) { convert(elements: 0..<count, to: $0.baseAddress) }
  }

  /// Rows `indices` of a matrix `[n, D]` as floats `[indices.count, D]`: an embedding look-up that reads only them.
  package func rows(_ indices: [Int]) -> Tensor {
    precondition(shape.count == 2, "\(name) \(shape) is not a matrix")
    let width = shape[1]
    return Tensor(shape: [indices.count, width]) { destination in
      for (row, index) in indices.enumerated() {
        precondition(index >= 0 && index < shape[0], "row \(index) of \(name) \(shape)")
        convert(
          elements: index * width..<(index + 1) * width, to: destination.baseAddress.map { $0 + row * width })
      }
    }
  }

  /// The elements of an I32, U8 or BOOL tensor.
  package func int32() -> [Int32] {
    withUnsafeBytes { bytes in
      switch dtype {
      case .i32: (0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
      case .u8, .bool: bytes.map(Int32.init)
      default: preconditionFailure("\(name) is \(dtype.rawValue), not an integer tensor")
      }
    }
  }

  /// The elements `range`, counted in row-major order, as floats.
  package func floats(_ range: Range<Int>) -> [Float] {
    [Float](unsafeUninitializedCapacity: range.count) { buffer, count in
      convert(elements: range, to: buffer.baseAddress)
      count = range.count
    }
  }

  /// Writes the elements `range`, counted in row-major order, to `destination` as floats.
  func convert(elements range: Range<Int>, to destination: UnsafeMutablePointer<Float>?) {
    guard let destination, !range.isEmpty else { return }
    if let (base, update) = update {
      base.convert(elements: range, to: destination)
      update.add(elements: range, to: destination)
      return
    }
    withUnsafeBytes { bytes in
      let slice = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound * dtype.size..<range.upperBound * dtype.size])
      switch dtype {
      case .f32: UnsafeMutableRawBufferPointer(start: destination, count: slice.count).copyMemory(from: slice)
      case .f16: kernel_f32_from_f16(slice.baseAddress, destination, range.count)
      case .bf16: kernel_f32_from_bf16(slice.baseAddress, destination, range.count)
      default: preconditionFailure("\(name) is \(dtype.rawValue), not a float tensor")
      }
    }
  }
}

extension StoredTensor {
  /// Where a tensor called `name` stands in a dictionary of tensors: under its name, of which bytes that are not ASCII are
  /// escaped, since Swift's dictionaries take names for equal that differ only in the Unicode form of a letter, and files
  /// do not. The names that a model looks for are ASCII; two names never have one key.
  package static func key(_ name: String) -> String {
    guard name.utf8.contains(where: { $0 >= 0x80 }) || name.hasPrefix("%%") else { return name }
    let escaped = name.utf8.map { byte in
      byte < 0x80 && byte != UInt8(ascii: "%")
        ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16, uppercase: true)
    }
    return "%%" + escaped.joined()
  }
}

/// What LoRA adds to a matrix `[out, in]`: B · A (Hu et al., arXiv 2106.09685).
package struct LowRankUpdate: Sendable {
  /// `[rank, in]`.
  package let a: Tensor
  /// `[out, rank]`, the scale α/r in it.
  package let b: Tensor

  package init(a: Tensor, b: Tensor) {
    precondition(a.rank == 2 && b.rank == 2 && a.shape[0] == b.shape[1], "\(b.shape) times \(a.shape)")
    self.a = a
    self.b = b
  }

  /// Adds the elements `range` of B · A, counted in row-major order, to `destination`.
  func add(elements range: Range<Int>, to destination: UnsafeMutablePointer<Float>) {
    let (rank, width) = (a.shape[0], a.shape[1])
    a.values.withUnsafeBufferPointer { a in
      b.values.withUnsafeBufferPointer { b in
        for row in range.lowerBound / width...(range.upperBound - 1) / width {
          let columns = max(range.lowerBound - row * width, 0)..<min(range.upperBound - row * width, width)
          for inner in 0..<rank {
            let factor = b[row * rank + inner]
            for column in columns {
              destination[row * width + column - range.lowerBound] += factor * a[inner * width + column]
            }
          }
        }
      }
    }
  }
}

/// The element types of a safetensors file; the raw values are the format's names, and for the one that PyTorch has beside
/// them a name of the same kind.
package enum DType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case u8 = "U8"
  case i8 = "I8"
  case f8e5m2 = "F8_E5M2"
  case f8e4m3 = "F8_E4M3"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case i64 = "I64"
  case u64 = "U64"
  case f64 = "F64"
  case f4 = "F4"
  case f6e2m3 = "F6_E2M3"
  case f6e3m2 = "F6_E3M2"
  case f8e8m0 = "F8_E8M0"
  case f8e4m3fnuz = "F8_E4M3FNUZ"
  case f8e5m2fnuz = "F8_E5M2FNUZ"
  case c64 = "C64"
  case c128 = "C128"

  /// Bits of one element.
  package var bits: Int {
    switch self {
    case .f4: 4
    case .f6e2m3, .f6e3m2: 6
    case .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .i64, .u64, .f64, .c64: 64
    case .c128: 128
    }
  }

  /// Bytes of one element; of the types of less than a byte, which are only listed, the next whole number.
  package var size: Int { (bits + 7) / 8 }

  /// Bytes of `count` elements; nil when that overflows, or is no whole number.
  package func byteCount(of count: Int) -> Int? {
    let (product, overflow) = count.multipliedReportingOverflow(by: bits)
    return overflow || product % 8 != 0 ? nil : product / 8
  }

  /// Whether a weight may have this type: the types that convert to `Float` without loss.
  package var isWeight: Bool { self == .f32 || self == .f16 || self == .bf16 }
}

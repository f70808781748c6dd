internal import Tensor
internal import WeightFormats

/// A file's tensors, handed out only in the type and shape that was asked for.
struct CheckedTensors {
  let file: SafetensorsFile

  var path: String { file.path }

  func has(_ name: TraceTensorName) -> Bool { file.tensors[name.rawValue] != nil }

  func hasAny(_ names: [TraceTensorName]) -> Bool { names.contains(where: has) }

  func fault(_ name: TraceTensorName, _ problem: String) -> CheckpointError {
    .tensor(path: path, name: name.rawValue, problem: problem)
  }

  /// An F32 tensor of `shape`, where nil is any extent above zero, all of whose values are finite.
  func floats(_ name: TraceTensorName, _ shape: [Int?]) throws(CheckpointError) -> Tensor {
    let tensor = try stored(name, .f32, shape).float32()
    if let value = tensor.firstNotFinite() { throw fault(name, value.problem) }
    return tensor
  }

  /// An I32 tensor; an extent may be zero.
  func integers(_ name: TraceTensorName, _ shape: [Int?]) throws(CheckpointError) -> [Int32] {
    try stored(name, .i32, shape, mayBeEmpty: true).int32()
  }

  /// A U8 tensor.
  func bytes(_ name: TraceTensorName, _ shape: [Int?]) throws(CheckpointError) -> [UInt8] {
    try stored(name, .u8, shape, mayBeEmpty: true).withUnsafeBytes { Array($0) }
  }

  func check(_ name: TraceTensorName, _ values: [Int32], lieIn range: Range<Int32>) throws(CheckpointError) {
    if let value = values.first(where: { !range.contains($0) }) {
      throw fault(name, "holds \(value), which is not in \(range.lowerBound)…\(range.upperBound - 1)")
    }
  }

  /// Whether every value is a share of one, within rounding.
  func check(_ name: TraceTensorName, isShareOf tensor: Tensor) throws(CheckpointError) {
    if let value = tensor.values.first(where: { $0 < 0 || $0 > 1.001 }) {
      throw fault(name, "holds \(value), which is no share of attention")
    }
  }

  /// Whether each row along the last axis is attention's: shares of one, which sum to one.
  func check(_ name: TraceTensorName, isAttention tensor: Tensor) throws(CheckpointError) {
    try check(name, isShareOf: tensor)
    let width = tensor.shape[tensor.rank - 1]
    for row in 0..<(width == 0 ? 0 : tensor.count / width) {
      let sum = tensor.values[row * width..<(row + 1) * width].reduce(0.0) { $0 + Double($1) }
      if abs(sum - 1) > 0.001 {
        let index = NotFinite.index(of: row, in: Array(tensor.shape.dropLast()))
        throw fault(name, "holds a row \(index) that sums to \(sum), and attention's rows sum to 1")
      }
    }
  }

  private func stored(
    _ name: TraceTensorName, _ dtype: DType, _ shape: [Int?], mayBeEmpty: Bool = false
  ) throws(CheckpointError) -> StoredTensor {
    let wanted = "\(dtype.rawValue) [\(shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))]"
    guard let tensor = file.tensors[name.rawValue] else { throw fault(name, "is missing; expected \(wanted)") }
    let agrees =
      tensor.dtype == dtype && tensor.shape.count == shape.count
      && zip(tensor.shape, shape).allSatisfy { found, wanted in
        wanted.map { $0 == found } ?? (found > 0 || mayBeEmpty)
      }
    guard agrees else { throw fault(name, "is \(tensor.dtype.rawValue) \(tensor.shape); expected \(wanted)") }
    return tensor
  }
}

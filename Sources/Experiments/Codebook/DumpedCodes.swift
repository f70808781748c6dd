package import Safetensors
import Tensor
package import Trace
import WeightFormats

/// Codes that another program chose, as arrays of any shape: one axis is that of the codebooks where there are several, the
/// last one or two of the others are places, and all before them pictures.
package struct DumpedCodes: Sendable {
  /// One per picture.
  package let grids: [CodeGrid]

  /// Reads an `.npy`, `.npz` or `.safetensors` file of codes for `groups` codebooks.
  ///
  /// - Parameter axis: that of the codebooks; without it, the only one of extent `groups`.
  /// - Throws: `CheckpointError` naming the file and the array, and why it is not taken.
  package init(path: String, groups: Int, axis: Int? = nil) throws(CheckpointError) {
    var grids: [CodeGrid] = []
    for array in try Self.arrays(path) { grids += try Self.grids(array, path: path, groups: groups, axis: axis) }
    guard !grids.isEmpty else { throw .malformed(path: path, problem: "holds no array of whole numbers") }
    self.grids = grids
  }

  private static func arrays(_ path: String) throws(CheckpointError) -> [NumPyFile.Array] {
    guard path.hasSuffix(".safetensors") else { return try NumPyFile(path: path).arrays }
    let tensors = try SafetensorsFile(path: path).tensors.values.sorted { $0.name < $1.name }
    return tensors.compactMap { tensor in
      guard let values = integers(tensor) else { return nil }
      return NumPyFile.Array(name: tensor.name, shape: tensor.shape, values: values)
    }
  }

  private static func integers(_ tensor: StoredTensor) -> [Int64]? {
    tensor.withUnsafeBytes { bytes in
      let places = 0..<tensor.count
      return switch tensor.dtype {
      case .u8: bytes.map(Int64.init)
      case .i8: bytes.map { Int64(Int8(bitPattern: $0)) }
      case .i16: places.map { Int64(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)) }
      case .u16: places.map { Int64(bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)) }
      case .i32: places.map { Int64(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
      case .u32: places.map { Int64(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
      case .i64, .u64: places.map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self) }
      default: nil
      }
    }
  }

  private static func grids(
    _ array: NumPyFile.Array, path: String, groups: Int, axis: Int?
  ) throws(CheckpointError) -> [CodeGrid] {
    let shape = array.shape
    func fault(_ problem: String) -> CheckpointError { .tensor(path: path, name: array.name, problem: problem) }
    guard !array.values.isEmpty else { return [] }
    if let wrong = array.values.first(where: { !(0..<Int64(Int32.max) ~= $0) }) {
      throw fault("holds \(wrong), which is no index of a code")
    }
    let own = try place(of: groups, in: shape, axis: axis, fault)
    let rest = shape.indices.filter { $0 != own }
    let places = rest.suffix(rest.count > 2 ? 2 : 1)
    let pictures = rest.dropLast(places.count).reduce(1) { $0 * shape[$1] }
    let cells = places.reduce(1) { $0 * shape[$1] }
    let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    // Where the elements of a list of axes lie, in row-major order.
    func offsets(_ axes: some Sequence<Int>) -> [Int] {
      axes.reduce([0]) { offsets, axis in
        offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
      }
    }
    let (pictureOffsets, cellOffsets) = (offsets(rest.dropLast(places.count)), offsets(places))
    let groupOffsets = own.map { offsets([$0]) } ?? [0]
    precondition(pictureOffsets.count == pictures && cellOffsets.count == cells)
    let width = places.last.map { shape[$0] } ?? 1
    return pictureOffsets.map { picture in
      let indices = groupOffsets.flatMap { group in cellOffsets.map { Int32(array.values[picture + group + $0]) } }
      return CodeGrid(groups: groups, height: cells / max(1, width), width: width, indices: indices)
    }
  }

  /// The axis of the codebooks; nil for a single one without an axis of its own.
  private static func place(
    of groups: Int, in shape: [Int], axis: Int?, _ fault: (String) -> CheckpointError
  ) throws(CheckpointError) -> Int? {
    if let axis {
      guard shape.indices.contains(axis), shape[axis] == groups else {
        throw fault("is \(shape), whose axis \(axis) is not that of \(groups) codebooks")
      }
      return axis
    }
    if groups == 1 { return nil }
    let fitting = shape.indices.filter { shape[$0] == groups }
    guard fitting.count == 1 else {
      throw fault(
        "is \(shape), of which \(fitting.isEmpty ? "no axis is" : "several axes could be") that of \(groups) codebooks"
          + (fitting.isEmpty ? "" : "; --codes-axis N says which"))
    }
    return fitting[0]
  }
}

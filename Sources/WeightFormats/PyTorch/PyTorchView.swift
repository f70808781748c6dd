import Files
import Safetensors
internal import Tensor

/// A tensor of a PyTorch file on its way to being a `StoredTensor`.
struct PyTorchView {
  let name: String
  let view: PickleTensor
  /// The archive's folder.
  let folder: String

  /// The tensor where it lies, or a copy where its elements do not follow one another.
  ///
  /// - Parameter budget: bytes that copies may still take.
  func stored(
    _ archive: ZipArchive, _ file: MappedFile, budget: inout Int
  ) throws(CheckpointError) -> StoredTensor {
    let dtype = view.dtype
    guard let entry = archive.entries["\(folder)/data/\(view.storage.key)"] else {
      throw fault(file, "should be in the entry data/\(printableName(view.storage.key)), which the archive lacks")
    }
    // The count of a storage without a type is one of bytes.
    let (bytes, overflow) = view.storage.count.multipliedReportingOverflow(by: view.storage.dtype?.size ?? 1)
    guard !overflow, bytes <= entry.range.count else {
      throw fault(
        file,
        "is of a storage of \(view.storage.count) \(view.storage.dtype?.rawValue ?? "byte") elements, but its entry has "
          + "\(entry.range.count) bytes")
    }
    let available = bytes / dtype.size
    guard let count = elements, let end = reach, end <= available else {
      throw fault(file, "\(view.shape) with steps \(view.strides) leaves its storage of \(available) elements")
    }
    let start = entry.range.lowerBound + view.offset * dtype.size
    if isContiguous, start % dtype.size == 0 || count == 0 {
      return StoredTensor(name: name, dtype: dtype, shape: view.shape, file: file, byteOffset: count == 0 ? 0 : start)
    }
    let (copy, tooLarge) = count.multipliedReportingOverflow(by: dtype.size)
    guard !tooLarge, copy <= budget else {
      throw fault(
        file,
        "\(dtype.rawValue) \(view.shape) with steps \(view.strides) is to be copied, and the copies of this file's views "
          + "would take more than \(PyTorchFile.mostCopies) times its size")
    }
    budget -= copy
    let storage = UnsafeRawBufferPointer(rebasing: file.bytes[entry.range])
    return StoredTensor(
      name: name, dtype: dtype, shape: view.shape, raw: gathered(storage, count: count, size: dtype.size))
  }

  private func fault(_ file: MappedFile, _ problem: String) -> CheckpointError {
    .tensor(path: file.path, name: name, problem: problem)
  }

  /// How many elements the view has; nil when that overflows, also where a zero extent hides it.
  private var elements: Int? {
    var count = 1
    for extent in view.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow, product <= Int.max / 8 else { return nil }
      count = product
    }
    return view.shape.contains(0) ? 0 : count
  }

  /// One past the last element of the storage that the view reaches; nil when that overflows.
  private var reach: Int? {
    if view.shape.contains(0) { return view.offset }
    var last = view.offset
    for (extent, step) in zip(view.shape, view.strides) {
      let (distance, tooFar) = (extent - 1).multipliedReportingOverflow(by: step)
      let (sum, tooLarge) = last.addingReportingOverflow(distance)
      guard !tooFar, !tooLarge, sum < Int.max else { return nil }
      last = sum
    }
    return last + 1
  }

  /// Whether the elements follow one another in row-major order.
  private var isContiguous: Bool {
    var step = 1
    for (extent, found) in zip(view.shape, view.strides).reversed() where extent != 1 {
      guard found == step else { return extent == 0 || view.shape.contains(0) }
      step *= extent
    }
    return true
  }

  private func gathered(_ storage: UnsafeRawBufferPointer, count: Int, size: Int) -> [UInt8] {
    var index = [Int](repeating: 0, count: view.shape.count)
    var place = view.offset
    return [UInt8](unsafeUninitializedCapacity: count * size) { bytes, filled in
      for element in 0..<count {
        for byte in 0..<size { bytes[element * size + byte] = storage[place * size + byte] }
        for axis in index.indices.reversed() {
          index[axis] += 1
          place += view.strides[axis]
          if index[axis] < view.shape[axis] { break }
          place -= index[axis] * view.strides[axis]
          index[axis] = 0
        }
      }
      filled = count * size
    }
  }
}

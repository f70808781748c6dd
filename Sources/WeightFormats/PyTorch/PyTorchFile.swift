package import Files
import JSON
package import Safetensors
package import Tensor

/// A state dict as `torch.save` writes it since torch 1.6: a ZIP archive of a pickle and the tensors' bytes.
///
/// The pickle is read by `PickleMachine`, which executes nothing. Tensors stay mapped where they lie, unless a view's
/// steps or its place make that impossible: such a view is copied.
package struct PyTorchFile: Sendable {
  package let path: String
  package let tensors: [String: StoredTensor]
  /// The pickle, which names and shapes all tensors.
  package let headerBytes: [UInt8]
  package let file: MappedFile

  /// The longest pickle accepted; that of a 7B model takes 60 kB.
  private static let longestPickle = 64 << 20
  /// How many times its size a file's views may take when they are copied, which those of channels-last or transposed
  /// weights do once.
  static let mostCopies = 4

  /// Opens and checks the file at `path`.
  ///
  /// - Throws: `CheckpointError` naming the file, and the operation, name or tensor in it, that cannot be used.
  package init(path: String) throws(CheckpointError) {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
    let archive = try ZipArchive(file: file)
    let folder = try Self.folder(archive, path: path)
    guard let pickle = archive.entries["\(folder)/data.pkl"], pickle.range.count <= Self.longestPickle else {
      throw .malformed(path: path, problem: "its pickle is larger than \(Self.longestPickle) bytes")
    }
    let bytes = try archive.bytes(of: pickle)
    var machine = PickleMachine(path: path, bytes: bytes)
    let views = try StateDict(try machine.run(), path: path).tensors
    var tensors: [String: StoredTensor] = [:]
    var budget = Self.mostCopies * file.byteCount
    for (name, view) in views {
      tensors[StoredTensor.key(name)] = try PyTorchView(name: name, view: view, folder: folder).stored(
        archive, file, budget: &budget)
    }
    self.path = path
    self.file = file
    self.tensors = tensors
    headerBytes = bytes
  }

  /// The archive's only folder with a pickle.
  private static func folder(_ archive: ZipArchive, path: String) throws(CheckpointError) -> String {
    let suffix = "/data.pkl"
    let folders = archive.entries.keys.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
      .filter { !$0.contains("/") }
    guard folders.count == 1 else {
      throw .malformed(path: path, problem: "is a ZIP archive, but none that torch.save wrote: it has no data.pkl")
    }
    if let order = archive.entries["\(folders[0])/byteorder"], order.range.count < 16 {
      let text = String(decoding: try archive.bytes(of: order), as: UTF8.self)
      guard text == "little" else {
        throw .malformed(path: path, problem: "its byte order is \(printableName(text)), expected little")
      }
    }
    return folders[0]
  }
}

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

/// The tensors of a pickled state dict by name, wherever training scripts keep it among other things.
struct StateDict {
  let tensors: [(name: String, view: PickleTensor)]

  /// Names under which scripts keep what is meant to be run, averaged weights first.
  private static let nests = [
    "ema", "model_ema", "ema_model", "params_ema", "state_dict_ema", "ema_state_dict", "g_ema", "model", "state_dict",
    "model_state_dict", "module", "net", "network", "generator", "vqvae", "vae", "tokenizer", "params", "weights",
  ]
  /// What `DistributedDataParallel` and `torch.compile` put before every key.
  private static let wrappers = ["module.", "_orig_mod."]
  /// Dictionaries within one another, as `state_dict` → `model`.
  private static let deepest = 4

  init(_ pickle: PickleMachine.Result, path: String) throws(CheckpointError) {
    guard case .dictionary(let top) = pickle.value else {
      throw .malformed(
        path: path,
        problem: "holds \(pickle.value.kind), expected a state dict, which is what model.state_dict() gives")
    }
    guard var found = try Self.search(pickle, top, path: path, depth: 0) else {
      throw .malformed(path: path, problem: "holds no tensor where a state dict has them")
    }
    for wrapper in Self.wrappers where found.allSatisfy({ $0.name.hasPrefix(wrapper) }) {
      found = found.map { (String($0.name.dropFirst(wrapper.count)), $0.view) }
    }
    tensors = found
  }

  private typealias Items = [(key: PickleValue, value: PickleValue)]
  private typealias Found = [(name: String, view: PickleTensor)]

  /// The tensors of the dictionary at `place`: of one inside that has one of the usual names, else its own, else of the
  /// only one inside that has any.
  private static func search(
    _ pickle: PickleMachine.Result, _ place: Int, path: String, depth: Int
  ) throws(CheckpointError) -> Found? {
    guard depth < deepest else { return nil }
    let inner = dictionaries(in: pickle.dictionaries[place])
    for nest in nests {
      guard let next = inner.last(where: { $0.name.isExactly(nest) })?.place else { continue }
      if let found = try search(pickle, next, path: path, depth: depth + 1) { return found }
    }
    let own = tensors(in: pickle.dictionaries[place])
    if !own.isEmpty { return own }
    var others: [(name: String, found: Found)] = []
    for (name, next) in inner where !nests.contains(name) {
      if let found = try search(pickle, next, path: path, depth: depth + 1) { others.append((name, found)) }
    }
    guard others.count < 2 else {
      let names = others.prefix(8).map { "\"\(printableName($0.name))\"" }.joined(separator: ", ")
      throw .malformed(
        path: path,
        problem: "holds several state dicts, under \(names): save the one that is meant in a file of its own")
    }
    return others.first?.found
  }

  private static func dictionaries(in items: Items) -> [(name: String, place: Int)] {
    items.compactMap { item in
      guard case .string(let name) = item.key, case .dictionary(let place) = item.value else { return nil }
      return (name, place)
    }
  }

  /// Of a name that was set twice the last tensor, as Python's dictionaries keep it.
  private static func tensors(in items: Items) -> Found {
    var places: [ExactText: Int] = [:]
    var found: Found = []
    for item in items {
      guard case .string(let name) = item.key, case .tensor(let view) = item.value else { continue }
      if let place = places[ExactText(name)] {
        found[place].view = view
      } else {
        places[ExactText(name)] = found.count
        found.append((name, view))
      }
    }
    return found
  }
}

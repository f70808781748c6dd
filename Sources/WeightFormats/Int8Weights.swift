import Files
internal import Glibc
import Safetensors
package import Tensor

/// Matrices of a checkpoint as 8-bit integers, made once and kept in a file beside it or in the user's cache.
package struct Int8Weights: Sendable {
  /// By the key of the weight that each replaces.
  package let matrices: [String: QuantizedMatrix]
  /// The file that holds them.
  package let path: String

  /// Opens the file made earlier from the same weights, or makes it.
  ///
  /// - Parameters:
  ///   - tensors: those of the checkpoint in `directory`, whose bytes hash to `weightsSHA256`.
  ///   - keys: 16- or 32-bit matrices `[out, in]` of `tensors`.
  ///   - cacheDirectory: where the file goes when the checkpoint's own directory cannot be written.
  ///   - progress: called with the number of matrices made and of all; what it throws ends the work.
  /// - Throws: `CheckpointError`, also for a weight that is no finite number; `FileError` when neither directory can be written, and what `progress` throws.
  package init(
    _ tensors: [String: StoredTensor], directory: String, weightsSHA256: String, keys: [String],
    cacheDirectory: String?,
    progress: (_ done: Int, _ of: Int) throws -> Void = { _, _ in }
  ) throws {
    let source = keys.sorted().map { key in
      guard let tensor = tensors[key] else { preconditionFailure("\(key) is not in \(directory)") }
      return tensor
    }
    let identity = Self.identity(of: source, weightsSHA256)
    var places = ["\(directory)/vocoscope-int8.safetensors"]
    if let cacheDirectory { places.append("\(cacheDirectory)/int8-\(identity.prefix(16)).safetensors") }
    if let found = places.first(where: { Self.holds($0, identity, source) }) {
      try self.init(opening: found, keys: keys)
      return
    }
    let place = try Self.writable(places, cacheDirectory)
    // An older or damaged one, just looked at, is replaced.
    InputFiles.forget(place)
    try Self.make(source, identity: identity, checkpoint: directory, at: place, progress: progress)
    try self.init(opening: place, keys: keys)
  }

  private init(opening path: String, keys: [String]) throws(CheckpointError) {
    let file = try SafetensorsFile(path: path)
    var matrices: [String: QuantizedMatrix] = [:]
    for key in keys {
      guard let integers = file.tensors[key], let scales = file.tensors[Self.scales(key)],
        integers.dtype == .i8, integers.shape.count == 2, scales.dtype == .f32, scales.shape == [integers.shape[0]]
      else { throw .tensor(path: path, name: key, problem: "is not an I8 matrix with F32 scales") }
      matrices[key] = QuantizedMatrix(integers: integers, scales: scales.float32())
    }
    self.matrices = matrices
    self.path = path
  }

  private static func scales(_ key: String) -> String { "\(key).scales" }

  private static let identityKey = "vocoscope.int8.source"
  private static let contentsKey = "vocoscope.int8.sha256"

  /// A digest of what the integers are made from, and of how.
  private static func identity(of tensors: [StoredTensor], _ weightsSHA256: String) -> String {
    SHA256.hexDigest(of: Array(([format, weightsSHA256] + tensors.map(\.name)).joined(separator: "\n").utf8))
  }

  /// Changes with the numbers that the same weights become.
  private static let format = "rows, 127 levels"

  /// Whether the file is of these weights and as it was written; the digest does not cover the header.
  private static func holds(_ path: String, _ identity: String, _ source: [StoredTensor]) -> Bool {
    guard access(path, R_OK) == 0, let file = try? SafetensorsFile(path: path) else { return false }
    return file.metadata[identityKey] == identity
      && file.headerBytes == SafetensorsWriter.header(of: descriptions(source), metadata: file.metadata)
      && file.metadata[contentsKey] == ContentDigest.sha256(of: file.file, from: file.dataStart)
  }

  /// The first place whose directory can be written; the cache directory is made if need be.
  private static func writable(_ places: [String], _ cacheDirectory: String?) throws(FileError) -> String {
    for place in places {
      let directory = String(place[..<(place.lastIndex(of: "/") ?? place.startIndex)])
      if directory == cacheDirectory { Directory.make(directory) }
      if access(directory, W_OK) == 0 { return place }
    }
    throw FileError(path: places[0], reason: .unwritable(String(cString: strerror(errno))))
  }

  /// Rows that are converted at a time: 16 MiB in 32 bits.
  private static let elementsAtOnce = 1 << 22

  private static func descriptions(_ source: [StoredTensor]) -> [SafetensorsDescription] {
    source.flatMap { tensor in
      [
        SafetensorsDescription(tensor.name, .i8, tensor.shape),
        SafetensorsDescription(Self.scales(tensor.name), .f32, [tensor.shape[0]]),
      ]
    }
  }

  private static func make(
    _ source: [StoredTensor], identity: String, checkpoint: String, at path: String,
    progress: (Int, Int) throws -> Void
  ) throws {
    let byKey = Dictionary(uniqueKeysWithValues: source.map { ($0.name, $0) })
    // Scales are wider, so the file has them first: each matrix is read twice rather than kept.
    let tensors = descriptions(source)
    var done = 0
    try SafetensorsWriter.write(
      streaming: tensors, metadata: [identityKey: identity], digestKey: contentsKey, to: path
    ) { tensor, append in
      let key = tensor.dtype == .i8 ? tensor.name : String(tensor.name.dropLast(Self.scales("").count))
      guard let weight = byKey[key] else { preconditionFailure("no weight \(key)") }
      if tensor.dtype == .f32, let value = weight.firstNotFinite() {
        throw CheckpointError.tensor(path: checkpoint, name: key, problem: value.problem)
      }
      var rowScales: [Float] = []
      try eachBlock(of: weight) { integers, blockScales in
        if tensor.dtype == .i8 { try integers.withUnsafeBytes { try append($0) } }
        rowScales += blockScales
      }
      if tensor.dtype == .f32 { try rowScales.withUnsafeBytes { try append($0) } }
      // Otherwise the whole of the exact weights would be in memory at the end.
      weight.file?.releasePages()
      done += 1
      try progress(done, tensors.count)
    }
  }

  private static func eachBlock(of weight: StoredTensor, _ body: ([Int8], [Float]) throws -> Void) throws {
    let rows = max(1, elementsAtOnce / max(1, weight.shape[1]))
    for start in stride(from: 0, to: weight.shape[0], by: rows) {
      let block = QuantizedMatrix.quantize(weight, rows: start..<min(start + rows, weight.shape[0]))
      try body(block.integers, block.scales)
    }
  }
}

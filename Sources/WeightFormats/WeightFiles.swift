internal import Glibc
internal import JSON
package import Tensor

/// The weights of a directory: `model.safetensors`, the shards that `model.safetensors.index.json` names, or the same in
/// PyTorch's format, `pytorch_model.bin`.
package struct WeightFiles: Sendable {
  package let tensors: [String: StoredTensor]
  /// What names the tensors in each file, in the order of the files' names.
  package let headerBytes: [UInt8]

  /// The formats, the first of which wins where a directory has both.
  private static let formats: [(single: String, isPyTorch: Bool)] = [
    ("model.safetensors", false), ("pytorch_model.bin", true),
  ]

  /// Opens whichever the directory has.
  package init(directory: String) throws(CheckpointError) {
    for format in Self.formats {
      let single = "\(directory)/\(format.single)"
      let index = "\(single).index.json"
      if access(single, F_OK) == 0 {
        self = try Self.open(single, isPyTorch: format.isPyTorch)
        return
      }
      if access(index, F_OK) == 0 {
        try self.init(directory: directory, index: index, isPyTorch: format.isPyTorch)
        return
      }
    }
    let names = Self.formats.map { "\($0.single) nor \($0.single).index.json" }.joined(separator: ", nor ")
    throw .malformed(path: directory, problem: "holds neither \(names)")
  }

  /// One file, in PyTorch's format unless its name says safetensors.
  package init(file path: String) throws(CheckpointError) {
    self = try Self.open(path, isPyTorch: !path.hasSuffix(".safetensors"))
  }

  /// One file.
  static func open(_ path: String, isPyTorch: Bool) throws(CheckpointError) -> WeightFiles {
    if isPyTorch {
      let file = try PyTorchFile(path: path)
      return WeightFiles(tensors: file.tensors, headerBytes: file.headerBytes)
    }
    let file = try SafetensorsFile(path: path)
    return WeightFiles(tensors: file.tensors, headerBytes: file.headerBytes)
  }

  private init(tensors: [String: StoredTensor], headerBytes: [UInt8]) {
    self.tensors = tensors
    self.headerBytes = headerBytes
  }

  private init(directory: String, index path: String, isPyTorch: Bool) throws(CheckpointError) {
    let places = try Self.weightMap(path)
    var tensors: [String: StoredTensor] = [:]
    var homes: [String: String] = [:]
    var headerBytes: [UInt8] = []
    for shard in Set(places.map(\.shard)).sorted() {
      let path = "\(directory)/\(shard)"
      let file = try Self.open(path, isPyTorch: isPyTorch)
      headerBytes += file.headerBytes
      tensors.merge(file.tensors) { first, _ in first }
      for name in file.tensors.keys {
        if let other = homes.updateValue(shard, forKey: name) {
          throw .tensor(path: path, name: name, problem: "is also in \(directory)/\(other)")
        }
      }
    }
    for place in places where homes[place.tensor] != place.shard {
      throw .tensor(path: path, name: place.tensor, problem: "should be in \(place.shard), but is not")
    }
    self.init(tensors: tensors, headerBytes: headerBytes)
  }

  /// Which shard holds which tensor.
  private static func weightMap(
    _ path: String
  ) throws(CheckpointError) -> [(tensor: String, shard: String)] {
    let document = try JSONValue(file: path)
    guard case .object(let object)? = document["weight_map"], !object.members.isEmpty else {
      throw .key(
        path: path, key: "weight_map", found: document["weight_map"]?.summary, expected: "an object of file names")
    }
    var places: [(tensor: String, shard: String)] = []
    for member in object.members {
      // A shard lies beside its index; a path would let a file name any other file.
      guard case .string(let shard) = member.value, !shard.isEmpty, !shard.contains("/"), !shard.contains("\0") else {
        throw .key(
          path: path, key: "weight_map.\(member.key)", found: member.value.summary,
          expected: "the name of a file in this directory")
      }
      places.append((member.key, shard))
    }
    return places
  }
}

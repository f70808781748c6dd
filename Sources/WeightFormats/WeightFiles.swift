package import Files
internal import Glibc
internal import JSON
package import Safetensors
package import Tensor

/// The weights of a directory: `model.safetensors`, the shards that `model.safetensors.index.json` names, or the same in
/// PyTorch's format, `pytorch_model.bin`.
package struct WeightFiles: Sendable {
  package let tensors: [String: StoredTensor]
  /// The files that hold them, in the order of their names.
  package let files: [MappedFile]

  /// What weights are called, the first of which wins where a directory has both.
  private static let names = ["model.safetensors", "pytorch_model.bin"]

  /// Opens whichever the directory has.
  package init(directory: String) throws(CheckpointError) {
    for name in Self.names {
      let single = "\(directory)/\(name)"
      let index = "\(single).index.json"
      if access(single, F_OK) == 0 {
        try self.init(file: single)
        return
      }
      if access(index, F_OK) == 0 {
        try self.init(directory: directory, index: index)
        return
      }
    }
    let names = Self.names.map { "\($0) nor \($0).index.json" }.joined(separator: ", nor ")
    throw .malformed(path: directory, problem: "holds neither \(names)")
  }

  /// One file, of the format that its contents are in, whatever its name says.
  package init(file path: String) throws(CheckpointError) {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
    switch WeightFileKind(file.bytes, endsLikeSafetensors: path.hasSuffix(".safetensors")) {
    case .pyTorch:
      let file = try PyTorchFile(path: path)
      self.init(tensors: file.tensors, files: [file.file])
    case .safetensors:
      let file = try SafetensorsFile(path: path)
      self.init(tensors: file.tensors, files: [file.file])
    case .other(let found):
      throw .malformed(path: path, problem: "\(found); weights are read as safetensors, or as torch.save writes them")
    }
  }

  private init(tensors: [String: StoredTensor], files: [MappedFile]) {
    self.tensors = tensors
    self.files = files
  }

  /// Of a tensor that stands in several shards the one counts that the index names.
  private init(directory: String, index path: String) throws(CheckpointError) {
    let places = try Self.weightMap(path)
    let homes = Dictionary(uniqueKeysWithValues: places.map { (StoredTensor.key($0.tensor), $0.shard) })
    var tensors: [String: StoredTensor] = [:]
    var files: [MappedFile] = []
    for shard in Set(places.map { ExactText($0.shard) }).map(\.text).sorted() {
      let path = "\(directory)/\(shard)"
      let file = try WeightFiles(file: path)
      files += file.files
      for (key, tensor) in file.tensors {
        if let home = homes[key], !home.isExactly(shard) { continue }
        if tensors.updateValue(tensor, forKey: key) != nil {
          throw .tensor(path: path, name: tensor.name, problem: "is in another shard too, and the index names neither")
        }
      }
    }
    for place in places where tensors[StoredTensor.key(place.tensor)] == nil {
      throw .tensor(path: path, name: place.tensor, problem: "should be in \(place.shard), but is not")
    }
    self.init(tensors: tensors, files: files)
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

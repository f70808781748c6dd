internal import Glibc
internal import Tensor

/// The weights of a directory: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
struct WeightFiles {
  let tensors: [String: StoredTensor]
  /// The files' headers in the order of their names.
  let headerBytes: [UInt8]

  init(directory: String) throws(CheckpointError) {
    let single = "\(directory)/model.safetensors"
    let index = "\(directory)/model.safetensors.index.json"
    if access(single, F_OK) == 0 {
      let file = try SafetensorsFile(path: single)
      self.init(tensors: file.tensors, headerBytes: file.headerBytes)
    } else if access(index, F_OK) == 0 {
      try self.init(directory: directory, index: index)
    } else {
      throw .malformed(
        path: directory, problem: "holds neither model.safetensors nor model.safetensors.index.json")
    }
  }

  private init(tensors: [String: StoredTensor], headerBytes: [UInt8]) {
    self.tensors = tensors
    self.headerBytes = headerBytes
  }

  private init(directory: String, index path: String) throws(CheckpointError) {
    let places = try Self.weightMap(path)
    var tensors: [String: StoredTensor] = [:]
    var headerBytes: [UInt8] = []
    for shard in Set(places.map(\.shard)).sorted() {
      let file = try SafetensorsFile(path: "\(directory)/\(shard)")
      headerBytes += file.headerBytes
      for (name, tensor) in file.tensors {
        if let other = tensors.updateValue(tensor, forKey: name) {
          throw .tensor(path: file.path, name: name, problem: "is also in \(other.file?.path ?? "another shard")")
        }
      }
    }
    for place in places where tensors[place.tensor]?.file?.path != "\(directory)/\(place.shard)" {
      throw .tensor(path: path, name: place.tensor, problem: "should be in \(place.shard), but is not")
    }
    self.init(tensors: tensors, headerBytes: headerBytes)
  }

  /// Which shard holds which tensor.
  private static func weightMap(
    _ path: String
  ) throws(CheckpointError) -> [(tensor: String, shard: String)] {
    let document = try JSONValue(file: path)
    guard case .object(let members)? = document["weight_map"], !members.isEmpty else {
      throw .key(
        path: path, key: "weight_map", found: document["weight_map"]?.summary, expected: "an object of file names")
    }
    var places: [(tensor: String, shard: String)] = []
    for member in members {
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

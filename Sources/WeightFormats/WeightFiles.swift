package import Files
import Glibc
import JSON
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

  /// Whether the file at `path` begins as weights do, whatever its name says; not where it cannot be read.
  package static func areIn(file path: String) -> Bool {
    guard let file = try? MappedFile(path: path) else { return false }
    return withExtendedLifetime(file) {
      switch WeightFileKind(file.bytes, endsLikeSafetensors: false) {
      case .pyTorch: true
      // The header's length is below 2⁵⁶, and a text holds no zeros.
      case .safetensors: file.bytes[7] == 0
      case .other: false
      }
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

/// What a file of weights is by its first bytes, since people rename files, and downloads leave other things in their place.
enum WeightFileKind: Equatable {
  case safetensors
  /// A ZIP archive, which is what torch.save writes.
  case pyTorch
  /// Something else: what a sentence about it says.
  case other(String)

  private static let markup = "is a web page or XML, such as a server's message in the place of the file"

  /// First bytes of what is found under the names of weights.
  private static let others: [(opening: [UInt8], name: String)] = [
    (Array("GGUF".utf8), "is in llama.cpp's format, GGUF"), (Array("ggml".utf8), "is in llama.cpp's old format, GGML"),
    (Array("\u{1F}".utf8) + [0x8B], "is compressed by gzip"), (Array("BZh".utf8), "is compressed by bzip2"),
    ([0xFD] + Array("7zXZ".utf8), "is compressed by xz"), ([0x28, 0xB5, 0x2F, 0xFD], "is compressed by zstd"),
    (Array("Rar!".utf8), "is a RAR archive"), (Array("7z".utf8) + [0xBC, 0xAF], "is a 7z archive"),
    ([0x89] + Array("HDF".utf8), "is an HDF5 file, as Keras writes it"),
    ([0x93] + Array("NUMPY".utf8), "is a NumPy array"),
    (Array("<".utf8), markup),
    (Array("#!".utf8), "is a script"), ([0x7F] + Array("ELF".utf8), "is a program"),
    ([0x89] + Array("PNG".utf8), "is a PNG picture"), ([0xFF, 0xD8, 0xFF], "is a JPEG picture"),
    (Array("%PDF".utf8), "is a PDF document"),
  ]
  /// The first value of a file of torch before 1.6, the magic number of `torch/serialization.py`, in protocol 2.
  private static let oldTorch: [UInt8] = [
    0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// - Parameter endsLikeSafetensors: whether the name says safetensors, which decides where the contents do not.
  init(_ bytes: UnsafeRawBufferPointer, endsLikeSafetensors: Bool) {
    if bytes.isEmpty {
      self = .other("is empty")
    } else if bytes.starts(with: Array("PK".utf8)) {
      self = .pyTorch
    } else if bytes.count > 8, bytes[8] == UInt8(ascii: "{") {
      self = .safetensors
    } else if let known = Self.others.first(where: { bytes.starts(with: $0.opening) }) {
      self = .other(known.name)
    } else if bytes.starts(with: Self.oldTorch) {
      self = .other("is of torch before 1.6; load it with a newer torch, and save it again")
    } else if bytes.count > 2, bytes[0] == 0x80, bytes[1] <= 5 {
      self = .other("is a plain pickle")
    } else if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
      self = .other("is a tar archive, as torch before 0.1.10 wrote it")
    } else if Self.isText(bytes) {
      let isMarkup = bytes.first { $0 > 0x20 } == UInt8(ascii: "<")
      self = .other(isMarkup ? Self.markup : "is a text")
    } else {
      self = endsLikeSafetensors ? .safetensors : .other("is neither a ZIP archive nor a safetensors file")
    }
  }

  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.prefix(512).allSatisfy { $0 == 0x09 || $0 == 0x0A || $0 == 0x0D || $0 >= 0x20 && $0 < 0x7F }
  }
}

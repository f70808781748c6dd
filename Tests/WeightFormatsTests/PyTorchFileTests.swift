import Foundation
import HTCVLM
import Safetensors
import Tensor
import Testing
import WeightFormats

/// What opening a PyTorch file of `bytes` says, without the file's path; nil when it opens.
private func complaint(pytorch bytes: [UInt8]) throws -> String? {
  try withTemporaryDirectory { directory -> String? in
    let path = "\(directory)/weights.pt"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do throws(CheckpointError) {
      // Every tensor is read to its end, so that one which leaves its file is noticed.
      for tensor in try WeightFiles(file: path).tensors.values { tensor.withUnsafeBytes { _ = $0.reduce(0, ^) } }
      return nil
    } catch {
      guard error.description.hasPrefix(path) else { return "does not name its file: \(error)" }
      return String(error.description.dropFirst(path.count + 2))
    }
  }
}

private func bytes(_ name: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture("pytorch/\(name)"))))
}

/// An archive with this pickle and one storage of 16 bytes.
private func archive(_ pickle: [UInt8], isLarge: Bool = false) -> [UInt8] {
  ZipBytes.archive(
    [
      ("a/data.pkl", pickle), ("a/byteorder", Array("little".utf8)), ("a/data/0", Array(0..<16)),
      ("a/data/1", Array(0..<16)),
    ], isLarge: isLarge)
}

@Suite("PyTorch files") struct PyTorchFileTests {
  @Test("Every layout and type reads as torch saved it, mapped where its elements lie in order")
  func layouts() throws {
    let file = try PyTorchFile(path: fixture("pytorch/state.pt"))
    let expected = try SafetensorsFile(path: fixture("pytorch/expected.safetensors"))
    #expect(Set(file.tensors.keys) == Set(expected.tensors.keys) && expected.tensors.count == 15)
    for (name, tensor) in expected.tensors {
      let read = try #require(file.tensors[name])
      #expect(read.shape == tensor.shape, "\(name)")
      if tensor.dtype.isWeight {
        #expect(read.float32().values == tensor.float32().values, "\(name)")
      } else {
        #expect(read.dtype == tensor.dtype && read.withUnsafeBytes(Array.init) == tensor.withUnsafeBytes(Array.init))
      }
    }
    let copied = file.tensors.values.filter { $0.file == nil }.map(\.name)
    #expect(Set(copied) == ["transposed", "transposed.half", "every.second"])
    #expect(file.tensors["transposed.half"]?.dtype == .f16)
    #expect(file.tensors["bf16"]?.dtype == .bf16 && file.tensors["f16"]?.dtype == .f16)
  }

  @Test("A module's own state dict with its metadata is read")
  func module() throws {
    let file = try PyTorchFile(path: fixture("pytorch/module.pt"))
    let names = [
      "0.bias", "0.weight", "1.bias", "1.num_batches_tracked", "1.running_mean", "1.running_var", "1.weight",
    ]
    #expect(file.tensors.keys.sorted() == names)
    #expect(file.tensors["0.weight"]?.shape == [2, 3])
  }

  @Test("A state dict among other things is found, averaged weights first, and DDP's prefix goes")
  func nested() throws {
    #expect(try PyTorchFile(path: fixture("pytorch/nested.pt")).tensors["a"]?.float32().values == [2, 2])
    #expect(try PyTorchFile(path: fixture("pytorch/wrapped.pt")).tensors.keys.sorted() == ["a", "b"])
  }

  @Test("A checkpoint directory may hold PyTorch shards")
  func directory() throws {
    try withTemporaryDirectory { directory in
      for name in ["config.json", "tokenizer.model"] {
        try FileManager.default.copyItem(atPath: fixture("pytorch/whole/\(name)"), toPath: "\(directory)/\(name)")
      }
      let shards = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
      for name in shards + ["pytorch_model.bin.index.json"] {
        try FileManager.default.copyItem(atPath: fixture("pytorch/llm/\(name)"), toPath: "\(directory)/\(name)")
      }
      let whole = try SafetensorsFile(path: fixture("pytorch/whole/model.safetensors"))
      let checkpoint = try CheckpointDirectory(path: directory)
      #expect(checkpoint.tensors.count == 29 && checkpoint.weightsSHA256.count == 64)
      for (name, tensor) in checkpoint.tensors {
        #expect(tensor.float32().values == whole.tensors[name]?.float32().values, "\(name)")
      }
      try FileManager.default.removeItem(atPath: "\(directory)/\(shards[1])")
      let error = #expect(throws: CheckpointError.self) { try CheckpointDirectory(path: directory) }
      #expect(error?.description == "\(directory)/\(shards[1]): no such file")
    }
  }

  @Test(
    "What holds no weights, or means harm, is refused by name, and nothing of it runs",
    arguments: [
      ("command.pt", "refers to posix.system, which no weights need; nothing of it was run"),
      ("namespace.pt", "holds no tensor where"), ("protocol4.pt", "holds no tensor where"),
      ("list.pt", "holds a list, expected a state dict"), ("no-tensor.pt", "holds no tensor where"),
      ("compressed.pt", "archive/data.pkl is compressed by method 8, expected stored"),
      ("legacy.pt", "is of torch before 1.6"),
      ("not-a-zip.pt", "is not a ZIP archive, though it begins with the letters of one"),
      ("other.zip", "none that torch.save wrote"),
    ])
  func refused(name: String, sentence: String) throws {
    let found = try #require(try complaint(pytorch: bytes("refused/\(name)")))
    #expect(found.contains(sentence), "\(found)")
    #expect(!FileManager.default.fileExists(atPath: "/tmp/vocoscope-pickle-ran"))
  }

  @Test("A truncated file is refused at every length")
  func truncation() throws {
    let whole = try bytes("wrapped.pt")
    for length in stride(from: 0, to: whole.count, by: 3) {
      #expect(try complaint(pytorch: Array(whole[..<length])) != nil, "\(length) of \(whole.count) bytes")
    }
  }

  @Test("Flipped bits are refused or read, never followed out of the file")
  func flips() throws {
    let whole = try bytes("wrapped.pt")
    var refused = 0
    for index in whole.indices {
      var flipped = whole
      flipped[index] ^= 1 << UInt8(index % 8)
      if let found = try complaint(pytorch: flipped) {
        refused += 1
        #expect(!found.hasPrefix("does not name"), "byte \(index): \(found)")
      }
    }
    #expect(refused > 300 && refused < whole.count)
  }

  @Test("A flipped or cut pickle behind a right checksum is refused or read")
  func pickles() throws {
    let pickle = try PyTorchFile(path: fixture("pytorch/wrapped.pt")).headerBytes
    #expect(try complaint(pytorch: archive(pickle)) == nil)
    var refused = 0
    for index in pickle.indices {
      for bit in 0..<8 {
        var flipped = pickle
        flipped[index] ^= 1 << UInt8(bit)
        if try complaint(pytorch: archive(flipped)) != nil { refused += 1 }
      }
      #expect(try complaint(pytorch: archive(Array(pickle[..<index]))) != nil)
    }
    #expect(refused > pickle.count && refused < 8 * pickle.count)
  }

  @Test("ZIP64 archives are read, and lose to nothing when cut or flipped")
  func large() throws {
    let pickle = try PyTorchFile(path: fixture("pytorch/wrapped.pt")).headerBytes
    let whole = archive(pickle, isLarge: true)
    #expect(try complaint(pytorch: whole) == nil)
    for index in whole.indices.suffix(500) {
      #expect(try complaint(pytorch: Array(whole[..<index])) != nil)
      var flipped = whole
      flipped[index] = ~flipped[index]
      _ = try complaint(pytorch: flipped)
    }
  }

  /// A tensor `a` of float32 with these arguments, as opcodes.
  private func tensor(storage: Int, offset: Int, shape: [Int], strides: [Int], key: String = "0") -> [UInt8] {
    func text(_ string: String) -> [UInt8] { [0x58] + ZipBytes.number(string.utf8.count, 4) + Array(string.utf8) }
    func integer(_ value: Int) -> [UInt8] { [0x8A, 8] + ZipBytes.number(value, 8) }
    func tuple(_ values: [Int]) -> [UInt8] { [0x28] + values.flatMap(integer) + [0x74] }
    let storageType = Array("ctorch\nFloatStorage\n".utf8)
    let reference = [0x28] + text("storage") + storageType + text(key) + text("cpu") + integer(storage) + [0x74, 0x51]
    let hooks = Array("ccollections\nOrderedDict\n)R".utf8)
    return [0x80, 2, 0x7D] + text("a") + Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8) + [0x28] + reference
      + integer(offset) + tuple(shape) + tuple(strides) + [0x89] + hooks + [0x74, 0x52, 0x73, 0x2E]
  }

  @Test("Sizes, steps and places are checked for bounds and overflow before anything is read")
  func bounds() throws {
    let big = Int.max
    let cases: [(pickle: [UInt8], sentence: String?)] = [
      (tensor(storage: 4, offset: 0, shape: [2, 2], strides: [2, 1]), nil),
      (tensor(storage: 4, offset: 4, shape: [0], strides: [1]), nil),
      (tensor(storage: 4, offset: 1, shape: [2, 2], strides: [2, 1]), "leaves its storage of 4 elements"),
      (tensor(storage: 5, offset: 0, shape: [4], strides: [1]), "its entry has 16 bytes"),
      (tensor(storage: big, offset: 0, shape: [4], strides: [1]), "its entry has 16 bytes"),
      (tensor(storage: 4, offset: big, shape: [0], strides: [1]), "leaves its storage"),
      (tensor(storage: 4, offset: big, shape: [2], strides: [1]), "leaves its storage"),
      (tensor(storage: 4, offset: 0, shape: [big, big], strides: [1, 1]), "leaves its storage"),
      (tensor(storage: 4, offset: 0, shape: [2, 2], strides: [big, big]), "leaves its storage"),
      (tensor(storage: 4, offset: 0, shape: [1 << 40], strides: [0]), "would take more than 4 times its size"),
      (tensor(storage: 4, offset: -1, shape: [1], strides: [1]), "holds no tensor"),
      (tensor(storage: 4, offset: 0, shape: [-1], strides: [1]), "holds no tensor"),
      (tensor(storage: 4, offset: 0, shape: [2], strides: [1, 1]), "holds no tensor"),
      (tensor(storage: -4, offset: 0, shape: [2], strides: [1]), "holds no tensor"),
      (tensor(storage: 4, offset: 0, shape: [2], strides: [1], key: "7"), "the entry data/7, which the archive lacks"),
      (tensor(storage: 4, offset: 0, shape: [2], strides: [1], key: "../0"), "which the archive lacks"),
    ]
    for (pickle, sentence) in cases {
      let found = try complaint(pytorch: archive(pickle))
      if let sentence {
        #expect(found?.contains(sentence) == true, "\(found ?? "read")")
      } else {
        #expect(found == nil)
      }
    }
    let mark = [UInt8](repeating: 0x28, count: 100_000)
    #expect(try complaint(pytorch: archive([0x80, 2] + mark))?.contains("the pickle ends") == true)
    let nested = [UInt8](repeating: 0x85, count: 100_000)
    #expect(
      try complaint(pytorch: archive([0x80, 2, 0x4E] + nested + [0x2E]))?.contains("expected a state dict")
        == true)
  }
}

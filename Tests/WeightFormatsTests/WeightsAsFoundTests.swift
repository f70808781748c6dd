import Files
import Foundation
import JSON
import Safetensors
import Tensor
import Testing
import WeightFormats

private func names(_ folder: String) -> [String] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: fixture("pytorch/asfound/\(folder)"))) ?? []
  precondition(!names.isEmpty, "\(folder) is missing or empty")
  return names.sorted()
}

/// What opening the weights in a file called `name` says, without the file's path; nil when they open.
private func complaint(_ bytes: [UInt8], as name: String) throws -> String? {
  try withTemporaryDirectory { directory -> String? in
    let path = "\(directory)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    do throws(CheckpointError) {
      _ = try WeightFiles(file: path)
      return nil
    } catch {
      #expect(error.description.hasPrefix(path + ": "))
      return String(error.description.dropFirst(path.count + 2))
    }
  }
}

private func contents(_ name: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture(name))))
}

/// A safetensors file with this header and so many bytes of data.
private func weightBytes(_ header: String, data: Int = 0) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + Array(header.utf8)
    + [UInt8](repeating: 0, count: data)
}

@Suite("Weights as people's scripts and downloads leave them") struct WeightsAsFoundTests {
  @Test("A value that no tensor needs is passed over, of whatever class", arguments: names("plain"))
  func extras(name: String) throws {
    let file = try WeightFiles(file: fixture("pytorch/asfound/plain/\(name)"))
    #expect(file.tensors.keys.sorted() == ["w"])
    #expect(file.tensors["w"]?.float32().values == [1.5, -2])
  }

  @Test("Views that are not laid out row by row are copied in their own type, and complex numbers are kept")
  func views() throws {
    let expanded = try #require(try WeightFiles(file: fixture("pytorch/refused/expanded.pt")).tensors["a"])
    #expect(expanded.shape == [2, 3, 4] && expanded.float32().values == [Float](repeating: 1, count: 24))
    let turned = try #require(try WeightFiles(file: fixture("pytorch/refused/transposed-integers.pt")).tensors["a"])
    #expect(turned.dtype == .i64 && turned.shape == [3, 2] && turned.byteCount == 48)
    let complex = try #require(try WeightFiles(file: fixture("pytorch/refused/complex.pt")).tensors["a"])
    #expect(complex.dtype == .c64 && complex.byteCount == 16)
  }

  @Test("Every binary protocol of Python's is read", arguments: names("protocols"))
  func protocols(name: String) throws {
    let file = try WeightFiles(file: fixture("pytorch/asfound/protocols/\(name)"))
    #expect(file.tensors["w"]?.float32().values == [1.5, -2] && file.tensors.count == 1)
  }

  @Test("State dicts are found wherever scripts keep them", arguments: names("nested"))
  func nests(name: String) throws {
    let path = fixture("pytorch/asfound/nested/\(name)")
    switch name {
    case "two.pt":
      let error = #expect(throws: CheckpointError.self) { try WeightFiles(file: path) }
      #expect(error?.description.contains(#"several state dicts, under "netG", "netD""#) == true)
    case "five-deep.pt":
      let error = #expect(throws: CheckpointError.self) { try WeightFiles(file: path) }
      #expect(error?.description.contains("holds no tensor where a state dict has them") == true)
    default:
      let tensors = try WeightFiles(file: path).tensors
      #expect(tensors.keys.sorted() == ["w"] && tensors["w"]?.float32().values == [1.5, -2])
    }
  }

  @Test("A tensor of a type that no computation reads is kept with its type")
  func types() throws {
    let header = #"{"a":{"dtype":"C64","shape":[2],"data_offsets":[0,16]},"b":{"dtype":"F8_E8M0","shape":[3],"#
    let rest = #""data_offsets":[16,19]},"c":{"dtype":"F4","shape":[2,5],"data_offsets":[19,24]},"#
    let last = #""d":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[24,27]},"e":{"dtype":"F32","shape":[],"#
    let bytes = weightBytes(header + rest + last + #""data_offsets":[27,31]}}"#, data: 31)
    try withTemporaryDirectory { directory in
      let path = "\(directory)/w.safetensors"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let tensors = try WeightFiles(file: path).tensors
      let expected: [String: DType] = ["a": .c64, "b": .f8e8m0, "c": .f4, "d": .f6e2m3, "e": .f32]
      #expect(tensors.mapValues(\.dtype) == expected)
      let report = CheckpointReport(expected: [ExpectedTensor(name: "e", shape: [])], found: tensors)
      #expect(report.runnable && report.counts == [.ok: 1, .unexpected: 4])
      // One that a run needs is named with its type.
      let needed = CheckpointReport(expected: [ExpectedTensor(name: "a", shape: [2])], found: tensors)
      #expect(!needed.runnable && needed.rows[0].status == .wrongDType && needed.rows[0].dtype == .c64)
    }
    // Half bytes do not fill a tensor.
    let odd = weightBytes(#"{"c":{"dtype":"F4","shape":[5],"data_offsets":[0,2]}}"#, data: 2)
    #expect(try complaint(odd, as: "w.safetensors")?.contains("no whole number") == true)
    let unknown = weightBytes(#"{"c":{"dtype":"Q3","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
    #expect(try complaint(unknown, as: "w.safetensors")?.contains(#"tensor c has the unknown dtype "Q3""#) == true)
  }

  @Test(
    "A file that is something else than its name says is called what it is",
    arguments: [
      (
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 123456\n", "w.pt",
        "is a Git LFS pointer, and the file of 123456 bytes"
      ),
      ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n", "model.safetensors", "git lfs pull"),
      ("version https://git-lfs.github.com/spec/v1\r\noid sha256:ab\r\nsize 7\r\n", "w.bin", "the file of 7 bytes"),
      ("version https://hawser.github.com/spec/v1\noid sha256:ab\nsize 5\n", "w.pt", "the file of 5 bytes"),
      ("\n  <!doctype html>", "w.pt", "is a web page"),
      ("", "w.safetensors", "is empty"), ("", "w.pt", "is empty"),
      ("<!DOCTYPE html><html>404</html>", "w.safetensors", "is a web page"), ("GGUF\u{3}", "w.bin", "GGUF"),
      ("Entry not found", "w.pt", "is a text"), ("\u{1F}", "w.pt", "neither a ZIP archive nor a safetensors file"),
    ])
  func misnamed(text: String, name: String, sentence: String) throws {
    #expect(try complaint(Array(text.utf8), as: name)?.contains(sentence) == true)
  }

  @Test("Compressed files, pickles and files of old torch are called what they are")
  func binaries() throws {
    #expect(
      try complaint([0x1F, 0x8B, 8, 0], as: "w.pt")
        == "is compressed by gzip; weights are read as safetensors, or as torch.save writes them")
    #expect(try complaint([0x80, 4, 0x95, 1], as: "w.pt")?.contains("is a plain pickle") == true)
    #expect(try complaint(contents("pytorch/refused/legacy.pt"), as: "w.safetensors")?.contains("before 1.6") == true)
  }

  @Test("The contents decide, not the name")
  func contentsDecide() throws {
    let weights = weightBytes(#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
    for name in ["w.ckpt", "w.pt", "w.bin", "w"] { #expect(try complaint(weights, as: name) == nil) }
    let torch = try contents("pytorch/wrapped.pt")
    for name in ["w.safetensors", "w.ckpt", "w"] { #expect(try complaint(torch, as: name) == nil) }
  }

  @Test("A file that was cut off is called that at every length", arguments: [1, 2, 3])
  func cut(quarters: Int) throws {
    let torch = try contents("pytorch/asfound/plain/set.pt")
    let found = try #require(try complaint(Array(torch[..<(torch.count * quarters / 4)]), as: "w.pt"))
    #expect(found.hasPrefix("is cut off"), "\(found)")
    let header = #"{"w":{"dtype":"U8","shape":[400],"data_offsets":[0,400]}}"#
    let weights = weightBytes(header, data: 400)
    let other = try #require(try complaint(Array(weights[..<(weights.count * quarters / 4)]), as: "w.safetensors"))
    #expect(other.contains("is cut off"), "\(other)")
    #expect(try complaint(Array(weights[..<40]), as: "w.safetensors")?.hasPrefix("is cut off") == true)
  }

  @Test("Names that differ only in the Unicode form of a letter are two tensors")
  func canonicalEquivalence() throws {
    let header =
      #"{"caf\#u{e9}":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"cafe\#u{301}":{"dtype":"U8","shape":[2],"#
      + #""data_offsets":[1,3]},"%%caf%C3%A9":{"dtype":"U8","shape":[3],"data_offsets":[3,6]}}"#
    try withTemporaryDirectory { directory in
      let path = "\(directory)/w.safetensors"
      try Data(weightBytes(header, data: 6)).write(to: URL(fileURLWithPath: path))
      let tensors = try WeightFiles(file: path).tensors
      #expect(tensors.count == 3 && Set(tensors.values.map { ExactText($0.name) }).count == 3)
      #expect(CheckpointReport(expected: [], found: tensors).rows.count == 3)
    }
  }

  @Test("Of a tensor in two shards the one counts that the index names")
  func twoShards() throws {
    try withTemporaryDirectory { directory in
      func write(_ name: String, _ tensors: [String: Float]) throws {
        try SafetensorsWriter.write(
          tensors.map { SafetensorsEntry($0.key, Tensor(shape: [1], values: [$0.value])) }, metadata: [:],
          to: "\(directory)/\(name)")
      }
      func index(_ map: String) throws {
        try Data(#"{"weight_map":{\#(map)}}"#.utf8).write(
          to: URL(fileURLWithPath: "\(directory)/model.safetensors.index.json"))
      }
      try write("1.safetensors", ["a": 1, "b": 2])
      try write("2.safetensors", ["b": 3, "c": 4])
      try index(#""a":"1.safetensors","b":"2.safetensors","c":"2.safetensors""#)
      let second = try WeightFiles(directory: directory).tensors
      #expect(second.mapValues { $0.float32().values[0] } == ["a": 1, "b": 3, "c": 4])
      try index(#""a":"1.safetensors","b":"1.safetensors","c":"2.safetensors""#)
      #expect(try WeightFiles(directory: directory).tensors["b"]?.float32().values == [2])
      try index(#""a":"1.safetensors","c":"2.safetensors""#)
      let error = #expect(throws: CheckpointError.self) { try WeightFiles(directory: directory) }
      #expect(error?.description.contains("tensor b is in another shard too, and the index names neither") == true)
      try index(#""a":"1.safetensors","b":"1.safetensors","c":"1.safetensors","d":"2.safetensors""#)
      let missing = #expect(throws: CheckpointError.self) { try WeightFiles(directory: directory) }
      #expect(missing?.description.contains("should be in") == true)
    }
  }

  @Test("What is made of a file stays in proportion to it, and the limit is named")
  func bounds() throws {
    // None, pushed again and again.
    let none = ZipBytes.archive([("a/data.pkl", [0x80, 2] + [UInt8](repeating: 0x4E, count: 2_000_000) + [0x2E])])
    #expect(try complaint(none, as: "w.pt")?.contains("it makes more than 1500000 values") == true)
    // Dictionaries that are made of others.
    let empty = ZipBytes.archive([("a/data.pkl", [0x80, 2] + [UInt8](repeating: 0x7D, count: 2_000_000) + [0x2E])])
    #expect(try complaint(empty, as: "w.pt")?.contains("it makes more than") == true)
    let header = #"{"w":{"dtype":"U8","shape":[0"# + String(repeating: ",0", count: 2_000_000) + "]}}"
    #expect(try complaint(weightBytes(header), as: "w.safetensors")?.contains("more than 15") == true)
  }
}

import Files
import Foundation
import Safetensors
import Tensor
import Testing

@Suite("Safetensors files") struct SafetensorsTests {
  @Test("What is written reads back, in every type and shape")
  func roundTrip() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/a.safetensors"
      let floats = Tensor(shape: [2, 3], values: [1, -2, .infinity, 0, -0.0, .leastNonzeroMagnitude])
      try SafetensorsWriter.write(
        [
          SafetensorsEntry("bytes", shape: [3], bytes: [1, 2, 255]), SafetensorsEntry("floats", floats),
          SafetensorsEntry("integers", shape: [1, 2], integers: [.min, .max]),
          SafetensorsEntry("empty", shape: [0, 4], integers: []),
          SafetensorsEntry("scalar", Tensor(shape: [], values: [7])),
        ], metadata: ["k\"": "v\n"], to: path)
      let file = try SafetensorsFile(path: path)
      #expect(file.tensors.count == 5 && file.metadata == ["k\"": "v\n"])
      #expect(file.tensors["floats"]?.float32() == floats)
      #expect(file.tensors["integers"]?.int32() == [.min, .max] && file.tensors["integers"]?.shape == [1, 2])
      #expect(file.tensors["bytes"]?.int32() == [1, 2, 255])
      #expect(file.tensors["empty"]?.shape == [0, 4] && file.tensors["scalar"]?.float32().values == [7])
      for tensor in file.tensors.values {
        #expect((tensor.byteOffset - file.headerBytes.count) % tensor.dtype.size == 0)
      }
    }
  }

  @Test(
    "A header that lies says how",
    arguments: [
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        "tensor a F32 [2] needs 8 bytes, but its data_offsets span 4"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        "tensor a ends at byte 8 of the data, but the file holds 4: it is cut off"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#,
        "the tensors end at byte 2 of the data, but the file holds 4"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
        "tensor a starts at byte 2 of the data, but the tensor before it ends at 0"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
        "tensor b starts at byte 2 of the data, but the tensor before it ends at 3"
      ),
      (#"{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}"#, "tensor a has the unknown dtype \"F33\""),
      (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, "tensor a has no dtype"),
      (
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
        "tensor a has the shape a list of 1, not a list of sizes"
      ),
      (
        #"{"a":{"dtype":"F32","shape":["NaN"],"data_offsets":[0,4]}}"#,
        "tensor a has the shape a list of 1, not a list of sizes"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
        "tensor a has the shape a list of 1, not a list of sizes"
      ),
      (#"{"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}}"#, "tensor a has the shape 4, not a list of sizes"),
      (#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, "tensor a has no shape"),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        "tensor a has the data_offsets a list of 2, not a start and an end"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
        "tensor a has the data_offsets a list of 1, not a start and an end"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#,
        "tensor a has the data_offsets a list of 2, not a start and an end"
      ),
      (#"{"a":{"dtype":"F32","shape":[1]}}"#, "tensor a has no data_offsets"),
      (
        #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
        "tensor a has a shape [4611686018427387904, 4] of more bytes than any memory, or of no whole number of them"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}"#,
        "tensor a has a shape [0, 9223372036854775807, 9] of more bytes than any memory, or of no whole number of them"
      ),
      (
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999999999999]}}"#,
        "tensor a has the data_offsets a list of 2, not a start and an end"
      ),
      (
        #"{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}"#,
        "tensor a has 17 axes, more than 16"
      ),
      (#"{"a":1}"#, "tensor a has no dtype"),
      (#"[]"#, "the header is a list of 0, not an object"),
      (#"{"__metadata__":{"a":1}}"#, "__metadata__.a is 1; expected a string"),
      (#"{"__metadata__":[]}"#, "__metadata__ is a list of 0; expected an object of strings"),
      (
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
        "the header is not JSON: the key \"a\" occurs twice at byte 53"
      ),
    ])
  func lies(header: String, expected: String) throws {
    #expect(try complaint(about: safetensors(header, data: [0, 0, 0, 0])) == expected)
  }

  @Test(
    "A length field that lies is refused before anything is allocated",
    arguments: [UInt64.max, 1 << 63, 100_000_001, 1000])
  func length(announced: UInt64) throws {
    let bytes = withUnsafeBytes(of: announced.littleEndian, Array.init) + Array("{}".utf8)
    let complaint = try complaint(about: bytes)
    #expect(
      complaint?.hasPrefix("not a safetensors file, or damaged: it announces a header of \(announced) bytes") == true
        || complaint == "is cut off: the header should end at byte 1008, but the file ends at 10")
  }

  @Test("A name cannot steer the terminal that prints it")
  func controlCharacters() throws {
    let text = try complaint(about: safetensors(#"{"\u001b[2J\u0007":{"dtype":"X\u001b"}}"#))
    #expect(text == #"tensor ␛[2J␇ has the unknown dtype "X\u{1B}""#)
  }

  /// A file of three tensors and metadata.
  static func example() throws -> [UInt8] {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/a.safetensors"
      try SafetensorsWriter.write(
        [
          SafetensorsEntry("weight", Tensor(shape: [2, 2], values: [1, 2, 3, 4])),
          SafetensorsEntry("codes", shape: [3], integers: [1, 2, 3]),
          SafetensorsEntry("mask", shape: [2], bytes: [0, 1]),
        ], metadata: ["format": "pt"], to: path)
      return try FileContents.read(path: path, limit: 1 << 20)
    }
  }

  @Test("A file cut at any byte is refused")
  func truncation() throws {
    let whole = try Self.example()
    #expect(try complaint(about: whole) == nil)
    for length in 0..<whole.count { #expect(try complaint(about: Array(whole[..<length])) != nil) }
    #expect(try complaint(about: whole + [0]) != nil)
  }

  @Test("A file with any one bit of its header flipped is refused or read within its bounds")
  func bitFlips() throws {
    let whole = try Self.example()
    let headerEnd = whole.count - 30
    try withTemporaryDirectory { directory in
      let path = "\(directory)/a.safetensors"
      var refused = 0
      for position in 0..<headerEnd * 8 {
        var bytes = whole
        bytes[position / 8] ^= 1 << UInt8(position % 8)
        try FileContents.write(bytes, to: path)
        guard let file = try? SafetensorsFile(path: path) else {
          refused += 1
          continue
        }
        for tensor in file.tensors.values {
          #expect(tensor.byteOffset >= file.headerBytes.count && tensor.byteOffset + tensor.byteCount <= whole.count)
        }
      }
      #expect(refused > headerEnd * 4)
    }
  }

  @Test("Noise never opens")
  func noise() throws {
    var state: UInt64 = 1
    for length in [0, 1, 7, 8, 9, 64, 300] {
      let noise = (0..<length).map { _ -> UInt8 in
        // Knuth's multiplicative generator; the high byte is the random one.
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
      }
      #expect(try complaint(about: noise) != nil)
    }
  }

  @Test("A missing file and a directory are named")
  func unreadable() {
    let missing = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: "/none/a.safetensors") }
    #expect(missing?.description == "/none/a.safetensors: no such file")
    let directory = #expect(throws: CheckpointError.self) { try SafetensorsFile(path: "/tmp") }
    #expect(directory?.description == "/tmp: is a directory, not a file")
  }
}

import Files
import Foundation
import HTCVLM
import Safetensors
import Tensor
import Testing
import WeightFormats

/// Calls `body` with a directory that holds the fixture's configuration, a tokenizer file and the weights `entries`, one
/// shard for each list.
private func withCheckpoint<R>(
  _ shards: [[String]], index: String? = nil, _ body: (String) throws -> R
) throws -> R {
  try withTemporaryDirectory { directory in
    for name in ["config.json", "preprocessor_config.json"] {
      try FileManager.default.copyItem(atPath: fixture("star-png/\(name)"), toPath: "\(directory)/\(name)")
    }
    try FileContents.write([1], to: "\(directory)/tokenizer.model")
    for (number, names) in shards.enumerated() {
      let entries = names.map { SafetensorsEntry($0, Tensor(shape: [1], values: [Float(number)])) }
      let name = index == nil ? "model.safetensors" : "shard\(number).safetensors"
      try SafetensorsWriter.write(entries, metadata: [:], to: "\(directory)/\(name)")
    }
    if let index { try FileContents.write(Array(index.utf8), to: "\(directory)/model.safetensors.index.json") }
    return try body(directory)
  }
}

/// What opening the directory says, without the directory's path.
private func complaint(_ directory: String) -> String? {
  let error = #expect(throws: CheckpointError.self) { try CheckpointDirectory(path: directory) }
  return error?.description.replacingOccurrences(of: directory + "/", with: "")
}

@Suite("Checkpoint directories") struct CheckpointDirectoryTests {
  @Test("A directory opens by any spelling of its path, and hashes its configuration")
  func opens() throws {
    try withCheckpoint([["a", "b"]]) { directory in
      for path in [directory, directory + "/", directory + "/."] {
        let checkpoint = try CheckpointDirectory(path: path)
        #expect(checkpoint.name == directory.split(separator: "/").last.map(String.init))
        #expect(Set(checkpoint.tensors.keys) == ["a", "b"])
        // sha256sum of the fixture.
        #expect(checkpoint.configSHA256 == "55ad1f8080a9dea40d00e7dcfff2eaabdb05c75e883f4333493af30c0d0cd7ad")
      }
    }
  }

  @Test("The weights' hash is of all bytes of every shard, in the order of their names, and of one file its own")
  func weightsHash() throws {
    let index = #"{"weight_map": {"b": "shard1.safetensors", "a": "shard0.safetensors"}}"#
    try withCheckpoint([["a"], ["b"]], index: index) { directory in
      let digests = try (0..<2).map {
        SHA256.hexDigest(of: try FileContents.read(path: "\(directory)/shard\($0).safetensors", limit: 1 << 30))
      }
      let whole = SHA256.hexDigest(of: Array(digests.joined(separator: "\n").utf8))
      #expect(try CheckpointDirectory(path: directory).weightsSHA256 == whole)
    }
    try withCheckpoint([["a"]]) { directory in
      let bytes = try FileContents.read(path: "\(directory)/model.safetensors", limit: 1 << 30)
      #expect(try CheckpointDirectory(path: directory).weightsSHA256 == SHA256.hexDigest(of: bytes))
    }
  }

  @Test("Shards come together under their index")
  func shards() throws {
    let index =
      #"{"metadata": {"total_size": 8}, "weight_map": {"a": "shard0.safetensors", "b": "shard1.safetensors"}}"#
    try withCheckpoint([["a"], ["b"]], index: index) { directory in
      let tensors = try CheckpointDirectory(path: directory).tensors
      #expect(tensors["a"]?.float32().values == [0] && tensors["b"]?.float32().values == [1])
    }
  }

  @Test(
    "An index that lies is named with the tensor and the shard",
    arguments: [
      (
        #"{"weight_map": {"a": "shard0.safetensors", "c": "shard1.safetensors"}}"#,
        "tensor c should be in shard1.safetensors, but is not"
      ),
      (
        #"{"weight_map": {"a": "shard1.safetensors", "b": "shard0.safetensors"}}"#,
        "tensor a should be in shard1.safetensors, but is not"
      ),
      (
        #"{"weight_map": {"a": "../shard0.safetensors"}}"#,
        "weight_map.a is \"../shard0.safetensors\"; expected the name of a file in this directory"
      ),
      (
        #"{"weight_map": {"a": "/etc/passwd"}}"#,
        "weight_map.a is \"/etc/passwd\"; expected the name of a file in this directory"
      ),
      (#"{"weight_map": {"a": 3}}"#, "weight_map.a is 3; expected the name of a file in this directory"),
      (#"{"weight_map": {}}"#, "weight_map is an object of 0 keys; expected an object of file names"),
      (#"{}"#, "the key weight_map is missing; expected an object of file names"),
      (
        #"{"weight_map": {"a": "shard0.safetensors", "a": "shard1.safetensors"}}"#,
        "not valid JSON: the key \"a\" occurs twice at byte 43"
      ),
    ])
  func lyingIndex(index: String, expected: String) throws {
    try withCheckpoint([["a"], ["b"]], index: index) { directory in
      #expect(complaint(directory) == "model.safetensors.index.json: \(expected)")
    }
  }

  @Test("A shard that is missing is named, and of a tensor in two shards the one counts that the index names")
  func brokenShards() throws {
    try withCheckpoint([["a"]], index: #"{"weight_map": {"a": "shard0.safetensors", "b": "shard7.safetensors"}}"#) {
      #expect(complaint($0) == "shard7.safetensors: no such file")
    }
    let index = #"{"weight_map": {"a": "shard0.safetensors", "b": "shard1.safetensors"}}"#
    try withCheckpoint([["a"], ["a", "b"]], index: index) { directory in
      let tensors = try CheckpointDirectory(path: directory).tensors
      #expect(tensors["a"]?.float32().values == [0] && tensors["b"]?.float32().values == [1])
    }
  }

  @Test("Each file that is missing is named", arguments: ["config.json", "tokenizer.model"])
  func missingFiles(name: String) throws {
    try withCheckpoint([["a"]]) { directory in
      try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
      #expect(complaint(directory) == "\(name): no such file")
    }
  }

  @Test("A directory without weights, a file and nothing at all are told apart")
  func noCheckpoint() throws {
    try withCheckpoint([]) { directory in
      let error = #expect(throws: CheckpointError.self) { try CheckpointDirectory(path: directory) }
      #expect(
        error?.description
          == "\(directory): holds neither model.safetensors nor model.safetensors.index.json, nor pytorch_model.bin nor "
          + "pytorch_model.bin.index.json")
      let file = #expect(throws: CheckpointError.self) { try CheckpointDirectory(path: "\(directory)/config.json") }
      #expect(file?.description == "\(directory)/config.json: is a file, not a checkpoint directory")
      let weights: [[UInt8]] = [Array("PK\u{3}\u{4}".utf8), [2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)]
      for (bytes, isWeights) in weights.map({ ($0, true) }) + [(Array("{\"head\":{}}".utf8), false), ([], false)] {
        let path = "\(directory)/alone"
        try FileContents.write(bytes, to: path)
        let error = #expect(throws: CheckpointError.self) { try CheckpointDirectory(path: path) }
        #expect(error?.description.contains("codebook --model") == isWeights, "\(String(describing: error))")
      }
    }
    let nothing = #expect(throws: CheckpointError.self) { try CheckpointDirectory(path: "/none") }
    #expect(nothing?.description == "/none: no such file")
  }

  @Test("Without a preprocessor configuration the tower gets CLIP's statistics")
  func clipStatistics() throws {
    try withCheckpoint([["a"]]) { directory in
      try FileManager.default.removeItem(atPath: "\(directory)/preprocessor_config.json")
      #expect(try CheckpointDirectory(path: directory).preprocessor == .clip(imageSize: 84))
    }
  }
}

extension CheckpointDirectoryTests {
  @Test("generation_config.json says which tokens end an answer, before config.json does")
  func endTokens() throws {
    try withCheckpoint([["a"]]) { directory in
      let ends = { try CheckpointDirectory(path: directory).configuration.eosTokenIDs }
      let own = try ends()
      let file = "\(directory)/generation_config.json"
      for (text, expected) in [
        (#"{"eos_token_id": [7, 9]}"#, [7, 9] as Set<Int32>), (#"{"eos_token_id": 5}"#, [5]), (#"{"top_k": 50}"#, own),
        (#"{"eos_token_id": null, "do_sample": true, "temperature": 0.2}"#, own),
      ] {
        try FileContents.write(Array(text.utf8), to: file)
        #expect(try ends() == expected, "\(text)")
      }
      try FileContents.write(Array(#"{"eos_token_id": []}"#.utf8), to: file)
      #expect(complaint(directory)?.hasPrefix("generation_config.json: eos_token_id is a list of 0") == true)
    }
  }

  @Test(
    "What in generation_config.json would change the likeliest token is refused by its key, and neutral values pass",
    arguments: [
      ("repetition_penalty", "1.2", "1.0"), ("num_beams", "4", "1"), ("no_repeat_ngram_size", "3", "0"),
      ("suppress_tokens", "[4]", "[]"), ("bad_words_ids", "[[3]]", "null"), ("forced_bos_token_id", "3", "null"),
      ("min_new_tokens", "5", "0"), ("guidance_scale", "1.5", "1"), ("sequence_bias", "[[[5], 1.0]]", "null"),
      ("watermarking_config", "{\"bias\": 2.0}", "null"),
    ])
  func generation(key: String, changing: String, neutral: String) throws {
    try withCheckpoint([["a"]]) { directory in
      let file = "\(directory)/generation_config.json"
      try FileContents.write(Array("{\"\(key)\": \(changing)}".utf8), to: file)
      #expect(complaint(directory)?.hasPrefix("generation_config.json: \(key) is ") == true)
      try FileContents.write(Array("{\"\(key)\": \(neutral)}".utf8), to: file)
      #expect(throws: Never.self) { try CheckpointDirectory(path: directory) }
    }
  }

  @Test(
    "A directory whose files call <voco> by two numbers is refused, whichever file it is",
    arguments: ["added_tokens.json", "tokenizer_config.json", "tokenizer.json"])
  func voco(file: String) throws {
    try withCheckpoint([["a"]]) { directory in
      let id = try #require(try CheckpointDirectory(path: directory).configuration.vocoTokenID)
      func text(_ id: Int32) -> String {
        switch file {
        case "added_tokens.json": #"{"<voco>": \#(id)}"#
        case "tokenizer.json": #"{"added_tokens": [{"id": \#(id), "content": "<voco>"}]}"#
        default: #"{"added_tokens_decoder": {"\#(id)": {"content": "<voco>"}}}"#
        }
      }
      try FileContents.write(Array(text(id).utf8), to: "\(directory)/\(file)")
      #expect(try CheckpointDirectory(path: directory).configuration.vocoTokenID == id)
      try FileContents.write(Array(text(id - 1).utf8), to: "\(directory)/\(file)")
      #expect(complaint(directory)?.hasPrefix("config.json: voco_token_id is \(id); expected \(id - 1)") == true)
    }
  }
}

@Suite("Checkpoint reports") struct CheckpointReportTests {
  private func stored(_ name: String, _ shape: [Int]) -> StoredTensor {
    StoredTensor(name: name, tensor: .zeros(shape))
  }

  private func report(_ found: [StoredTensor]) -> CheckpointReport {
    CheckpointReport(
      expected: [
        ExpectedTensor(name: "b", shape: [2, 3]), ExpectedTensor(name: "a", shape: [4]),
        ExpectedTensor(name: "codebook_used", shape: [8], required: false),
      ],
      found: Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0) }))
  }

  @Test("A complete checkpoint is runnable, whatever else it holds")
  func complete() {
    let report = report([
      stored("a", [4]), stored("b", [2, 3]), stored("zebra", [1]),
      StoredTensor(name: "vision_model.embeddings.position_ids", shape: [2], integers: [0, 1]),
    ])
    #expect(report.rows.map(\.name) == ["b", "a", "codebook_used", "vision_model.embeddings.position_ids", "zebra"])
    #expect(report.rows.map(\.status) == [.ok, .ok, .optionalAbsent, .ignored, .unexpected])
    #expect(report.runnable && report.counts == [.ok: 2, .optionalAbsent: 1, .ignored: 1, .unexpected: 1])
    #expect(report.tally() == "2 ok, 1 unexpected, 1 optional one absent, 1 ignored")
    #expect(report.tally(of: "tensor").hasPrefix("2 tensors ok, 1 unexpected"))
  }

  @Test("The words for what became of a tensor are words", arguments: CheckpointReport.Status.allCases)
  func words(status: CheckpointReport.Status) { #expect(status.words == status.words.lowercased()) }

  @Test("What is missing, of another shape or another type stops a run and is shown with both sides")
  func broken() {
    #expect(!report([stored("a", [4])]).runnable)
    let wrongShape = report([stored("a", [4]), stored("b", [3, 2])])
    #expect(!wrongShape.runnable && wrongShape.rows[0].status == .wrongShape)
    #expect(wrongShape.rows[0].expectedShape == [2, 3] && wrongShape.rows[0].foundShape == [3, 2])
    let wrongType = report([StoredTensor(name: "a", shape: [4], integers: [1, 2, 3, 4]), stored("b", [2, 3])])
    #expect(!wrongType.runnable && wrongType.rows[1].status == .wrongDType && wrongType.rows[1].dtype == .i32)
  }

  @Test("An optional statistic of any type and shape does no harm")
  func optional() {
    let used = StoredTensor(name: "codebook_used", shape: [3], integers: [0, 0, 0])
    #expect(report([stored("a", [4]), stored("b", [2, 3]), used]).rows[2].status == .ok)
  }
}

import Foundation
import Safetensors
import Tensor
import Testing
import Trace

/// Calls `body` with a path in a directory of its own, which is removed afterwards.
func withTemporaryPath<R>(_ name: String, _ body: (String) throws -> R) throws -> R {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory.appendingPathComponent(name).path)
}

/// The trace read back from a file made of `trace`'s tensors and strings after `change`.
private func reread(
  _ trace: Trace, _ change: (inout [SafetensorsEntry], inout [String: String]) -> Void
) throws -> Trace {
  try withTemporaryPath("trace.safetensors") { path in
    try TraceFile.write(trace, to: path)
    var entries = TraceFile.entries(of: trace)
    var metadata = try SafetensorsFile(path: path).metadata
    change(&entries, &metadata)
    try SafetensorsWriter.write(entries, metadata: metadata, to: path)
    return try TraceFile.read(path: path)
  }
}

@Suite("Trace files") struct TraceFileTests {
  @Test("The row of a token of the text is 0 at the keys that it has no column for")
  func textRow() {
    let attention = TextAttention(
      layers: [Tensor(shape: [1, 1, 2], values: [0.25, 0.75])], positions: [3], pieces: ["a"], columns: [0, 3])
    // The second time memory holds what was there before.
    for _ in 0..<8 { #expect(attention.rows(of: 0, length: 5).values == [0.25, 0, 0, 0.75, 0]) }
  }

  @Test("A trace of every stage reads back equal, strings of any kind included")
  func roundTrip() throws {
    let trace = exampleTrace()
    #expect(try reread(trace) { _, _ in } == trace)
  }

  @Test("Writing the same trace twice gives the same bytes")
  func deterministic() throws {
    try withTemporaryPath("trace.safetensors") { path in
      try TraceFile.write(exampleTrace(), to: path)
      let first = try Data(contentsOf: URL(fileURLWithPath: path))
      try TraceFile.write(exampleTrace(), to: path)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == first)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path)
          == ["trace.safetensors"])
    }
  }

  @Test(
    "No trace is written of which a value is no finite number, and what was there stays",
    arguments: [
      "vision.features", "mgvq.latent", "mgvq.reconstruction", "anchors", "attention.last", "hidden.voco", "logits",
    ])
  func notFinite(_ name: String) throws {
    let bad = { (tensor: Tensor?) in
      tensor.map { Tensor(shape: $0.shape, values: [.nan] + $0.values.dropFirst()) }
    }
    var trace = exampleTrace()
    let (vision, mgvq, language) = (try #require(trace.vision), try #require(trace.mgvq), try #require(trace.language))
    func pick(_ key: String, _ tensor: Tensor) -> Tensor { key == name ? bad(tensor) ?? tensor : tensor }
    trace.vision = VisionTrace(
      pixelValues: vision.pixelValues, features: pick("vision.features", vision.features), patches: vision.patches)
    trace.mgvq = MGVQTrace(
      pixelValues: mgvq.pixelValues, latent: pick("mgvq.latent", mgvq.latent), codes: mgvq.codes,
      quantized: mgvq.quantized, reconstruction: mgvq.reconstruction.map { pick("mgvq.reconstruction", $0) })
    trace.anchors = trace.anchors.map { pick("anchors", $0) }
    trace.language = LanguageTrace(
      attentionVoco: language.attentionVoco, attentionLast: pick("attention.last", language.attentionLast),
      hiddenVoco: pick("hidden.voco", language.hiddenVoco), logits: pick("logits", language.logits),
      valueNorms: language.valueNorms, rolloutVoco: language.rolloutVoco)
    try withTemporaryPath("trace.safetensors") { path in
      try Data("old".utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: CheckpointError.self) { try TraceFile.write(trace, to: path) }
      #expect(error?.description.contains("tensor \(name) is not finite: it holds NaN at [0") == true)
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("old".utf8))
    }
  }

  @Test(
    "Rows of attention that do not sum to one are refused by their place",
    arguments: [
      ("attention.voco", Float(0.5)), ("attention.last", 0.99), ("attention.voco", 1.01), ("attention.last", 0),
    ])
  func attentionSums(_ name: String, _ factor: Float) throws {
    let error = #expect(throws: CheckpointError.self) {
      try reread(exampleTrace()) { entries, _ in
        entries = entries.map { entry in
          guard entry.name == name, case .floats(var values) = entry.elements else { return entry }
          for index in 40..<50 { values[index] *= factor }
          return SafetensorsEntry(name, Tensor(shape: entry.shape, values: values))
        }
      }
    }
    #expect(error?.description.contains("tensor \(name) holds a row [1, 1] that sums to") == true, "\(error as Any)")
  }

  @Test("Attention at a key that the file's own mask hides is refused by its place; with another mask the file opens")
  func attentionBehindTheMask() throws {
    let trace = exampleTrace()
    let voco = try #require(trace.language?.attentionVoco)
    var values = voco.values
    // Layer 2, head 2: the rows still sum to one.
    (values[4 * 10 + 3], values[4 * 10 + 8]) = (values[4 * 10 + 3] - 0.01, 0.01)
    let lie = SafetensorsEntry("attention.voco", Tensor(shape: voco.shape, values: values))
    let error = #expect(throws: CheckpointError.self) {
      try reread(trace) { entries, _ in entries = entries.filter { $0.name != lie.name } + [lie] }
    }
    let sentence =
      "tensor attention.voco holds 0.01 at [1, 1, 8], layer 2 head 2; expected at most 1e-06, for mask hides key 8 "
      + "(▁what) from row 7"
    #expect(error?.description.hasSuffix(sentence) == true, "\(error as Any)")
    let mask = SafetensorsEntry("mask", shape: [10, 10], bytes: [UInt8](repeating: 1, count: 100))
    let read = try reread(trace) { entries, _ in
      entries = entries.filter { $0.name != lie.name && $0.name != mask.name } + [lie, mask]
    }
    #expect(read.language?.attentionVoco.values == values)
  }

  @Test("The last prompt token's attention lies within the mask too, to within rounding")
  func lastBehindTheMask() throws {
    var trace = exampleTrace()
    for key in 0..<7 { trace.sequence?.mask[90 + key] = 0 }
    let error = #expect(throws: CheckpointError.self) { try reread(trace) { _, _ in } }
    #expect(error?.description.contains("for mask hides key") == true && error?.description.contains("row 9") == true)
    let rows = (0..<6).flatMap { _ in [Float](repeating: 5e-7, count: 7) + [0.5, 0.25, 0.25] }
    trace.language?.attentionLast = Tensor(shape: [2, 3, 10], values: rows)
    #expect(try reread(trace) { _, _ in } == trace)
  }

  @Test("A model that pools its patches has the features of all, and says so")
  func pooled() throws {
    var trace = exampleTrace()
    trace.model.visualTokenPooling = 2
    let vision = try #require(trace.vision)
    trace.vision = VisionTrace(pixelValues: vision.pixelValues, features: numbers([16, 5]), patches: vision.patches)
    #expect(try reread(trace) { _, _ in } == trace)
    trace.vision = vision
    let error = #expect(throws: CheckpointError.self) { try reread(trace) { _, _ in } }
    #expect(error?.description.contains("vision.features is F32 [4, 5]; expected F32 [16, any]") == true)
  }

  @Test("With what a run was computed is read back, also a seed of 64 bits; a trace that does not say so has none")
  func computation() throws {
    var trace = exampleTrace()
    #expect(trace.provenance.computation == nil)
    let computation = Computation(kernel: "OpenBLAS Zen", threads: 7, temperature: 0.7, topP: 0.95, seed: .max)
    trace.provenance.computation = computation
    let read = try reread(trace) { _, metadata in
      #expect(metadata["kernel"] == "OpenBLAS Zen" && metadata["threads"] == "7" && metadata["temperature"] == "0.7")
      #expect(metadata["top_p"] == "0.95" && metadata["seed"] == "18446744073709551615")
    }
    #expect(read == trace && read.provenance.computation == computation)
    #expect(computation.sampling == "temperature 0.7, top-p 0.95, seed 18446744073709551615")
    let greedy = Computation(kernel: "k", threads: 1, temperature: 0, topP: 1, seed: 3)
    #expect(greedy.sampling == "greedy" && greedy.machine == "k, 1 thread")
  }

  @Test(
    "What says with what a run was computed is whole and possible, or named",
    arguments: [
      ("threads", "0"), ("threads", "two"), ("temperature", "-1"), ("temperature", "nan"), ("temperature", "inf"),
      ("top_p", "0"), ("top_p", "1.5"), ("seed", "-1"), ("seed", "18446744073709551616"), ("seed", nil),
      ("threads", nil), ("temperature", nil), ("top_p", nil),
    ])
  func badComputation(key: String, value: String?) {
    var trace = exampleTrace()
    trace.provenance.computation = Computation(kernel: "k", threads: 1, temperature: 0, topP: 1, seed: 0)
    let error = #expect(throws: CheckpointError.self) { try reread(trace) { _, metadata in metadata[key] = value } }
    #expect(error?.description.contains("__metadata__.\(key)") == true, "\(error as Any)")
  }

  @Test("Tensors carry the names and types of the specification")
  func names() throws {
    let entries = TraceFile.entries(of: exampleTrace())
    #expect(
      Set(entries.map(\.name)) == [
        "vision.pixel_values", "vision.features", "patches", "mgvq.pixel_values", "mgvq.latent", "mgvq.codes",
        "mgvq.quantized", "mgvq.reconstruction", "anchors", "sequence.embeddings", "sequence.token_ids", "mask",
        "attention.voco", "attention.last", "hidden.voco", "logits", "value_norms.voco", "rollout.voco",
        "generated.token_ids",
      ])
    try withTemporaryPath("trace.safetensors") { path in
      try TraceFile.write(exampleTrace(), to: path)
      let file = try SafetensorsFile(path: path)
      #expect(file.tensors["mask"]?.dtype == .u8 && file.tensors["mask"]?.shape == [10, 10])
      for name in ["mgvq.codes", "sequence.token_ids", "generated.token_ids"] {
        #expect(file.tensors[name]?.dtype == .i32)
      }
      #expect(file.metadata["format"] == "vocoscope-trace" && file.metadata["generated_text"] == "a cat")
    }
  }

  @Test("A trace of a run under way, or without optional tensors, still opens")
  func partial() throws {
    var trace = exampleTrace()
    trace.mgvq?.reconstruction = nil
    trace.language?.valueNorms = nil
    trace.language?.rolloutVoco = nil
    #expect(try reread(trace) { _, _ in } == trace)
    trace.generation = nil
    trace.language = nil
    #expect(try reread(trace) { _, _ in } == trace)
    trace.sequence = nil
    trace.vision = nil
    trace.anchors = nil
    trace.mgvq = nil
    #expect(try reread(trace) { _, _ in } == trace)
  }

  @Test("A safetensors file that is no trace says which key tells them apart, and its tensors can be read all the same")
  func foreign() throws {
    try withTemporaryPath("expected.safetensors") { path in
      try SafetensorsWriter.write(TraceFile.entries(of: exampleTrace()), metadata: [:], to: path)
      let error = #expect(throws: CheckpointError.self) { try TraceFile.read(path: path) }
      #expect(error?.description.hasPrefix("\(path): the key __metadata__.format is missing") == true)
      #expect(try SafetensorsFile(path: path).tensors["logits"]?.float32() == exampleTrace().language?.logits)
    }
  }

  @Test("A target that cannot be written is named, and nothing is left behind")
  func unwritable() throws {
    try withTemporaryPath("none/trace.safetensors") { path in
      let error = #expect(throws: CheckpointError.self) { try TraceFile.write(exampleTrace(), to: path) }
      #expect(error?.description == "\(path): cannot be written: No such file or directory")
    }
  }
}

@Suite("Traces that lie") struct LyingTraceTests {
  /// A tensor put in place of another, and what the error says of it.
  static let lies: [(SafetensorsEntry, String)] = [
    (SafetensorsEntry("mgvq.codes", shape: [2, 2, 1], integers: [0, 5, 1, 1]), "holds 5"),
    (SafetensorsEntry("mgvq.codes", shape: [2, 2, 1], integers: [0, -1, 1, 1]), "holds -1"),
    (
      SafetensorsEntry("mgvq.codes", shape: [4, 1, 1], integers: [0, 1, 1, 1]),
      "is I32 [4, 1, 1]; expected I32 [2, 2, 1]"
    ),
    (SafetensorsEntry("mask", shape: [10, 10], bytes: [UInt8](repeating: 2, count: 100)), "other values than 0 and 1"),
    (SafetensorsEntry("mask", shape: [100], bytes: [UInt8](repeating: 1, count: 100)), "is U8 [100]"),
    (SafetensorsEntry("logits", .zeros([11])), "expected F32 [12]"),
    (SafetensorsEntry("logits", Tensor(shape: [12], values: [Float](repeating: .nan, count: 12))), "not finite"),
    (SafetensorsEntry("anchors", .zeros([3, 4])), "is F32 [3, 4]; expected F32 [2, 4]"),
    (SafetensorsEntry("vision.pixel_values", .zeros([3, 6, 5])), "expected F32 [3, 6, 6]"),
    (SafetensorsEntry("vision.features", .zeros([4, 0])), "is F32 [4, 0]; expected F32 [4, any]"),
    (SafetensorsEntry("vision.features", .zeros([5, 5])), "is F32 [5, 5]; expected F32 [4, any]"),
    (SafetensorsEntry("vision.features", .zeros([16, 5])), "is F32 [16, 5]; expected F32 [4, any]"),
    (
      SafetensorsEntry("attention.voco", Tensor(shape: [2, 3, 10], values: [Float](repeating: 7, count: 60))),
      "holds 7.0"
    ),
    (SafetensorsEntry("generated.token_ids", shape: [1], integers: [12]), "holds 12"),
    (
      SafetensorsEntry("sequence.token_ids", shape: [10], integers: [1, -2, -2, -1, -1, -1, 4, 11, 5, 6]),
      "which the spans call patches"
    ),
  ]

  @Test("A tensor that contradicts the model or the sequence is named with what was expected", arguments: lies.indices)
  func tensors(index: Int) {
    let (lie, phrase) = Self.lies[index]
    let error = #expect(throws: CheckpointError.self) {
      try reread(exampleTrace()) { entries, _ in
        entries = entries.filter { $0.name != lie.name } + [lie]
      }
    }
    #expect(
      error?.description.contains("tensor \(lie.name) ") == true && error?.description.contains(phrase) == true,
      "\(error.map(String.init(describing:)) ?? "")")
  }

  @Test(
    "A stage with a tensor missing names the tensor",
    arguments: ["patches", "mgvq.latent", "sequence.embeddings", "mask", "logits"])
  func incomplete(name: String) {
    let error = #expect(throws: CheckpointError.self) {
      try reread(exampleTrace()) { entries, _ in entries.removeAll { $0.name == name } }
    }
    #expect(error?.description.contains("tensor \(name) is missing") == true)
  }

  @Test(
    "A string that contradicts the tensors is named by its key",
    arguments: [
      ("spans", "[]"), ("spans", "[1]"), ("spans", "{"), ("spans", "[{\"kind\":\"bos\",\"start\":0,\"count\":10}]"),
      ("spans", "[{\"kind\":\"text\",\"start\":1,\"count\":9}]"),
      ("spans", "[{\"kind\":\"x\",\"start\":0,\"count\":10}]"),
      ("pieces", "[\"a\"]"), ("pieces", "[1,2,3,4,5,6,7,8,9,10]"), ("model", "{}"), ("model", "[]"),
      ("image_width", "-3"), ("image_width", "99999999999999999999"), ("image_sha256", "xyz"), ("image_sha256", ""),
    ])
  func strings(key: String, value: String) {
    let error = #expect(throws: (any Error).self) {
      try reread(exampleTrace()) { _, metadata in metadata[key] = value }
    }
    let names = key == "spans" ? ["__metadata__.spans", "which the spans call"] : ["__metadata__.\(key)"]
    #expect(
      names.contains { error.map(String.init(describing:))?.contains($0) == true },
      "\(error.map(String.init(describing:)) ?? "")")
  }

  @Test(
    "A missing string is named by its key",
    arguments: ["version", "prompt", "model", "spans", "pieces", "weights_sha256", "generated_text"])
  func missingStrings(key: String) {
    let error = #expect(throws: CheckpointError.self) {
      try reread(exampleTrace()) { _, metadata in metadata[key] = nil }
    }
    #expect(error?.description.contains("__metadata__.\(key) is missing") == true)
  }

  @Test("A trace cut short is refused, never trusted")
  func truncation() throws {
    try withTemporaryPath("trace.safetensors") { path in
      try TraceFile.write(exampleTrace(), to: path)
      let whole = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      for length in stride(from: 0, to: whole.count, by: 41) {
        try Data(whole[..<length]).write(to: URL(fileURLWithPath: path))
        #expect(throws: CheckpointError.self) { try TraceFile.read(path: path) }
      }
    }
  }

  @Test("A trace with one bit flipped is refused or read, never fatal")
  func bitFlips() throws {
    try withTemporaryPath("trace.safetensors") { path in
      try TraceFile.write(exampleTrace(), to: path)
      var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      var refused = 0
      for position in stride(from: 0, to: bytes.count, by: 7) {
        bytes[position] ^= 1 << UInt8(position % 8)
        defer { bytes[position] ^= 1 << UInt8(position % 8) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        if (try? TraceFile.read(path: path)) == nil { refused += 1 }
      }
      #expect(refused > 100)
    }
  }
}

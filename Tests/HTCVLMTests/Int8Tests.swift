import Foundation
import HTCVLM
import Safetensors
import Synchronization
import Tensor
import TestSupport
import Testing
import Trace

/// The decoder with 8-bit matrices, on copies of the parity cases.
@Suite("8-bit decoder")
struct Int8Tests {
  /// A writable copy of a case's directory, removed with the value.
  private final class Copy {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("int8-\(UUID().uuidString)").path

    init(_ parity: ParityCase) throws { try FileManager.default.copyItem(atPath: parity.directory, toPath: path) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var made: String { "\(path)/vocoscope-int8.safetensors" }

    func pipeline(_ precision: Precision = .int8) throws -> Pipeline {
      try Pipeline(opening: path, version: "test", precision: precision)
    }
  }

  private func modificationTime(_ path: String) throws -> Date? {
    try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
  }

  @Test("Logits and attention stay near the exact ones, and the trace says int8", arguments: ParityCase.all)
  func closeness(_ parity: ParityCase) throws {
    let copy = try Copy(parity)
    let trace = try copy.pipeline().trace(try parity.picture(), try parity.request())
    let expected = try parity.expected().tensors
    #expect(trace.model.precision == .own(.int8))
    let logits = try #require(trace.language?.logits)
    let exact = try #require(expected["logits"]).float32()
    let scale = exact.values.map(abs).max() ?? 0
    let largest = zip(logits.values, exact.values).map { abs($0 - $1) }.max() ?? .infinity
    #expect(largest > 0, "the integers were not used")
    #expect(largest < 0.1 * scale)
    let rows = try #require(trace.language?.attentionVoco)
    let exactRows = try #require(expected["attention.voco"]).float32()
    #expect(zip(rows.values, exactRows.values).allSatisfy { abs($0 - $1) < 0.02 })
  }

  @Test("After a run of 8 bits the exact one takes codes, anchors and their picture over, and gives a cold run's trace")
  func adopted() throws {
    let parity = ParityCase.star
    let copy = try Copy(parity)
    let (picture, request) = (try parity.picture(), try parity.request())
    let (rounded, exact) = (try copy.pipeline(), try copy.pipeline(.exact))
    _ = try rounded.trace(picture, request)
    exact.adopt(rounded)
    let states = Mutex<[PipelineStage: StageProgress.State]>([:])
    let trace = try exact.trace(picture, request) { progress in
      states.withLock { $0[progress.stage] = progress.state }
    }
    let last = states.withLock { $0 }
    for stage in [PipelineStage.mgvq, .anchors, .reconstruction] { #expect(last[stage] == .reused) }
    for stage in [PipelineStage.vision, .decoder, .answer] { #expect(last[stage] == .finished) }
    #expect(trace == (try copy.pipeline(.exact).trace(picture, request)))
  }

  @Test("A run on edited codes says int8 in its trace as the plain run does")
  func edited() throws {
    let copy = try Copy(.star)
    let pipeline = try copy.pipeline()
    let (picture, request) = (try ParityCase.star.picture(), try ParityCase.star.request())
    let codes = try #require(try pipeline.trace(picture, request).mgvq?.codes)
    let edited = try pipeline.trace(picture, request, codes: codes, edits: "none")
    #expect(edited.model.precision == .own(.int8) && edited.model == pipeline.model.description)
  }

  @Test("The integers are made once, used again, and made anew when the weights change")
  func reuse() throws {
    let copy = try Copy(.star)
    _ = try copy.pipeline()
    let first = try modificationTime(copy.made)
    _ = try copy.pipeline()
    #expect(try modificationTime(copy.made) == first)
    // A weight changes, and the file's size and time of modification do not.
    let weights = "\(copy.path)/model.safetensors"
    let time = try #require(try modificationTime(weights))
    try change(weights, at: -1)
    try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: weights)
    _ = try copy.pipeline()
    #expect(try modificationTime(copy.made) != first)
  }

  @Test("Integers of which one byte was damaged are made anew", arguments: [-1, -1000, -20_000])
  func flipped(_ place: Int) throws {
    let copy = try Copy(.star)
    let answer = try copy.pipeline().trace(try ParityCase.star.picture(), try ParityCase.star.request())
    let whole = try Data(contentsOf: URL(fileURLWithPath: copy.made))
    try change(copy.made, at: place)
    let again = try copy.pipeline().trace(try ParityCase.star.picture(), try ParityCase.star.request())
    #expect(again.language?.logits == answer.language?.logits)
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy.made)) == whole)
  }

  @Test(
    "Integers whose header names one tensor wrongly, or two by each other's names, are made anew",
    arguments: [false, true])
  func renamed(_ isExchange: Bool) throws {
    let copy = try Copy(.star)
    let answer = try copy.pipeline().trace(try ParityCase.star.picture(), try ParityCase.star.request())
    let whole = try Data(contentsOf: URL(fileURLWithPath: copy.made))
    let names = ["model.layers.0.mlp.down_proj.weight\"", "model.layers.1.mlp.down_proj.weight\""].map { Data($0.utf8) }
    let (first, second) = (try #require(whole.range(of: names[0])), try #require(whole.range(of: names[1])))
    var damaged = whole
    damaged.replaceSubrange(first, with: isExchange ? names[1] : Data("model.layers.7.mlp.down_proj.weight\"".utf8))
    if isExchange { damaged.replaceSubrange(second, with: names[0]) }
    try damaged.write(to: URL(fileURLWithPath: copy.made))
    let again = try copy.pipeline().trace(try ParityCase.star.picture(), try ParityCase.star.request())
    #expect(again.language?.logits == answer.language?.logits)
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy.made)) == whole)
  }

  /// Flips the low bit of a byte, counted from the end, in place.
  private func change(_ path: String, at place: Int) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    let offset = try file.seekToEnd() - UInt64(-place)
    try file.seek(toOffset: offset)
    let byte = try #require(try file.read(upToCount: 1)?.first)
    try file.seek(toOffset: offset)
    try file.write(contentsOf: Data([byte ^ 1]))
    try file.close()
  }

  @Test("A half-written or foreign file in the integers' place is replaced")
  func damaged() throws {
    let copy = try Copy(.star)
    try Data("not safetensors".utf8).write(to: URL(fileURLWithPath: copy.made))
    let trace = try copy.pipeline().trace(try ParityCase.star.picture(), try ParityCase.star.request())
    #expect(trace.language?.logits != nil)
    #expect(try SafetensorsFile(path: copy.made).tensors.values.contains { $0.dtype == .i8 })
  }

  @Test("Cancelling while the integers are made leaves no file")
  func cancelled() throws {
    struct Stop: Error {}
    let copy = try Copy(.star)
    let directory = try CheckpointDirectory(path: copy.path)
    let keys = directory.tensors.keys.filter { $0.hasSuffix("mlp.up_proj.weight") }.sorted()
    #expect(!keys.isEmpty)
    #expect(throws: Stop.self) {
      _ = try directory.int8Weights(keys: keys, cacheDirectory: nil) { _, _ in throw Stop() }
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: copy.path)
    #expect(!left.contains { $0.contains("int8") })
  }
}

import Experiments
import Foundation
import HTCVLM
import Safetensors
import Tensor
import TestSupport
import Testing

@Suite("A verification in parts")
struct VerifyMergeTests {
  @Test("Parts merged in any order say what one run says; one that is missing or double is named")
  func merge() throws {
    let folder = try TemporaryFolder()
    let model = folder.path("model")
    try ConstructedCheckpoint.uses.write(to: model, tokenizer: recordedCheckpoint + "/tokenizer.model")
    let pictures = try VerifyPictures(try ConstructedCheckpoint.writePictures(5, to: folder.root))
    let pipeline = try Pipeline(opening: model, version: "test")
    func state(_ shard: Shard, savingTo path: String?) throws -> VerifyState {
      let subject = try VerifySubject(
        pipeline.checkpoint, model: pipeline.model, prompts: ["what is it?"], version: "test")
      return try VerifyRun(
        subject, pictures.files, tensors: pipeline.checkpoint.tensors, preprocessor: pipeline.checkpoint.preprocessor,
        picturesSHA256: pictures.sha256, seed: 1, randomModels: false, progress: { _ in }
      ).finish(shard, savingTo: path)
    }
    let parts = (1...3).map { folder.path("part-\($0).jsonl") }
    for (index, part) in parts.enumerated() { _ = try state(try Shard("\(index + 1)/3"), savingTo: part) }
    let whole = VerifyReport(try state(.whole, savingTo: nil)).csv
    for order in [parts, parts.reversed(), [parts[1], parts[2], parts[0]]] {
      #expect(try VerifyReport(VerifyStateFile.merge(order)).csv == whole)
    }
    let gap = #expect(throws: (any Error).self) { try VerifyStateFile.merge([parts[0], parts[2]]) }
    #expect(gap.map { "\($0)" }?.contains("part 2/3 is missing") == true)
    let twice = #expect(throws: (any Error).self) { try VerifyStateFile.merge(parts + [parts[1]]) }
    #expect(twice.map { "\($0)" }?.contains("holds part 2/3") == true)

    let text = try String(contentsOfFile: parts[0], encoding: .utf8)
    let faults = [
      ("null", "plan.run.seed is null"), ("\"one\"", "plan.run.seed is not"), ("[]", "plan.run.seed is not"),
      ("1e300", "the line is damaged"),
    ]
    for (value, words) in faults {
      let changed = text.replacing(/"seed":1\b/, with: "\"seed\":\(value)", maxReplacements: 1)
      try #require(changed != text)
      let path = try folder.write(changed, as: "changed.jsonl")
      let error = #expect(throws: (any Error).self) { try VerifyStateFile.load(path) }
      let sentence = error.map { "\($0)" } ?? ""
      #expect(sentence.contains("changed.jsonl, line 1: \(words)"), "\(sentence)")
    }
  }

  @Test("Parts that lend each other what they prepared say what one run says, to the bit, and encode no picture again")
  func prepared() throws {
    let folder = try TemporaryFolder()
    let lending = try Lending(folder, pictures: 14)
    let whole = try VerifyReport(lending.run().finish()).json
    let again = lending.source.encoded
    #expect(again.allSatisfy { $0 >= 1 })

    for number in 1...3 { try lending.prepare(number, of: 3) }
    #expect(zip(lending.source.encoded, again).allSatisfy { $0 == $1 + 1 })
    try lending.prepare(2, of: 3)
    let parts = try lending.measure(3)
    #expect(zip(lending.source.encoded, again).allSatisfy { $0 == $1 + 1 })
    #expect(lending.said.isEmpty)
    #expect(try VerifyReport(VerifyStateFile.merge(parts)).json == whole)
  }

  @Test("What a killed part did not prepare is worked out by the others, who say so, or by it when it is started again")
  func partlyPrepared() throws {
    let folder = try TemporaryFolder()
    let lending = try Lending(folder, pictures: 14)
    let whole = try VerifyReport(lending.run().finish()).json
    let none = #expect(throws: (any Error).self) { try lending.measure(1) }
    #expect(none.map { "\($0)" }?.contains("prepared") == true)
    for number in 1...2 { try lending.prepare(number, of: 2) }
    let path = "\(lending.directory)/prepared-2-of-2.jsonl"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let cut = text.split(separator: "\n").prefix(4).joined(separator: "\n") + "\n{\"key\":\"half a li"
    try cut.write(toFile: path, atomically: false, encoding: .utf8)
    try FileManager.default.removeItem(atPath: "\(lending.directory)/\(lending.source.keys[0]).safetensors")

    let parts = try lending.measure(2)
    #expect(lending.said.count == 2 && lending.said[0].contains("holds 10 of 14 pictures"), "\(lending.said)")
    #expect(try VerifyReport(VerifyStateFile.merge(parts)).json == whole)
    try lending.prepare(2, of: 2)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
  }

  @Test("Where keys and values have no room no picture is encoded twice; where nothing has, all is measured alike")
  func littleRoom() throws {
    let lending = try Lending(TemporaryFolder(), pictures: 14)
    func report(room: Int) throws -> (json: String, encoded: [Int]) {
      let before = lending.source.encoded
      let json = try VerifyReport(lending.run(room: room).finish()).json
      return (json, zip(lending.source.encoded, before).map { $0 - $1 })
    }
    let whole = try report(room: VerifyRun.room)
    let bytes = try lending.bytes(ofPicture: 0)
    let little = try report(room: 14 * bytes.encoded + 2 * bytes.compressed)
    #expect(little.json == whole.json)
    #expect(little.encoded.allSatisfy { $0 == 1 } && whole.encoded == little.encoded, "\(little.encoded)")
    let none = try report(room: 0)
    #expect(none.json == whole.json)
    #expect(none.encoded.allSatisfy { $0 > 1 }, "\(none.encoded)")
  }

  @Test("What was prepared for another run, or is damaged, is refused by name")
  func preparedForAnother() throws {
    let folder = try TemporaryFolder()
    let lending = try Lending(folder, pictures: 3)
    try lending.prepare(1, of: 1)
    func expectRefusal(_ words: String, _ sentence: () throws -> Void) {
      let error = #expect(throws: (any Error).self) { try sentence() }
      #expect(error.map { "\($0)" }?.contains(words) == true, "\(String(describing: error))")
    }
    expectRefusal("prepared-1-of-1.jsonl, line 1: is of another run: prompts is what is it? in it, expected why?") {
      _ = try PreparedPictures(lending.directory, run: lending.subject(prompt: "why?").evidenceRun(seed: 1))
    }
    expectRefusal("is of another run: seed is 1 in it, expected 2") {
      _ = try PreparedPictures(lending.directory, run: lending.subject().evidenceRun(seed: 2))
    }

    let lines = "\(lending.directory)/prepared-1-of-1.jsonl"
    let text = try String(contentsOfFile: lines, encoding: .utf8)
    let tampered = text.replacing(/"tokens":\[\[[0-9]+/, with: "\"tokens\":[[4000000")
    try #require(tampered != text)
    try tampered.write(toFile: lines, atomically: true, encoding: .utf8)
    expectRefusal("its answer holds the token 4000000") { _ = try lending.measure(1) }
    try text.write(toFile: lines, atomically: true, encoding: .utf8)

    let tensors = "\(lending.directory)/\(lending.source.keys[1]).safetensors"
    let file = try SafetensorsFile(path: tensors)
    let features = try #require(file.tensors["vision.features"]).float32()
    let (name, rows) = ("vision.features", features.shape[0])
    let damaged: [(SafetensorsEntry, [String: String], String)] = [
      (SafetensorsEntry(name, features[rows: 1..<rows]), file.metadata, "\(name) is F32 [\(rows - 1), "),
      (SafetensorsEntry(name, features * .nan), file.metadata, "\(name) holds a number that is not finite"),
      (SafetensorsEntry("other", features), file.metadata, "\(name) is missing"),
      (SafetensorsEntry(name, features), file.metadata.merging(["weights_sha256": "0"]) { $1 }, "weights_sha256 is 0"),
    ]
    for (entry, metadata, words) in damaged {
      try SafetensorsWriter.write([entry], metadata: metadata, to: tensors)
      try? FileManager.default.removeItem(atPath: lending.part(1, of: 1))
      expectRefusal("\(lending.source.keys[1]).safetensors: \(words)") { _ = try lending.measure(1) }
    }
  }
}

/// A small checkpoint and pictures of which parts lend each other what they prepare.
private final class Lending {
  let directory: String
  let source: CountedPictures
  private(set) var said: [String] = []
  private let folder: TemporaryFolder
  private let pipeline: Pipeline
  private let pictures: VerifyPictures

  init(_ folder: TemporaryFolder, pictures count: Int) throws {
    self.folder = folder
    directory = folder.path("prepared")
    let model = folder.path("model")
    try ConstructedCheckpoint.uses.write(to: model, tokenizer: recordedCheckpoint + "/tokenizer.model")
    pictures = try VerifyPictures(try ConstructedCheckpoint.writePictures(count, to: folder.root))
    pipeline = try Pipeline(opening: model, version: "test")
    source = CountedPictures(pictures.files)
  }

  func subject(prompt: String = "what is it?") throws -> VerifySubject {
    try VerifySubject(pipeline.checkpoint, model: pipeline.model, prompts: [prompt], version: "test")
  }

  func run(_ prepared: PreparedPictures? = nil, room: Int = VerifyRun.room) throws -> VerifyRun {
    VerifyRun(
      try subject(), source, tensors: pipeline.checkpoint.tensors, preprocessor: pipeline.checkpoint.preprocessor,
      picturesSHA256: pictures.sha256, seed: 1, randomModels: false, prepared: prepared, room: room,
      progress: { _ in }, say: { self.said.append($0) })
  }

  func prepare(_ number: Int, of count: Int) throws {
    try run().prepare(try Shard("\(number)/\(count)"), into: directory)
  }

  /// What a picture takes with no more than the projectors read, and with its keys and values.
  func bytes(ofPicture index: Int) throws -> (encoded: Int, compressed: Int) {
    let visual = try source.files.encode(index, pipeline.model)
    let cache = try pipeline.model.compress(visual)
    return (visual.forProjectors.byteCount, pipeline.model.donor(cache).byteCount + visual.byteCount)
  }

  func part(_ number: Int, of count: Int) -> String { folder.path("part-\(number)-\(count).jsonl") }

  /// Measures all parts with what was prepared; their states.
  func measure(_ count: Int) throws -> [String] {
    let prepared = try PreparedPictures(directory, run: try subject().evidenceRun(seed: 1))
    return try (1...count).map { number in
      let path = part(number, of: count)
      _ = try run(prepared).finish(try Shard("\(number)/\(count)"), savingTo: path)
      return path
    }
  }
}

/// Pictures in files that count how often each is encoded.
private final class CountedPictures: VerifySource {
  private(set) var encoded: [Int]
  let files: PictureFiles

  init(_ files: PictureFiles) { (self.files, encoded) = (files, files.paths.map { _ in 0 }) }

  var keys: [String] { files.keys }
  var names: [String] { files.names }

  func encode(_ index: Int, _ model: HTCVLMModel) throws -> VisualEncoding {
    encoded[index] += 1
    return try files.encode(index, model)
  }

  func blank(_ index: Int, _ model: HTCVLMModel, seed: UInt64) throws -> VisualEncoding {
    try files.blank(index, model, seed: seed)
  }
}

import Experiments
import Foundation
import HTCVLM
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
}

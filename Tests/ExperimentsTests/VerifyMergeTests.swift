import Experiments
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
  }
}

import Foundation
import HTCVLM
import Tensor
import TestSupport
import Testing
import Tokenization
import Trace

@Suite("VoCo-LLaMA and M3 directories")
struct VocoLLaMATests {
  /// The sequence of a run on `parts`.
  private func sequence(_ parts: ModelParts, prompt: String = "what?\nAnswer in one word.") throws -> SequenceTrace {
    let pipeline = try Pipeline(opening: .parts(parts), version: "test")
    let trace = try pipeline.trace(
      try FamilyCase.original.picture(), Pipeline.Request(prompt: prompt, options: GenerationOptions(maxNewTokens: 2)))
    #expect(trace.language?.attentionVoco != trace.language?.attentionLast)
    return try #require(trace.sequence)
  }

  @Test(
    "Two voco tokens are assumed and said, unless they are counted; newlines are pieces of their own",
    arguments: [true, false])
  func layout(isLegacy: Bool) throws {
    let changed = try ChangedDirectory()
    try changed.write(#"{"<voco>": 421, "[PAD]": 420}"#, to: "added_tokens.json")
    try changed.write(#"{"legacy": \#(isLegacy)}"#, to: "tokenizer_config.json")
    let checkpoint = try CheckpointSource.parts(changed.parts).open()
    #expect(checkpoint.family == .vocoLLaMA && checkpoint.configuration.vocoTokenID == 421)
    #expect(checkpoint.configuration.untrainedParts == ["2 voco tokens assumed (--voco-tokens N says how many)"])

    let two = try sequence(changed.parts)
    // ▁ <0x0A>, as the tokenizer of the fixture numbers them.
    let newline: [Int32] = [387, 13]
    let patches = [Int32](repeating: -1, count: 25)
    let after = isLegacy ? newline : [13]
    let head: [[Int32]] = [[1], patches, newline, [421, 421], after]
    #expect(Array(two.tokenIDs.prefix(30 + after.count)) == Array(head.joined()))
    let text = try SentencePieceTokenizer(path: checkpoint.tokenizerPath).encode(
      "\n" + PromptTemplate(PromptTemplate.vocoLLaMA).fill("what?Answer in one word."))
    #expect(Array(two.tokenIDs.dropFirst(30 + after.count)) == Array(text.dropFirst(2)))
    // The first newline and the patches are hidden from the text; the first voco is what it sees first.
    let last = two.length - 1
    #expect(
      (0..<28).allSatisfy { !two.allows(row: last, column: $0) }
        && (28..<last).allSatisfy { two.allows(row: last, column: $0) })
    #expect(two.allows(row: 30, column: 28) && !two.allows(row: 30, column: 26) && two.allows(row: 29, column: 0))

    var counted = changed.parts
    counted.vocoTokens = 3
    #expect(try CheckpointSource.parts(counted).open().configuration.untrainedParts.isEmpty)
    #expect(try sequence(counted).positions(of: .voco) == [28, 29, 30])
  }

  @Test(
    "The voco token is what the files call so, whichever of them",
    arguments: ["added_tokens.json", "tokenizer_config.json", "tokenizer.json"])
  func named(file: String) throws {
    let changed = try ChangedDirectory()
    let texts = [
      "added_tokens.json": #"{"[PAD]": 420, "<voco>": 421}"#,
      "tokenizer_config.json": #"{"added_tokens_decoder": {"421": {"content": "<voco>", "special": true}}}"#,
      "tokenizer.json": #"{"added_tokens": [{"id": 421, "content": "<voco>"}]}"#,
    ]
    try changed.write(try #require(texts[file]), to: file)
    #expect(try CheckpointSource.parts(changed.parts).open().configuration.vocoTokenID == 421)
  }

  @Test("Rows that no file names as voco's are nobody's: the directory is a LLaVA, and a contradiction is refused")
  func neverGuessed() throws {
    let changed = try ChangedDirectory()
    try changed.write(#"{"<im_patch>": 420, "<im_start>": 421}"#, to: "added_tokens.json")
    #expect(try CheckpointSource.parts(changed.parts).open().family == .llava)
    try changed.write(#"{"<voco>": 440}"#, to: "added_tokens.json")
    #expect(refusal(changed.parts).contains("has 422 rows, and <voco> is called number 440"))
    try changed.write(#"{"<voco>": 421}"#, to: "added_tokens.json")
    try changed.write(#"{"added_tokens": [{"id": 420, "content": "<voco>"}]}"#, to: "tokenizer.json")
    #expect(refusal(changed.parts).contains("<voco> is 420; expected 421"))
    let said = try ChangedDirectory()
    try said.write(#"{"<voco>": 421}"#, to: "added_tokens.json")
    try said.change("config.json", ["voco_token_id": 420])
    #expect(refusal(said.parts).contains("voco_token_id is 420; expected 421"))
    let plain = try ChangedDirectory()
    var counted = plain.parts
    counted.vocoTokens = 2
    #expect(refusal(counted).contains("LLaVA-1.5, which has no voco tokens to count"))
  }

  @Test("M3 averages squares of projected patches down to the number of visual tokens that is chosen")
  func matryoshka() throws {
    let changed = try ChangedDirectory()
    try changed.change("config.json", ["matryoshka_vis_token_scale": [1, 25]])
    #expect(refusal(changed.parts).contains("M3 trains its tower"))
    try changed.moveTowerInside()
    // Its mm_vision_tower names CLIP's tower of 576 patches, which the one in the file is not.
    for source in [CheckpointSource.directory(changed.path), .parts(ModelParts(llm: changed.path))] {
      let refused = #expect(throws: (any Error).self) { try source.open() }
      let sentence = refused.map { "\($0)" } ?? ""
      #expect(sentence.contains("position_embedding.weight") && sentence.contains("has 26 rows"), "\(sentence)")
      #expect(sentence.contains("577") && sentence.contains("--vision"), "\(sentence)")
    }
    let picture = try FamilyCase.original.picture()
    let all = try CheckpointSource.parts(changed.parts).open()
    #expect(
      all.family == .m3 && all.configuration.untrainedParts == ["25 visual tokens assumed (--visual-tokens N chooses)"])
    let patches = try HTCVLMModel(directory: all).encode(picture.image).vision.patches

    var one = changed.parts
    one.visualTokens = 1
    let pooled = try Pipeline(opening: .parts(one), version: "test").encoding(picture).vision.patches
    let means = (0..<64).map { column in (0..<25).reduce(Float(0)) { $0 + patches[$1, column] } / 25 }
    expectClose(pooled, Tensor(shape: [1, 64], values: means), relativeToLargest: 1e-5)
    #expect(try sequence(plain: one).positions(of: .patches).count == 1)
    one.visualTokens = 9
    #expect(refusal(one).contains("matryoshka_vis_token_scale is [1, 25]"))
    let plain = try ChangedDirectory()
    var llava = plain.parts
    llava.visualTokens = 1
    #expect(refusal(llava).contains("has no matryoshka_vis_token_scale"))
  }

  private func sequence(plain parts: ModelParts) throws -> SequenceTrace {
    let trace = try Pipeline(opening: .parts(parts), version: "test").trace(
      try FamilyCase.original.picture(), Pipeline.Request(prompt: "what?", options: GenerationOptions(maxNewTokens: 1)))
    return try #require(trace.sequence)
  }
}

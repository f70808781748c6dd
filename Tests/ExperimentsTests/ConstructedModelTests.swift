import Evidence
import Experiments
import TestSupport
import Testing

/// The whole measurement on decoders whose answer is known by construction.
@Suite("The verdict on models whose answer is known")
struct ConstructedModelTests {
  private typealias Head = ConstructedModel.Head

  private func words(_ verdict: EvidenceVerdict) -> [VerdictWord] { verdict.tiers.map(\.word) }

  private func sentences(_ verdict: EvidenceVerdict) -> Comment {
    let nulls = verdict.tiers.map { "null models up to \($0.nulls.max() ?? 0)" }
    return Comment(
      rawValue: ([verdict.headline] + verdict.tiers.flatMap { [$0.sentence] + $0.details } + nulls).joined(
        separator: "\n"))
  }

  private func control(_ verdict: EvidenceVerdict, _ name: ControlName) -> Bool? {
    verdict.controls.first { $0.name == name }?.outcome
  }

  private static let attending = Head(anchor: 2.5)

  @Test("One that attends to the anchors and uses what they hold is yes three times, and every control is passed")
  func uses() throws {
    let report = try ConstructedModel(Self.attending).verify()
    let verdict = report.verdict
    #expect(words(verdict) == [.yes, .yes, .yes], sentences(verdict))
    #expect(ControlName.allCases.allSatisfy { control(verdict, $0) == true }, "\(verdict.controls)")
    #expect(verdict.causalNumbers?.path == .direct && verdict.causalNumbers?.scale == .logitDifference)
    #expect(verdict.headline.hasPrefix("voco prioritises the anchors"), sentences(verdict))
    #expect(verdict.n == 40 && !verdict.anecdote && verdict.liveLayers == 3)
  }

  @Test("Without voco the last prompt token is judged by the same rules, in all layers, and the words name it")
  func lastPromptToken() throws {
    var model = ConstructedModel(Self.attending)
    (model.vocoTokens, model.mask, model.sequence) = (0, "causal", ["bos", "anchors", "patches", "text"])
    let report = try model.verify()
    let verdict = report.verdict
    #expect(words(verdict) == [.yes, .yes, .yes], sentences(verdict))
    #expect(verdict.liveLayers == 4 && verdict.headline.hasPrefix("The last prompt token prioritises"))
    #expect(try report.json.contains("last prompt token “"))
    #expect(!report.text.contains(#/\bvoco\b/#), "\(report.text)")
    model.heads = model.heads.map { _ in Head(patch: 2.5) }
    let patches = try model.verify(randomModels: false).verdict
    #expect(words(patches) == [.no, .no, .no], sentences(patches))
    model.prompts = ["what", "which"]
    #expect(throws: VerificationError.self) { try model.verify() }
  }

  @Test("Without the random control nothing is yes, and the headline says that it was not run")
  func withoutRandomModels() throws {
    let verdict = try ConstructedModel(Self.attending).verify(randomModels: false).verdict
    #expect(words(verdict) == [.undecided, .undecided, .undecided], sentences(verdict))
    #expect(verdict.headline.contains("random control was not run") && control(verdict, .randomWeights) == nil)
  }

  @Test("A sink, attended and with values of nothing, attends but neither contributes nor causes")
  func sink() throws {
    var model = ConstructedModel(Head(anchor: 2.5, anchorValue: 0))
    model.projectorNoise = 0
    let verdict = try model.verify().verdict
    #expect(words(verdict) == [.yes, .no, .no], sentences(verdict))
    #expect(control(verdict, .content) == false && control(verdict, .order) == true)
    #expect(!verdict.headline.contains("prioritises the anchors:"))
  }

  @Test("A sink whose keys depend on content steers: the values carry nothing, and the headline says so")
  func steeringSink() throws {
    let verdict = try ConstructedModel(
      Head(anchor: 2, ofClass: 4, anchorValue: 0, patchValue: 0.2, constantValue: 1)
    ).verify(randomModels: false).verdict
    #expect(verdict.causes.word == .no, sentences(verdict))
    #expect((verdict.causalNumbers?.quantities[.steering]?.effect ?? 0) > 0.5, sentences(verdict))
    #expect(verdict.headline.contains("steers where voco looks"), sentences(verdict))
  }

  @Test("Anchors attended by the last layer alone are attended by a layer that nobody reads: no three times")
  func lastLayer() throws {
    var model = ConstructedModel(Self.attending)
    model.lastLayerOnly = true
    let verdict = try model.verify(randomModels: false).verdict
    #expect(words(verdict) == [.no, .no, .no], sentences(verdict))
  }

  @Test("Of two voco tokens of which the first reads, the first attends, and its words are the headline's")
  func twoVocos() throws {
    var model = ConstructedModel(Head(anchor: 15))
    model.vocoTokens = 2
    model.secondReadsFirst = true
    let verdict = try model.verify().verdict
    #expect(verdict.vocos.count == 2 && verdict.headlineVoco == 0, sentences(verdict))
    #expect(verdict.vocos[0].attends.word == .yes && verdict.vocos[0].causes[0].word == .yes, sentences(verdict))
    #expect(verdict.vocos[1].causes[0].word != .yes, sentences(verdict))
    #expect(verdict.attends.word == .yes && verdict.causes.word == .yes, sentences(verdict))
  }

  @Test("What reaches voco through a newline is indirect: voco's own edges to the anchors carry nothing")
  func throughNewline() throws {
    var model = ConstructedModel(Head(anchor: -6, isForOther: false))
    model.mask = "causal"
    model.sequence = ["bos", "anchors", "patches", "newline", "voco", "text"]
    model.throughNewline = true
    model.prompts = ["is it red"]
    let verdict = try model.verify(randomModels: false).verdict
    #expect(verdict.attends.word == .no && verdict.causes.word == .no, sentences(verdict))
    #expect(verdict.causalNumbers?.path == .indirect, sentences(verdict))
    #expect(verdict.headline.contains("through other tokens"), sentences(verdict))
  }

  @Test("Anchors that are the same in every picture may be attended; they carry nothing")
  func constantAnchors() throws {
    let pictures = ConstructedPictures(hasConstantAnchors: true)
    let verdict = try ConstructedModel(Head(anchor: 2.5, patchValue: 12), pictures: pictures).verify().verdict
    #expect(words(verdict) == [.yes, .no, .no], sentences(verdict))
    #expect(control(verdict, .blank) != true)
  }

  @Test("Four anchors of equal content are used like any others")
  func equalAnchors() throws {
    let verdict = try ConstructedModel(
      Self.attending, pictures: ConstructedPictures(hasEqualAnchors: true)
    ).verify().verdict
    #expect(words(verdict) == [.yes, .yes, .yes], sentences(verdict))
  }

  @Test("One head of sixteen is found, and no other")
  func oneHead() throws {
    var heads = [Head](repeating: Head(anchorValue: 0, patchValue: 0), count: 16)
    heads[5] = Head(anchor: 6)
    let verdict = try ConstructedModel(heads: heads).verify().verdict
    #expect(!verdict.heads.isEmpty && verdict.heads.allSatisfy { $0.head == 5 }, "\(verdict.heads)")
    #expect(verdict.layers.contains { $0.layer == 0 && $0.p <= 0.05 }, "\(verdict.layers)")
    #expect(verdict.causes.word == .yes, sentences(verdict))
  }

  @Test("The effect of one head of sixteen is its own, and the parts of a run choose the heads that one run chooses")
  func oneHeadsEffect() throws {
    var heads = [Head](repeating: Head(anchorValue: 0, patchValue: 0), count: 16)
    heads[5] = Head(anchor: 6)
    let run = try ConstructedModel(heads: heads, pictures: ConstructedPictures(count: 64)).run(randomModels: false)
    let whole = VerifyReport(try run.finish()).verdict
    let effects = try #require(whole.headEffects.first)
    #expect(effects.n == 32 && effects.heads.count == HeadChoice.most, "\(effects)")
    #expect(effects.heads.filter(\.isAbove).map(\.place) == [HeadPlace(voco: 0, layer: 0, head: 5)], "\(effects)")
    #expect(abs(effects.heads[0].effect.effect - effects.together.effect) < 0.05, "\(effects)")
    try withTemporaryDirectory { folder in
      let paths = (1...2).map { folder.path("\($0).jsonl") }
      for (index, path) in paths.enumerated() { _ = try run.finish(Shard("\(index + 1)/2"), savingTo: path) }
      let merged = VerifyReport(try VerifyStateFile.merge(paths)).verdict
      #expect(merged.headEffects == whole.headEffects && merged == whole)
    }
  }

  @Test("What the random control takes is said before it begins, and again only if the run has measured otherwise")
  func cost() throws {
    var said: [String] = []
    let pictures = ConstructedPictures(count: 12)
    let run = try ConstructedModel(Self.attending, pictures: pictures).run { said.append($0) }
    _ = try run.finish()
    #expect((1...2).contains(said.count))
    #expect(said.allSatisfy { $0.hasPrefix("The random control: 39 models of permuted weights × ") })
    let cost = { (seconds: Double) in RandomModelCost(models: 39, runs: 48, seconds: seconds, parameters: 1000) }
    #expect(!cost(1.1).differs(from: cost(1)) && !cost(0.9).differs(from: cost(1)))
    #expect(cost(1.3).differs(from: cost(1)) && cost(0.7).differs(from: cost(1)))
    // Seconds are not worth a second sentence.
    #expect(!cost(1e-3).differs(from: cost(4e-3)))
    var none: [String] = []
    _ = try ConstructedModel(Self.attending, pictures: pictures).run(randomModels: false) { none.append($0) }.finish()
    #expect(none.isEmpty)
  }

  @Test("Donors that have to be computed again are worth a word when they cost minutes")
  func shortage() {
    let shortage = { (own: Int, room: Int, seconds: Double) in
      PictureShortage(pictures: 80, own: own, bytes: 600 << 20, room: room, seconds: seconds)
    }
    #expect(shortage(80, 2 << 30, 63).isWorthAWord)
    #expect(!shortage(80, 48 << 30, 63).isWorthAWord && !shortage(80, 2 << 30, 0.03).isWorthAWord)
    #expect(!PictureShortage(pictures: 1, own: 1, bytes: 3 << 30, room: 2 << 30, seconds: 900).isWorthAWord)
    let sentence = shortage(20, 2 << 30, 63).sentence
    #expect(sentence.contains("80 pictures take 46.9 GiB, and 2.0 GiB are there"), "\(sentence)")
    #expect(sentence.contains("one of 20 pictures, it and up to 4 donors"), "\(sentence)")
    #expect(sentence.contains("63.0 s each"), "\(sentence)")
  }

  @Test("Anchors behind the patches are used all the same")
  func behind() throws {
    var model = ConstructedModel(Self.attending)
    model.sequence = ["bos", "patches", "anchors", "voco", "text"]
    let verdict = try model.verify().verdict
    #expect(words(verdict) == [.yes, .yes, .yes], sentences(verdict))
  }

  @Test("Recency is no priority: what stands last gets the attention, whatever it is")
  func recency() throws {
    var model = ConstructedModel(Head(recency: 4))
    model.sequence = ["bos", "patches", "anchors", "voco", "text"]
    let verdict = try model.verify(randomModels: false).verdict
    #expect(verdict.attends.word == .no && verdict.contributes.word != .yes, sentences(verdict))
    #expect(control(verdict, .order) == false)
  }

  @Test("Position is no priority: what stands first gets the attention, whatever it is")
  func position() throws {
    let verdict = try ConstructedModel(Head(recency: 4, isFirst: true)).verify(randomModels: false).verdict
    #expect(verdict.attends.word == .no && verdict.contributes.word != .yes, sentences(verdict))
    #expect(control(verdict, .order) == false)
  }

  @Test("One that looks at patches alone is no three times")
  func patches() throws {
    let verdict = try ConstructedModel(Head(anchor: -8)).verify(randomModels: false).verdict
    #expect(words(verdict) == [.no, .no, .no], sentences(verdict))
    #expect(verdict.headline == "voco does not prioritise the anchors.", sentences(verdict))
  }

  @Test("Anchors that say what patches say suffice and are not needed")
  func redundant() throws {
    let verdict = try ConstructedModel(Self.attending, pictures: ConstructedPictures(isRedundant: true)).verify()
      .verdict
    #expect(verdict.attends.word == .yes && verdict.causes.word == .yes, sentences(verdict))
    #expect(verdict.headline.contains("redundant"), sentences(verdict))
  }

  @Test("Anchors used for one question and not for another have a verdict each")
  func twoQuestions() throws {
    var model = ConstructedModel(
      heads: [
        Head(anchor: 2.5), Head(anchor: -8, isForOther: true), Head(anchor: 2.5), Head(anchor: -8, isForOther: true),
      ])
    model.prompts = ["what", "is it red"]
    let verdict = try model.verify().verdict
    #expect(verdict.vocos[0].causes.map(\.word) == [.yes, .no], sentences(verdict))
    #expect(verdict.causes.word == .yes && verdict.headline.contains("Asked “is it red”"), sentences(verdict))
    #expect(verdict.headlinePrompt == 0)
  }

  @Test("Where the second question is the one that anchors answer, numbers and controls are its own")
  func secondQuestion() throws {
    var model = ConstructedModel(
      heads: [
        Head(anchor: -8), Head(anchor: 2.5, isForOther: true), Head(anchor: -8), Head(anchor: 2.5, isForOther: true),
      ])
    model.prompts = ["what", "is it red"]
    let verdict = try model.verify(randomModels: false).verdict
    #expect(verdict.headlinePrompt == 1 && verdict.causes == verdict.vocos[0].causes[1], sentences(verdict))
    #expect(verdict.causalNumbers?.content?.effect == verdict.causes.effect, sentences(verdict))
    #expect((verdict.causes.effect ?? 0) > 0.5 && control(verdict, .content) == true, sentences(verdict))
    let blank = verdict.controls.first { $0.name == .blank }
    #expect(blank?.outcome == true && blank?.sentence.hasSuffix("(asked “is it red”)") == true, "\(verdict.controls)")
  }

  @Test("Under thirty pictures nothing is yes or no")
  func anecdote() throws {
    let verdict = try ConstructedModel(Self.attending, pictures: ConstructedPictures(count: 8)).verify(
      randomModels: false
    )
    .verdict
    #expect(verdict.anecdote && words(verdict) == [.undecided, .undecided, .undecided], sentences(verdict))
    #expect(verdict.conclusion.hasPrefix("Anecdote (8 pictures"))
  }
}

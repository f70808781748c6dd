import Evidence
import Experiments
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import TestSupport
import Testing

/// 200 models of random weights, each judged by the whole measurement against 39 others.
@Test("Of 200 randomly weighted checkpoints at most five in a hundred get a yes on any claim")
func falsePositives() throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("verification-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let null = try Null(folder)
  let models = 200
  var rule = VerdictRule()
  rule.bootstrapDraws = 200
  let engine = VerdictEngine(rule: rule, seed: 3)
  // The pool is made once; each model meets the 39 after it, so no model is compared with itself.
  let pool = try (0..<models).map { try null.control($0) }
  var counts: [EvidenceTier: Int] = [:]
  var (anyYes, wouldAttend) = (0, 0)
  for number in 0..<models {
    var summary = try null.summary(number)
    for step in 1...39 { summary.add(randomModel: pool[(number + step) % models]) }
    let verdict = engine.verdict(summary)
    if let interval = verdict.attends.interval, interval.low > rule.minimumLift { wouldAttend += 1 }
    let yes = verdict.tiers.filter { $0.word == .yes }
    for tier in yes { counts[tier.tier, default: 0] += 1 }
    anyYes += yes.isEmpty ? 0 : 1
  }
  #expect(anyYes <= models / 20, "\(anyYes) of \(models): \(counts)")
  // The null is no empty one: by chance some of these models do attend to their anchors.
  #expect(wouldAttend > models / 20, "\(wouldAttend) of \(models)")
}

/// Models drawn with the spread of a constructed one, on six pictures that one tower has encoded.
private struct Null {
  private let random: RandomModels
  private let subject: VerifySubject
  private let pictures: [(key: String, visual: VisualEncoding)]

  init(_ folder: String) throws {
    let tokenizer = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("HTCVLMTests/Fixtures/parity/star-png/tokenizer.model").path
    try ConstructedCheckpoint.uses.write(to: folder + "/model", tokenizer: tokenizer)
    let checkpoint = try CheckpointDirectory(path: folder + "/model")
    let model = try HTCVLMModel(directory: checkpoint)
    subject = try VerifySubject(checkpoint, model: model, prompt: "what", version: "test")
    random = RandomModels(checkpoint, model, seed: 9)
    pictures = try ConstructedCheckpoint.writePictures(6, to: folder).map {
      (key: $0, visual: try model.encode(ImageDecoder.decode(path: $0).image))
    }
  }

  func control(_ number: Int) throws -> RandomModelRun {
    try subject.replacing(model: random.model(number)).effects(number: number, on: Array(pictures.prefix(2)))
  }

  func summary(_ number: Int) throws -> EvidenceSummary {
    let subject = subject.replacing(model: try random.model(number))
    let measurement = VerifyMeasurement(subject: subject, seed: 1, draws: 20, cutsHeads: false)
    var summary = EvidenceSummary(run: subject.evidenceRun(seed: 1), signFlipDraws: 50)
    let visuals = pictures.map { subject.model.reprojected($0.visual) }
    for (index, picture) in pictures.enumerated() {
      let result = try measurement.measure(
        key: picture.key, name: picture.key, visuals[index], other: visuals[(index + 1) % visuals.count])
      summary.add(result.picture, attention: result.attention, cuts: result.cuts)
    }
    return summary
  }
}

import Evidence
import Experiments
import Foundation
import HTCVLM
import ImageLoading
import Tensor
import Testing
import Trace
import WeightFormats

/// Numbers of a dense decoder in PyTorch and float64; `Fixtures/interchange.py` made them.
private struct RecordedInterchanges: Decodable {
  struct Voco: Decodable {
    let shifts: [String: [Double]]
    let cutKL, logLift, logSame, logContribution, logContributionSame: Double?
    let cells: [Double]?
    /// Of each live head alone, and of every second one of them together.
    let heads: [[Double]]?

    enum CodingKeys: String, CodingKey {
      case shifts, cells, heads
      case cutKL = "cut_kl"
      case logLift = "log_lift"
      case logSame = "log_same"
      case logContribution = "log_contribution"
      case logContributionSame = "log_contribution_same"
    }
  }
  struct Case: Decodable {
    let own, other: Int
    let donorKL: Double
    let whole: [Double]
    let vocos: [Voco]

    enum CodingKeys: String, CodingKey {
      case own, other, whole, vocos
      case donorKL = "donor_kl"
    }
  }

  let cases: [String: Case]

  static func load() throws -> RecordedInterchanges {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
      "Fixtures/interchange.json")
    return try JSONDecoder().decode(RecordedInterchanges.self, from: Data(contentsOf: path))
  }
}

@Suite("Interchange effects, lifts and contributions beside PyTorch")
struct InterchangeParityTests {
  private func expectNear(_ found: Double, _ expected: Double, scale: Double, _ name: String) {
    #expect(abs(found - expected) <= 1e-4 * abs(scale) + 3e-6, "\(name): \(found) instead of \(expected)")
  }

  /// `[n, D]` with its rows in reverse, times `factor`.
  private func reversed(_ rows: Tensor, _ factor: Float) -> Tensor {
    guard rows.shape[0] > 0 else { return rows }
    return Tensor.concatenate((0..<rows.shape[0]).reversed().map { rows[rows: $0..<$0 + 1] }) * factor
  }

  @Test(
    "They agree to 1e-4 on the recorded checkpoints", arguments: ["star-png", "sharded-f16-hwc", "voco-causal-bf16"])
  func agrees(_ name: String) throws {
    let cases = try RecordedInterchanges.load().cases
    let recorded = try #require(cases[name])
    let path = URL(fileURLWithPath: recordedCheckpoint).deletingLastPathComponent().appendingPathComponent(name).path
    let model = try HTCVLMModel(directory: CheckpointDirectory(path: path))
    let image = try #require(
      ["image.png", "image.jpg"].map { path + "/" + $0 }.first(where: FileManager.default.fileExists))
    let prompt = try String(contentsOfFile: path + "/prompt.txt", encoding: .utf8).trimmingCharacters(in: .newlines)
    let visual = try model.encode(ImageDecoder.decode(path: image).image)
    let plain = try model.compress(visual)
    let donor = try model.compress(
      VisualEncoding(
        mgvq: visual.mgvq, anchors: reversed(visual.anchors, -0.7),
        vision: VisionTrace(
          pixelValues: visual.vision.pixelValues, features: visual.vision.features,
          patches: reversed(visual.vision.patches, 0.9))))
    let contexts = DonorContexts(model, plain: plain, donor: donor)
    let ofDonor = try model.outcomes(of: [.none], on: donor, prompt: prompt)[0].logits
    let chosen = Set(plain.patchPositions[5..<9])
    let compared = ComparedPatches(random: [chosen], mostAttended: chosen, largestNorm: chosen, nearest: chosen)
    for (voco, expected) in recorded.vocos.enumerated() {
      let interchanges = try Interchanges(
        contexts, plain, compared, voco: voco, liveLayers: Set(0..<model.configuration.layers - 1))
      let cut = Intervention.cut(keys: Set(plain.anchorPositions), vocos: [voco])
      let logits = try model.outcomes(of: [.none, cut] + interchanges.interventions, on: plain, prompt: prompt).map(
        \.logits)
      let scale = InterchangeScale(base: logits[0], donor: ofDonor, own: recorded.own, other: recorded.other)
      expectNear(
        Divergence.kl(reference: logits[0], changed: ofDonor), recorded.donorKL, scale: recorded.donorKL, "donor KL")
      expectNear(scale.logitDifference, recorded.whole[0], scale: recorded.whole[0], "whole LD")
      expectNear(scale.squaredNorm, recorded.whole[1], scale: recorded.whole[1], "whole E")
      let evidence = interchanges.evidence(logits[2...], scale, donor: 1)
      for (quantity, values) in expected.shifts {
        let kind = try #require(Interchanged(rawValue: quantity))
        let shift = try #require(evidence.shifts[kind])
        expectNear(shift.logitDifference, values[0], scale: recorded.whole[0], "\(quantity) LD of voco \(voco)")
        expectNear(shift.projection, values[1], scale: recorded.whole[1], "\(quantity) E of voco \(voco)")
      }
      if let kl = expected.cutKL {
        expectNear(Divergence.kl(reference: logits[0], changed: logits[1]), kl, scale: kl, "KL of the cut")
      }
      try expectAttention(model, plain, contexts, expected, voco: voco)
      try expectHeads(model, plain, contexts, expected, voco: voco, prompt: prompt) { shift, values, name in
        expectNear(shift(scale).logitDifference, values[0], scale: recorded.whole[0], "\(name) LD of voco \(voco)")
        expectNear(shift(scale).projection, values[1], scale: recorded.whole[1], "\(name) E of voco \(voco)")
      }
    }
  }

  /// The anchors' values in each live head's edges alone, and in those of every second head at once.
  private func expectHeads(
    _ model: HTCVLMModel, _ plain: VisualCache, _ contexts: DonorContexts, _ expected: RecordedInterchanges.Voco,
    voco: Int, prompt: String,
    _ check: (_ shift: (InterchangeScale) -> EffectShift, _ values: [Double], _ name: String) -> Void
  ) throws {
    guard let recorded = expected.heads else { return }
    let configuration = model.configuration
    let places = (0..<configuration.layers - 1).flatMap { layer in
      (0..<configuration.heads).map { HeadPlace(voco: voco, layer: layer, head: $0) }
    }
    let every = stride(from: 0, to: places.count, by: 2).map { places[$0] }
    func logits(_ heads: [HeadPlace]) throws -> [Tensor] {
      try model.outcomes(
        of: Interchanges.heads(heads, of: try contexts.anchors, plain), on: plain, prompt: prompt
      ).map(\.logits)
    }
    #expect(recorded.count == places.count + 1)
    for ((found, values), place) in zip(zip(try logits(places).dropLast(), recorded), places) {
      check({ $0.shift(found) }, values, place.name)
    }
    let together = try #require(try logits(every).last)
    check({ $0.shift(together) }, recorded[places.count], "every second head")
  }

  private func expectAttention(
    _ model: HTCVLMModel, _ plain: VisualCache, _ contexts: DonorContexts, _ expected: RecordedInterchanges.Voco,
    voco: Int
  ) throws {
    guard let lift = expected.logLift, let same = expected.logSame, let cells = expected.cells,
      let contribution = expected.logContribution, let contributionSame = expected.logContributionSame
    else { return }
    let (anchors, patches) = (plain.anchorPositions, plain.patchPositions)
    let pairs = Array(zip(anchors, patches[3..<3 + anchors.count]))
    let exchanged = try model.exchanging(pairs, in: plain)
    let subject = try VerifySubject(
      model: model, prompts: ["what"],
      provenance: Provenance(
        version: "", imageName: "", imageWidth: 0, imageHeight: 0, imageSHA256: "", modelName: "", configSHA256: "",
        weightsSHA256: "", prompt: ""), path: "")
    let layout = try subject.layouts(plain.visual)[voco]
    let pair = ExchangedAttention(
      plain: try VocoAttention(layout: layout, attention: plain.attention(ofVoco: voco)),
      exchanged: try VocoAttention(layout: layout, attention: exchanged.attention(ofVoco: voco)), pairs: pairs)
    expectNear(pair.shares.logLift, lift, scale: 1, "lift of voco \(voco)")
    expectNear(pair.shares.logSamePosition, same, scale: 1, "same-position lift of voco \(voco)")
    for (found, cell) in zip(pair.cells, cells) { expectNear(found, cell, scale: 1, "a head's same-position lift") }
    let differences = model.valueDifferences(
      plain, [(anchors, [try contexts.anchors]), (patches, [try contexts.patches])], grams: model.outputGrams())
    let found = pair.contributions(differences.values, epsilon: 1e-12)
    expectNear(found.priority.logLift, contribution, scale: 1, "contribution of voco \(voco)")
    expectNear(found.priority.logSamePosition, contributionSame, scale: 1, "same-position contribution of voco \(voco)")
  }
}

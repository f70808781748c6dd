import Evidence
import Foundation
import Statistics
import TestSupport
import Testing

private func shards() throws -> (whole: EvidenceSummary, parts: [EvidenceSummary]) {
  let model = ToyModel.random(seed: 1)
  let whole = try model.summary(pictures: 9, draws: 10, controls: [ToyModel.random(seed: 2)])
  let pictures = ToyModel.pictures(9)
  let parts = try (0..<3).map { shard in
    var summary = EvidenceSummary(run: whole.run, signFlipDraws: 2_000)
    for index in stride(from: shard, to: 9, by: 3).reversed() {
      let other = pictures[(index + 1) % 9].1
      let (evidence, attention) = try model.evidence(pictures[index].0, pictures[index].1, other: other, draws: 10)
      summary.add(evidence, attention: attention)
    }
    summary.add(randomModel: whole.randomModels[0])
    return summary
  }
  return (whole, parts)
}

@Test("Shards merged in any order, through JSON, give the verdict of one run")
func merging() throws {
  let (whole, parts) = try shards()
  for order in [[0, 1, 2], [2, 0, 1]] {
    var merged = try JSONDecoder().decode(EvidenceSummary.self, from: JSONEncoder().encode(parts[order[0]]))
    for index in order.dropFirst() { try merged.merge(parts[index]) }
    #expect(merged.pictures == whole.pictures && merged.randomModels == whole.randomModels)
    for (a, b) in zip(merged.cells.pValues, whole.cells.pValues) { #expect(close(a, b, 1e-12)) }
    let engine = VerdictEngine(seed: 4)
    #expect(engine.verdict(merged).attends.interval == engine.verdict(whole).attends.interval)
  }
}

@Test("A picture counts once, and shards of different runs or with a common picture do not merge")
func refusedMerges() throws {
  var (whole, parts) = try shards()
  let first = whole.pictures[0]
  #expect(whole.contains(key: first.key))
  let attention = try ToyModel().attention(ToyModel.order(ToyModel.Picture(seed: 0)))
  #expect(!whole.add(first, attention: attention) && whole.pictures.count == 9 && whole.cells.count == 9)
  #expect(throws: EvidenceError.self) { try whole.merge(parts[0]) }
  var run = whole.run
  run.weightsSHA256 = "other"
  let found = EvidenceError.unmergeable(field: "weights SHA-256", found: "other", expected: "")
  #expect(throws: found) { try parts[1].merge(EvidenceSummary(run: run, signFlipDraws: 2_000)) }
}

@Test("A shard file whose sums do not fit its shape is refused")
func brokenShard() throws {
  let (_, parts) = try shards()
  var text = try #require(String(bytes: JSONEncoder().encode(parts[0]), encoding: .utf8))
  text = text.replacingOccurrences(of: "\"layers\":1", with: "\"layers\":2")
  #expect(throws: DecodingError.self) { try JSONDecoder().decode(EvidenceSummary.self, from: Data(text.utf8)) }
}

@Test("The per-head test is the sign-flip test of the anchors' excess share")
func cells() throws {
  let (whole, _) = try shards()
  let pictures = ToyModel.pictures(9)
  let uniform = 4.0 / 29
  for head in 0..<2 {
    let excess = try pictures.map {
      let shares = try ToyModel.random(seed: 1).attention(ToyModel.order($0.1)).shares(layer: 0, head: head)
      return try #require(shares.anchorsOfVisual) - uniform
    }
    let exact = SignFlipTest.pValue(excess, seed: 1)
    #expect(abs(whole.cells.pValues[head] - exact) < 0.03)
    #expect(close(whole.cells.findings()[0][head].excess, mean(excess) ?? .nan, 1e-9))
  }
}

@Test("The report prints yes, no or undecided for every claim and every control by name")
func report() throws {
  let (whole, _) = try shards()
  let engine = VerdictEngine(seed: 4)
  let inputs = EvidenceInputs(pictures: 9, picturesSHA256: "list", draws: 10, localDraws: 4, randomModels: 1)
  let report = EvidenceReport(
    engine.verdict(whole), run: whole.run, inputs: inputs,
    measurements: EvidenceReport.Measurements(whole, engine))
  let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]
  let root = try #require(object)
  for tier in ["attends", "contributes", "causes"] {
    let claim = try #require(root[tier] as? [String: Any])
    #expect(["yes", "no", "undecided"].contains(claim["verdict"] as? String ?? ""))
    #expect((claim["interval"] as? [Double])?.count == 2 && claim["effect"] is Double && claim["n"] as? Int == 9)
  }
  let controls = try #require(root["controls"] as? [String: [String: Any]])
  #expect(Set(controls.keys) == ["order", "content", "blank", "random_weights"])
  #expect(controls.values.allSatisfy { $0["passed"] is Bool && $0["sentence"] is String })
  #expect(root["anecdote"] as? Bool == true && root["seed"] as? Int == 4 && root["provenance"] is [String: Any])
}

import Evidence
import Foundation
import Statistics
import Tensor
import TestSupport
import Testing
import Trace

/// Four groups of 32 codes of 4 numbers, normally distributed as those of an untrained codebook are (Box and Muller).
private func embedding(_ seed: UInt64 = 1) -> [Float] {
  var generator = SplitMix64(seed: seed)
  return (0..<4 * 32 * 4).map { _ in
    let radius = (-2 * log(1 - generator.unit())).squareRoot()
    return Float(radius * cos(2 * .pi * generator.unit()))
  }
}

private func codebook(_ values: [Float]) throws -> Codebook {
  try Codebook(embedding: Tensor(shape: [4 * 32, 4], values: values), groups: 4)
}

/// Enough pictures for 32 codes; `code` gives the code of a group from a random number.
private func usage(_ pictures: Int = 20, _ code: (Int, Int) -> Int = { $1 }) throws -> PictureUsage {
  var generator = SplitMix64(seed: 2)
  var usage = PictureUsage(try codebook(embedding()))
  for _ in 0..<pictures {
    let indices = (0..<4 * 49).map { Int32(code($0 / 49, generator.below(32))) }
    try usage.add(CodeGrid(groups: 4, height: 7, width: 7, indices: indices))
  }
  return usage
}

private func words(_ report: CodebookReport) -> [String] {
  report.findings.map { "\($0.severity.rawValue) \($0.what.rawValue) \($0.group ?? -1)" }
}

@Test("A healthy codebook gets a clean bill")
func healthy() throws {
  let report = try CodebookReport(codebook(embedding()), pictures: usage())
  #expect(report.findings.allSatisfy { $0.severity == .ok } && report.findings.count == 1)
  #expect(report.findings[0].sentence.contains("over 20 pictures"))
}

@Test("Half the codes dead is broken, named by group, and few samples alone are no proof")
func deadCodes() throws {
  let half = try CodebookReport(codebook(embedding()), pictures: usage { group, code in group == 1 ? code % 16 : code })
  #expect(words(half) == ["broken dead_codes 1"])
  #expect(half.findings[0].sentence.contains("16 of 32 codes never occur in 980 places of 20 pictures"))
  let few = try CodebookReport(codebook(embedding()), pictures: usage(1))
  #expect(words(few) == (0..<4).map { "warning few_samples \($0)" })
  let onePicture = try CodebookReport(codebook(embedding()), pictures: usage(1) { $0 == 1 ? $1 % 16 : $1 })
  #expect(
    words(onePicture).contains("warning dead_codes 1") && onePicture.findings.allSatisfy { $0.severity != .broken })
}

@Test("Two pictures are too few to call codes dead, and forty are enough for the same share of them")
func fewPictures() throws {
  // 76 of 256 codes alike.
  func finding(_ pictures: Int) throws -> CodebookFinding {
    let counts = (0..<256).map { $0 < 76 ? 441 * pictures / 76 : 0 }
    return try #require(CodebookFinding.of(UsageStatistics(counts: counts, pictures: pictures), group: 5).first)
  }
  let few = try finding(2)
  #expect(few.what == .deadCodes && few.severity == .warning)
  #expect(few.sentence.contains("180 of 256 codes never occur in"))
  #expect(few.sentence.contains("too few to call them dead"))
  let many = try finding(40)
  #expect(many.what == .deadCodes && many.severity == .broken && !many.sentence.contains("too few"))
}

@Test("One code for everything is broken from codes·ln(4/3) effective samples on, four pictures of 441 places")
func oneCodeForAll() {
  for (pictures, severity) in [(3, CodebookFinding.Severity.warning), (4, CodebookFinding.Severity.broken)] {
    let counts = [441 * pictures] + [Int](repeating: 0, count: 255)
    let findings = CodebookFinding.of(UsageStatistics(counts: counts, pictures: pictures), group: 0)
    #expect(findings.map(\.what) == [.deadCodes] && findings.map(\.severity) == [severity])
  }
}

@Test("Codes that cannot be chosen are dead after one picture, and counted once")
func unreachableCodes() throws {
  var values = embedding()
  for index in 16 * 4..<32 * 4 { values[index] = 0 }
  let report = try CodebookReport(codebook(values), pictures: usage { group, code in group == 0 ? code % 16 : code })
  let dead = report.findings.filter { $0.what == .deadCodes }
  #expect(dead.map(\.severity) == [.broken] && dead[0].sentence.contains("can never be chosen"))
}

@Test("Two groups with the same codes are broken, also in another order")
func identicalGroups() throws {
  var values = embedding()
  for code in 0..<32 {
    for index in 0..<4 { values[(2 * 32 + (31 - code)) * 4 + index] = values[code * 4 + index] * 3 }
  }
  let report = try CodebookReport(codebook(values))
  #expect(words(report) == ["broken duplicate_groups 2"])
  #expect(report.findings[0].sentence == "Groups 1 and 3 hold the same codes.")
}

@Test("Codes that are not finite, zero, duplicated or flat are named")
func brokenCodes() throws {
  var values = embedding()
  values[5] = .nan
  for index in 32 * 4..<33 * 4 { values[index] = 0 }
  for code in 65..<96 { for index in 0..<4 { values[code * 4 + index] = values[64 * 4 + index] } }
  for code in 96..<128 { for index in 1..<4 { values[code * 4 + index] *= 0.01 } }
  let report = try CodebookReport(codebook(values))
  #expect(
    Set(words(report)).isSuperset(of: ["broken non_finite 0", "broken zero_codes 1", "broken near_duplicates 2"]))
  #expect(Set(words(report)).isSuperset(of: ["broken low_rank 2", "warning low_rank 3"]))
  #expect(report.findings.map(\.severity) == report.findings.map(\.severity).sorted(by: >))
}

@Test("Groups that determine each other are reported once the samples are enough")
func dependentGroups() throws {
  var coOccurrence = CoOccurrence(groups: 2, codesPerGroup: 4)
  var generator = SplitMix64(seed: 8)
  for _ in 0..<20 {
    let first = (0..<49).map { _ in Int32(generator.below(4)) }
    try coOccurrence.add(CodeGrid(groups: 2, height: 7, width: 7, indices: first + first.map { 3 - $0 }))
  }
  let information = coOccurrence.mutualInformation(0, 1)
  #expect(close(information.normalised, 1) && information.bits > 1.9)
  #expect(CodebookFinding.of(information, 0, 1)?.what == .dependentGroups)
}

@Test("Anchors that are one vector, or the same for every picture, are broken")
func collapsedAnchors() throws {
  let one = Tensor(shape: [4, 8], values: [Float](repeating: 0.5, count: 32))
  var anchors = AnchorAccumulator(anchors: 4, dimension: 8)
  for _ in 0..<2 { anchors.add(one) }
  let report = try CodebookReport(codebook(embedding()), probes: anchors)
  #expect(words(report) == ["broken collapsed_anchors -1", "broken constant_anchors -1"])
  #expect(report.findings[0].sentence.contains("random codes are nearly one vector"))
}

@Test("A usage buffer that was never filled is explained, and a filled one that shows dead codes is believed")
func buffers() throws {
  func buffers(_ used: [Float]?, _ probabilities: [Float]?) -> UsageBuffers {
    UsageBuffers(used: used, probabilities: probabilities, groups: 2, codesPerGroup: 4)
  }
  let empty = buffers([Float](repeating: 0, count: 8), nil)
  #expect(empty.findings.map(\.what) == [.unpopulatedBuffers])
  #expect(empty.findings[0].sentence.contains("index 0 looks used"))
  let window = buffers([0, 3, 1, 0], nil)
  #expect(window.findings.isEmpty)
  #expect(window.codebookUsed?.distinct == 3 && window.codebookUsed?.zeros == 2)
  #expect(window.sentence.contains("3 different indices in 4 places, 2 of them 0"))
  #expect(window.sentence.contains("index 0 looks used"))
  #expect(buffers(nil, nil).findings.isEmpty && buffers(nil, nil).sentence.contains("index 0 looks used"))
  let half = buffers(nil, [1, 1, 1, 1, 0, 0, 2, 2])
  #expect(half.findings.map(\.what) == [.deadCodes] && half.findings[0].group == 1)
  #expect(half.findings[0].severity == .warning)
}

@Test("Shapes and codes that do not fit are refused")
func misfits() throws {
  #expect(throws: EvidenceError.self) { try Codebook(embedding: .zeros([10, 4]), groups: 3) }
  var usage = CodeUsage(groups: 1, codesPerGroup: 4)
  let beyond = CodeGrid(groups: 1, height: 1, width: 1, indices: [4])
  #expect(throws: EvidenceError.self) { try usage.add(beyond) }
  #expect(throws: EvidenceError.self) { try usage.merge(CodeUsage(groups: 2, codesPerGroup: 4)) }
  #expect(UsageDrift([0, 0], [1, 2]) == nil)
}

@Test("The report prints every group by the published names")
func json() throws {
  var anchors = AnchorAccumulator(anchors: 2, dimension: 4)
  anchors.add(Tensor(shape: [2, 4], values: [.nan, 0, 0, 0, 1, 0, 0, 0]))
  let report = try CodebookReport(codebook(embedding()), pictures: usage(), probes: anchors)
  let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]
  let root = try #require(object)
  let groups = try #require(root["groups"] as? [[String: Any]])
  let keys = ["codes", "used", "dead", "perplexity", "entropy_bits", "samples", "near_duplicates", "effective_rank"]
  #expect(groups.count == 4 && groups.allSatisfy { group in keys.allSatisfy { group[$0] is NSNumber } })
  #expect(((root["anchors"] as? [String: Any])?["cosines"] as? [[Any]])?.map(\.count) == [2, 2])
  let finding = try #require((root["findings"] as? [[String: Any]])?.first)
  #expect(finding["severity"] as? String == "broken" && finding["what"] as? String == "non_finite")
}

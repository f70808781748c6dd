import Evidence
import Foundation
import Statistics
import Tensor
import TestSupport
import Testing
import Trace

/// Values recorded from NumPy and scikit-image; the file's `generator` says how.
struct RecordedCodebook: Decodable {
  struct Geometry: Decodable {
    let norms, nearest, nearestTo5Distance: [Double]
    let nearDuplicates: Int
    let effectiveRank: Double
    let nearestTo5: [Int]
  }
  struct Grid: Decodable {
    let height, width: Int
    let codes: [[Int32]]
  }
  struct Usage: Decodable {
    let used, dead, rare, samples: Int
    let entropyBits, corrected, perplexity, expectedUnseen: Double
  }
  struct Information: Decodable { let bits, normalised: Double }
  struct Drift: Decodable { let bits, expected: Double }
  struct Margins: Decodable {
    let first, second: [Int]
    let margin: [Double]
  }
  struct Latent: Decodable {
    let values: [Float]
    let height, width: Int
    let margins: [Margins]
  }
  struct Anchors: Decodable {
    let values: [Float]
    let cosines: [Double]
  }
  struct Pictures: Decodable {
    let height, width: Int
    let a, b: [Float]
    let psnr, ssim, errorFirst: Double
  }

  let groups, dimension: Int
  let embedding: [Float]
  let geometry: [Geometry]
  let grid: Grid
  let usage: [Usage]
  let mutualInformation: [Information]
  let drift: Drift
  let latent: Latent
  let anchors: Anchors
  let pictures: Pictures

  static func load() throws -> RecordedCodebook {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(RecordedCodebook.self, from: fixture("codebook.json"))
  }

  func codebook() throws -> Codebook {
    try Codebook(
      embedding: Tensor(shape: [embedding.count / dimension, dimension], values: embedding), groups: groups)
  }

  var grids: [CodeGrid] {
    grid.codes.map { CodeGrid(groups: groups, height: grid.height, width: grid.width, indices: $0) }
  }
}

@Test("Norms, nearest neighbours, near-duplicates and effective rank agree with NumPy")
func geometry() throws {
  let recorded = try RecordedCodebook.load()
  let codebook = try recorded.codebook()
  for (group, expected) in recorded.geometry.enumerated() {
    let geometry = GroupGeometry(codebook, group: group)
    let norms = [geometry.normMinimum, geometry.normMean, geometry.normMaximum]
    #expect(zip(norms, expected.norms).allSatisfy { close($0, $1) })
    #expect(zip(geometry.nearestDistances, expected.nearest).allSatisfy { abs($0 - $1) < 2e-6 })
    #expect(geometry.nearDuplicates == expected.nearDuplicates)
    #expect(close(geometry.effectiveRank, expected.effectiveRank, 1e-5))
    let nearest = codebook.nearest(to: 5, group: group)
    #expect(nearest.map(\.code) == expected.nearestTo5)
    #expect(zip(nearest.map(\.distance), expected.nearestTo5Distance).allSatisfy { close($0, $1) })
  }
}

@Test("Usage, entropy with its correction, and perplexity agree with NumPy")
func usage() throws {
  let recorded = try RecordedCodebook.load()
  var usage = CodeUsage(groups: recorded.groups, codesPerGroup: 16)
  for grid in recorded.grids { try usage.add(grid) }
  for (group, expected) in recorded.usage.enumerated() {
    let statistics = usage.statistics(group: group)
    #expect(statistics.used == expected.used && statistics.dead == expected.dead && statistics.rare == expected.rare)
    #expect(statistics.samples == expected.samples)
    #expect(close(statistics.entropyBits, expected.entropyBits, 1e-9))
    #expect(close(statistics.entropyBitsCorrected, expected.corrected, 1e-9))
    #expect(close(statistics.perplexity, expected.perplexity, 1e-9))
    #expect(close(statistics.expectedUnseen, expected.expectedUnseen, 1e-9))
  }
  var (first, second) = (CodeUsage(groups: 3, codesPerGroup: 16), CodeUsage(groups: 3, codesPerGroup: 16))
  try first.add(recorded.grids[0])
  try second.add(recorded.grids[1])
  let drift = try #require(UsageDrift(first.counts[0], second.counts[0]))
  #expect(close(drift.bits, recorded.drift.bits, 1e-9) && close(drift.expectedBits, recorded.drift.expected, 1e-9))
  try first.merge(second)
  #expect(first == usage)
}

@Test("Mutual information between groups agrees with NumPy")
func mutualInformation() throws {
  let recorded = try RecordedCodebook.load()
  var coOccurrence = CoOccurrence(groups: 3, codesPerGroup: 16)
  for grid in recorded.grids { try coOccurrence.add(grid) }
  for (pair, expected) in zip([(0, 1), (0, 2), (1, 2)], recorded.mutualInformation) {
    let information = coOccurrence.mutualInformation(pair.1, pair.0)
    #expect(close(information.bits, expected.bits, 1e-9))
    #expect(close(information.normalised, expected.normalised, 1e-9))
  }
}

/// What two groups of 256 codes share in one picture of 21×21 places; the second's codes from the first's and a random one.
private func shared(seed: UInt64, _ second: (Int, Int) -> Int) throws -> MutualInformation {
  var generator = SplitMix64(seed: seed)
  let places = (0..<441).map { _ in (first: generator.below(256), random: generator.below(256)) }
  var coOccurrence = CoOccurrence(groups: 2, codesPerGroup: 256)
  let indices = places.map { Int32($0.first) } + places.map { Int32(second($0.first, $0.random)) }
  try coOccurrence.add(CodeGrid(groups: 2, height: 21, width: 21, indices: indices))
  return coOccurrence.mutualInformation(0, 1)
}

@Test("Codes that know nothing of each other are said to share nothing, though 441 places seem to show 6 bits")
func unrelatedCodes() throws {
  for seed in 1...5 {
    let information = try shared(seed: UInt64(seed)) { $1 }
    #expect(information.bits > 6 && abs(information.bits - information.unrelatedBits) < 0.1)
    #expect(!information.isAboveUnrelated && information.normalisedCorrected < 0.1)
    #expect(information.sentence.hasSuffix("too few places to tell."), "\(information.sentence)")
  }
}

@Test("Codes that are the same, or half of them, share more than shuffled ones; chance still explains most of it")
func relatedCodes() throws {
  let same = try shared(seed: 1) { first, _ in first }
  #expect(same.isAboveUnrelated && close(same.normalised, 1) && close(same.normalisedCorrected, 1))
  #expect(same.bitsCorrected > 0.5 && same.sentence.hasSuffix("bits above chance."))
  #expect(same.unrelatedBits > 0.5 * same.bits && CodebookFinding.of(same, 0, 1) == nil)
  let half = try shared(seed: 1) { first, random in random < 128 ? first : random }
  #expect(half.isAboveUnrelated && half.bitsCorrected < same.bitsCorrected)
  // One code alone tells nothing, and has no spread to exceed.
  let one = try shared(seed: 1) { _, _ in 7 }
  #expect(!one.isAboveUnrelated && one.bits == 0 && one.unrelatedBits < 1e-9)
}

@Test("Margins agree with NumPy, and the nearest code is the one the quantizer takes")
func margins() throws {
  let recorded = try RecordedCodebook.load()
  let latent = Tensor(shape: [12, recorded.latent.height, recorded.latent.width], values: recorded.latent.values)
  let margins = try recorded.codebook().margins(latent)
  for (group, expected) in recorded.latent.margins.enumerated() {
    #expect(margins[group].map(\.code) == expected.first && margins[group].map(\.runnerUp) == expected.second)
    #expect(zip(margins[group].map(\.margin), expected.margin).allSatisfy { abs($0 - $1) < 2e-6 })
  }
  #expect(throws: EvidenceError.self) { try recorded.codebook().margins(.zeros([11, 3, 2])) }
}

@Test("Anchor cosines agree with NumPy, and equal or zero anchors are called collapsed")
func anchors() throws {
  let recorded = try RecordedCodebook.load().anchors
  let anchors = Tensor(shape: [3, 8], values: recorded.values)
  let similarity = AnchorSimilarity(anchors)
  #expect(zip(similarity.cosines.flatMap { $0 }, recorded.cosines).allSatisfy { abs($0 - $1) < 1e-7 })
  #expect(!similarity.isCollapsed && CodebookFinding.of(similarity).isEmpty)
  let row = anchors[row: 0].values
  let same = Tensor(shape: [3, 8], values: row + row.map { $0 * 2 } + row)
  #expect(CodebookFinding.of(AnchorSimilarity(same)).map(\.what) == [.collapsedAnchors])
  #expect(CodebookFinding.of(AnchorSimilarity(.zeros([2, 4]))).map(\.severity) == [.broken])
  let across = try #require(acrossPictures([anchors, anchors]))
  #expect(CodebookFinding.acrossPictures(across).map(\.what) == [.constantAnchors])
  #expect(acrossPictures([anchors]) == nil)
}

/// The mean cosines across pictures of these anchors.
private func acrossPictures(_ pictures: [Tensor]) -> [Double]? {
  var anchors = AnchorAccumulator(anchors: 3, dimension: 8)
  for picture in pictures { anchors.add(picture) }
  return anchors.acrossPictures
}

@Test("PSNR, SSIM and the error map agree with scikit-image")
func pictureQuality() throws {
  let recorded = try RecordedCodebook.load().pictures
  let a = Tensor(shape: [3, recorded.height, recorded.width], values: recorded.a)
  let b = Tensor(shape: [3, recorded.height, recorded.width], values: recorded.b)
  #expect(close(PictureQuality.psnr(a, b, range: 2), recorded.psnr, 1e-8))
  #expect(close(PictureQuality.ssim(a, b, range: 2), recorded.ssim, 1e-8))
  #expect(close(Double(PictureQuality.errorMap(a, b).values[0]), recorded.errorFirst, 1e-6))
  #expect(PictureQuality.psnr(a, a, range: 2) == .infinity && close(PictureQuality.ssim(a, a, range: 2), 1))
  #expect(PictureQuality.ssim(.zeros([3, 10, 30]), .zeros([3, 10, 30]), range: 2) == nil)
}

@Suite("Pictures unlike those of the training")
struct TrainingPicturesTests {
  private func pictures(_ change: (String) -> String = { $0 }) throws -> TrainingPictures {
    let json = """
      {"words": "drawn scenes", "held_out_distances": [1, 2, 3, 4], "mean": [1, 0, 0], "directions": [[0, 1, 0]]}
      """
    return try JSONDecoder().decode(TrainingPictures.self, from: Data(change(json).utf8))
  }

  @Test("What lies along the training's directions is near, whatever its length; what lies across is far")
  func distance() throws {
    let pictures = try pictures()
    #expect(pictures.distance(Tensor(shape: [2, 3], values: [1, 5, 0, 1, -7, 0])) == 0)
    #expect(pictures.distance(Tensor(shape: [2, 3], values: [1, 0, 3, 2, 0, 0])) == 5)
    #expect(pictures.distance(Tensor(shape: [1, 2], values: [1, 0])) == nil)
  }

  @Test("Farther than 95 % of the held-out pictures is unlike them")
  func unlike() throws {
    let pictures = try pictures()
    #expect(!pictures.isUnlike(3.9) && pictures.isUnlike(4.1))
    #expect(pictures.warning(4.1).contains("farther from them than 4 of 4"))
  }

  @Test("Directions of another width, and no distances, are errors")
  func errors() {
    #expect(throws: DecodingError.self) {
      try pictures { $0.replacingOccurrences(of: "[[0, 1, 0]]", with: "[[0, 1]]") }
    }
    #expect(throws: DecodingError.self) {
      try pictures { $0.replacingOccurrences(of: "[1, 2, 3, 4]", with: "[]") }
    }
  }
}

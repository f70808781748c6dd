import Evidence
import Foundation
import Tensor
import TestSupport
import Testing
import Trace

/// Codes, latents and anchors of six pictures, and what NumPy computes from them; the file's `generator` says how.
private struct RecordedCodes: Decodable {
  struct Group: Decodable {
    let used, dead, samples: Int
    let entropyBits, perplexity, marginMean: Double
    let placeEntropy, planeVariance: [Double]
    let placeUsed: [Int]
  }

  let pictures, groups, codesPerGroup, dimension, height, width, anchorCount: Int
  let embedding: [Float]
  let codes: [[Int32]]
  let latents, anchors: [[Float]]
  let expected: [Group]
  let anchorNorms, anchorCosines, anchorsAcross: [Double]

  static func load() throws -> RecordedCodes {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(RecordedCodes.self, from: fixture("recorded-codes.json"))
  }

  func codebook() throws -> Codebook {
    try Codebook(
      embedding: Tensor(shape: [groups * codesPerGroup, dimension], values: embedding), groups: groups)
  }

  func usage() throws -> PictureUsage {
    var usage = PictureUsage(try codebook())
    for picture in 0..<pictures {
      try usage.add(
        CodeGrid(groups: groups, height: height, width: width, indices: codes[picture]),
        latent: Tensor(shape: [groups * dimension, height, width], values: latents[picture]),
        anchors: Tensor(
          shape: [anchorCount, anchors[picture].count / anchorCount], values: anchors[picture]))
    }
    return usage
  }
}

@Suite("Recorded codes")
struct RecordedCodesTests {
  @Test("Usage, entropy, margins and places over pictures agree with NumPy")
  func usage() throws {
    let recorded = try RecordedCodes.load()
    let usage = try recorded.usage()
    let report = CodebookReport(try recorded.codebook(), pictures: usage)
    let positions = try #require(usage.positions)
    for (group, expected) in recorded.expected.enumerated() {
      let found = try #require(report.groups[group].usage)
      #expect(found.used == expected.used && found.dead == expected.dead && found.samples == expected.samples)
      #expect(close(found.entropyBits, expected.entropyBits, 1e-12))
      #expect(close(found.perplexity, expected.perplexity, 1e-10))
      let margin = try #require(report.groups[group].margin)
      #expect(close(margin, expected.marginMean, 1e-5))
      #expect(positions.used(group: group) == expected.placeUsed)
      #expect(zip(positions.entropyBits(group: group), expected.placeEntropy).allSatisfy { close($0, $1, 1e-12) })
    }
  }

  @Test("Every recorded code is the nearest one, by brute force")
  func nearest() throws {
    let recorded = try RecordedCodes.load()
    let codebook = try recorded.codebook()
    let plane = recorded.height * recorded.width
    for picture in 0..<recorded.pictures {
      let latent = Tensor(
        shape: [recorded.groups * recorded.dimension, recorded.height, recorded.width],
        values: recorded.latents[picture])
      for (group, places) in try codebook.margins(latent).enumerated() {
        for (place, choice) in places.enumerated() where choice.margin > 1e-4 {
          #expect(choice.code == Int(recorded.codes[picture][group * plane + place]))
        }
      }
    }
  }

  @Test("Anchors' norms and cosines, to each other and across pictures, agree with NumPy")
  func anchors() throws {
    let recorded = try RecordedCodes.load()
    let anchors = try #require(try recorded.usage().anchors)
    let mean = try #require(anchors.mean)
    #expect(zip(mean.norms, recorded.anchorNorms).allSatisfy { close($0, $1, 1e-6) })
    #expect(zip(mean.cosines.flatMap { $0 }, recorded.anchorCosines).allSatisfy { close($0, $1, 1e-6) })
    let across = try #require(anchors.acrossPictures)
    #expect(zip(across, recorded.anchorsAcross).allSatisfy { close($0, $1, 1e-6) })
  }

  @Test("The main plane holds the variance that NumPy's eigenvalues say")
  func plane() throws {
    let recorded = try RecordedCodes.load()
    let codebook = try recorded.codebook()
    for (group, expected) in recorded.expected.enumerated() {
      let plane = PrincipalPlane(codebook.normalized[group])
      #expect(close(plane.variance.0, expected.planeVariance[0], 1e-5))
      #expect(close(plane.variance.1, expected.planeVariance[1], 1e-5))
      #expect(plane.points.count == recorded.codesPerGroup)
    }
  }

  @Test("Drift between codebooks is zero with itself, and counts codes that changed places")
  func drift() throws {
    let recorded = try RecordedCodes.load()
    let codebook = try recorded.codebook()
    let same = try CodebookDrift(codebook, codebook)
    #expect(same.groups.allSatisfy { close($0.meanCosine, 1, 1e-6) && $0.renamed == 0 })
    var values = recorded.embedding
    let size = recorded.dimension
    for index in 0..<size { values.swapAt(index, size + index) }
    let swapped = try Codebook(
      embedding: Tensor(shape: [recorded.groups * recorded.codesPerGroup, size], values: values),
      groups: recorded.groups)
    let drift = try CodebookDrift(codebook, swapped)
    #expect(drift.groups.map(\.renamed) == [2] + [Int](repeating: 0, count: recorded.groups - 1))
    let other = try Codebook(embedding: .zeros([4, size]), groups: 1)
    #expect(throws: EvidenceError.self) { try CodebookDrift(codebook, other) }
    let comparison = CodebookComparison(against: "b", pictures: 0, usage: [], codes: drift)
    #expect(comparison.findings.map(\.what) == [.codeDrift])
  }
}

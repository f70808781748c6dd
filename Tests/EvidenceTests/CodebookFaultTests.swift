import Evidence
import Foundation
import Statistics
import Tensor
import Testing
import Trace

/// Faults put into healthy codebooks, each of which a report must name.
@Suite("Injected faults of quantizers")
struct CodebookFaultTests {
  /// A quantizer under test: four codebooks of 64 codes with 8 values, over 40 pictures of 16×16 places.
  private struct Quantizer {
    static let (groups, codes, dimension, side) = (4, 64, 8, 16)
    var metric: Codebook.Metric
    /// `[G·K, d]`.
    var table: [Float]
    /// Indices of a picture, `[G, h, w]`.
    var pictures: [[Int32]]
    /// `[A, D]` of a picture.
    var anchors: [Tensor]

    init(_ metric: Codebook.Metric, seed: UInt64) {
      var generator = SplitMix64(seed: seed)
      func normal() -> Float {
        let radius = (-2 * log(Double.random(in: 1e-12..<1, using: &generator))).squareRoot()
        return Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &generator)))
      }
      self.metric = metric
      table = (0..<Self.groups * Self.codes * Self.dimension).map { _ in normal() }
      pictures = (0..<40).map { _ in
        (0..<Self.groups * Self.side * Self.side).map { _ in
          Int32(Int.random(in: 0..<Self.codes, using: &generator))
        }
      }
      anchors = (0..<40).map { _ in Tensor(shape: [4, 32], values: (0..<128).map { _ in normal() }) }
    }

    subscript(group: Int, code: Int) -> [Float] {
      get { Array(table[start(group, code)..<start(group, code) + Self.dimension]) }
      set { table.replaceSubrange(start(group, code)..<start(group, code) + Self.dimension, with: newValue) }
    }

    private func start(_ group: Int, _ code: Int) -> Int { (group * Self.codes + code) * Self.dimension }

    mutating func eachCode(of group: Int, _ change: ([Float], Int) -> [Float]) {
      for code in 0..<Self.codes { self[group, code] = change(self[group, code], code) }
    }

    /// Changes the indices of one group in all pictures.
    mutating func eachIndex(of group: Int, _ change: (Int32, _ place: Int, _ picture: Int) -> Int32) {
      let places = Self.side * Self.side
      for picture in pictures.indices {
        for place in 0..<places {
          let index = group * places + place
          pictures[picture][index] = change(pictures[picture][index], place, picture)
        }
      }
    }

    var findings: [CodebookFinding] {
      get throws {
        let book = try Codebook(
          embedding: Tensor(shape: [Self.groups * Self.codes, Self.dimension], values: table), groups: Self.groups,
          metric: metric)
        var usage = PictureUsage(book)
        for (indices, anchors) in zip(pictures, anchors) {
          try usage.add(
            CodeGrid(groups: Self.groups, height: Self.side, width: Self.side, indices: indices), anchors: anchors)
        }
        return CodebookReport(book, pictures: usage).findings.filter { $0.severity > .ok }
      }
    }
  }

  private typealias Fault = (name: String, kind: Set<CodebookFinding.What>, inject: @Sendable (inout Quantizer) -> Void)

  private static let faults: [Fault] = [
    ("one NaN", [.nonFinite], { $0[1, 7][3] = .nan }),
    ("one infinity", [.nonFinite], { $0[2, 0][0] = .infinity }),
    ("a group of NaN", [.nonFinite], { $0.eachCode(of: 3) { code, _ in code.map { _ in .nan } } }),
    ("a code of length 0", [.zeroCodes], { $0[0, 5] = [Float](repeating: 0, count: 8) }),
    (
      "a third of length 0", [.zeroCodes],
      { $0.eachCode(of: 1) { code, index in index % 3 == 0 ? code.map { _ in 0 } : code } }
    ),
    ("two equal codes", [.nearDuplicates], { $0[0, 9] = $0[0, 8] }),
    ("two codes nearly equal", [.nearDuplicates], { $0[2, 9] = $0[2, 8].map { $0 * 1.0001 } }),
    (
      "half copied from one", [.nearDuplicates],
      { quantizer in
        let one = quantizer[1, 0]
        quantizer.eachCode(of: 1) { code, index in index % 2 == 0 ? one : code }
      }
    ),
    (
      "all codes the same", [.nearDuplicates, .lowRank],
      { quantizer in
        let one = quantizer[3, 0]
        quantizer.eachCode(of: 3) { _, _ in one }
      }
    ),
    ("codes on a line", [.lowRank], { $0.eachCode(of: 0) { code, _ in [code[0]] + [Float](repeating: 0, count: 7) } }),
    (
      "codes in a plane", [.lowRank], { $0.eachCode(of: 2) { code, _ in code[..<2] + [Float](repeating: 0, count: 6) } }
    ),
    (
      "a group copied", [.duplicateGroups],
      { quantizer in for code in 0..<64 { quantizer[2, code] = quantizer[0, code] } }
    ),
    (
      "a group copied in another order", [.duplicateGroups],
      { quantizer in
        for code in 0..<64 { quantizer[3, code] = quantizer[1, (code * 5 + 3) % 64] }
      }
    ),
    ("half never chosen", [.deadCodes], { $0.eachIndex(of: 1) { index, _, _ in index / 2 } }),
    ("a tenth never chosen", [.deadCodes], { $0.eachIndex(of: 2) { index, _, _ in index % 57 } }),
    ("one code for all", [.deadCodes], { $0.eachIndex(of: 0) { _, _, _ in 11 } }),
    (
      "most hardly chosen", [.rareCodes, .deadCodes],
      { $0.eachIndex(of: 3) { index, place, _ in place % 40 == 0 ? index : index % 8 } }
    ),
    (
      "a group that repeats another's choice", [.dependentGroups],
      { quantizer in
        let own = quantizer.pictures
        quantizer.eachIndex(of: 1) { _, place, picture in own[picture][place] }
      }
    ),
    (
      "anchors all alike", [.collapsedAnchors],
      { quantizer in
        quantizer.anchors = quantizer.anchors.map { anchors in
          Tensor.concatenate((0..<4).map { _ in anchors[rows: 0..<1] })
        }
      }
    ),
    (
      "anchors that do not see the picture", [.constantAnchors],
      { quantizer in
        quantizer.anchors = quantizer.anchors.map { _ in quantizer.anchors[0] }
      }
    ),
    (
      "an anchor that is no number", [.nonFinite],
      { quantizer in
        quantizer.anchors[3] = quantizer.anchors[3] * .nan
      }
    ),
    (
      "two anchors that are one", [.collapsedAnchors],
      { quantizer in
        quantizer.anchors = quantizer.anchors.map { $0[rows: 0..<3] }.map { Tensor.concatenate([$0, $0[rows: 0..<1]]) }
      }
    ),
  ]

  @Test("Healthy codebooks raise nothing, by either metric", arguments: Codebook.Metric.allCases)
  func healthy(metric: Codebook.Metric) throws {
    for seed in 1...5 {
      let findings = try Quantizer(metric, seed: UInt64(seed)).findings
      #expect(findings.isEmpty, "seed \(seed): \(findings.map(\.sentence))")
    }
  }

  @Test("Each fault is named for what it is")
  func named() throws {
    var missed: [String] = []
    for (index, fault) in Self.faults.enumerated() {
      var quantizer = Quantizer(.cosine, seed: UInt64(index) + 100)
      fault.inject(&quantizer)
      let kinds = Set(try quantizer.findings.map(\.what))
      if kinds.isDisjoint(with: fault.kind) { missed.append("\(fault.name): \(kinds)") }
    }
    #expect(Self.faults.count == 22 && missed.isEmpty, "\(missed)")
  }

  @Test("Where lengths count, a code of length 0 is a place, two of one direction differ, and equal ones are named")
  func euclidean() throws {
    var quantizer = Quantizer(.euclidean, seed: 7)
    quantizer[0, 5] = [Float](repeating: 0, count: 8)
    quantizer[1, 9] = quantizer[1, 8].map { $0 * 3 }
    #expect(try quantizer.findings.isEmpty)
    quantizer[2, 9] = quantizer[2, 8]
    #expect(Set(try quantizer.findings.map(\.what)) == [.nearDuplicates])
  }

  @Test("The metric is guessed from the lengths: by angle only where all are 1")
  func guess() {
    let unit = Tensor(shape: [2, 2], values: [1, 0, 0.6, 0.8])
    #expect(Codebook.Metric.guessed(unit) == .cosine && Codebook.Metric.guessed(unit * 1.1) == .euclidean)
  }
}

import Foundation

/// What is per live layer and head over all pictures of a run: the numbers behind its maps.
package struct EvidenceMaps: Sendable, Hashable, Encodable {
  /// `[live layers][H]`, geometric means over pictures of (anchor share/A)/(patch share/P), and in the same positions.
  package var lift: [[Double]]
  package var samePosition: [[Double]]

  private enum CodingKeys: String, CodingKey {
    case lift
    case samePosition = "same_position"
  }

  package init(_ summary: EvidenceSummary, voco: Int) {
    let heads = summary.run.heads
    let count = Double(max(1, summary.pictures.count))
    let map = { (cells: (VocoEvidence) -> [Double]) -> [[Double]] in
      var sums = [Double](repeating: 0, count: summary.run.liveLayers * heads)
      for picture in summary.pictures {
        for (cell, value) in cells(picture.vocos[voco]).enumerated() { sums[cell] += value }
      }
      let means = sums.map { exp($0 / count) }
      return (0..<summary.run.liveLayers).map { Array(means[$0 * heads..<($0 + 1) * heads]) }
    }
    lift = map { $0.cellLifts }
    samePosition = map { $0.cells }
  }
}

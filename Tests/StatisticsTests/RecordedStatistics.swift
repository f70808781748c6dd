import Foundation
import TestSupport

/// Values recorded from SciPy and NumPy; the file's `generator` says how.
struct RecordedStatistics: Decodable {
  struct Percentile: Decodable {
    let draws: [Double]
    let value, percentile: Double
  }
  struct Quantile: Decodable { let values, q, expected: [Double] }
  struct RecordedMoments: Decodable {
    let values: [Double]
    let mean, variance: Double
  }

  let percentile: Percentile
  let quantile: Quantile
  let moments: RecordedMoments

  static func load() throws -> RecordedStatistics {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      RecordedStatistics.self, from: Data(contentsOf: URL(fileURLWithPath: fixture("statistics.json"))))
  }
}

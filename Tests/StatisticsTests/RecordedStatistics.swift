import Foundation
import TestSupport

/// Values recorded from SciPy and statsmodels; the file's `generator` says how.
struct RecordedStatistics: Decodable {
  struct Normal: Decodable { let z, cdf, p, ppf: [Double] }
  struct BCa: Decodable {
    let values, draws, percentile: [Double]
    let low, high: Double
  }
  struct SignFlip: Decodable {
    let values: [Double]
    let greater, less, twoSided: Double

    enum CodingKeys: String, CodingKey {
      case values, greater, less
      case twoSided = "two-sided"
    }
  }
  struct BH: Decodable { let p, adjusted: [Double] }
  struct Percentile: Decodable {
    let draws: [Double]
    let value, percentile: Double
  }
  struct Quantile: Decodable { let values, q, expected: [Double] }
  struct Student: Decodable { let t, df, upper: [Double] }
  struct RecordedMoments: Decodable {
    let values: [Double]
    let mean, variance: Double
  }

  let normal: Normal
  let bca: [BCa]
  let signFlip: [SignFlip]
  let bh: BH
  let percentile: Percentile
  let quantile: Quantile
  let student: Student
  let moments: RecordedMoments

  static func load() throws -> RecordedStatistics {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      RecordedStatistics.self, from: Data(contentsOf: URL(fileURLWithPath: fixture("statistics.json"))))
  }
}

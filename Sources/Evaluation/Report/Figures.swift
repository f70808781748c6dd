import Statistics

/// Numbers as the reports print them.
enum Figures {
  /// What stands for a number that is undefined.
  static let none = "–"

  /// A share as a percentage with one decimal.
  static func percent(_ share: Double?) -> String {
    decimal(share.map { 100 * $0 }, places: 1)
  }

  static func percent(_ interval: Interval) -> String {
    "[\(percent(interval.low)), \(percent(interval.high))]"
  }

  /// A share in per cent, or points.
  static func value(_ metric: Metric) -> String {
    metric.maximum == 1 ? percent(metric.value) : decimal(metric.value, places: 1)
  }

  /// `value` rounded half away from zero to a number of decimals below 10.
  static func decimal(_ value: Double?, places: Int) -> String {
    guard let value, value.isFinite, abs(value) < 1e9 else { return none }
    let scale = (0..<places).reduce(1) { scale, _ in scale * 10 }
    let units = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && units > 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(units)" }
    let fraction = String(units % scale)
    return "\(sign)\(units / scale).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
  }
}

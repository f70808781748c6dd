import Evidence
import Foundation

/// How numbers are written, on screen and in reports alike.
package enum Format {
  /// Three significant digits: 0.0213, 8.21, 1240.
  package static func number(_ value: Double) -> String { significant(value) }

  /// 9.1%
  package static func percent(_ fraction: Double) -> String {
    guard fraction.isFinite else { return "–" }
    return String(format: fraction < 0.0995 ? "%.2f%%" : "%.1f%%", locale: nil, 100 * fraction)
  }

  /// ×13.2
  package static func times(_ value: Double?) -> String { value.map { "×" + significant($0) } ?? "×–" }

  /// 420 ms, 1.3 s
  package static func seconds(_ value: Double) -> String {
    value < 0.9995
      ? String(format: "%.0f ms", locale: nil, value * 1000) : String(format: "%.1f s", locale: nil, value)
  }

  /// 1 412: grouped by a space, which no one takes for a decimal separator.
  package static func integer(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text.append(" ") }
      text.append(digit)
    }
    return value < 0 ? "−" + text : text
  }

  /// 12.3 MiB
  package static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1024 && unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return unit == 0 ? "\(count) B" : String(format: "%.1f \(units[unit])", locale: nil, value)
  }

  /// 2.1 GFLOP
  package static func operations(_ count: Int) -> String {
    let units = ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"]
    var value = Double(count)
    var unit = 0
    while value >= 1000 && unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return "\(significant(value)) \(units[unit])"
  }

  /// 32×21×21
  package static func shape(_ shape: [Int]) -> String {
    shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: "×")
  }
}

import Foundation

/// How numbers are written, on screen, in reports, tables and figures alike; independent of the locale.
package enum Format {
  /// What stands for a number that is undefined or was not measured.
  package static let none = "–"

  /// Three significant digits: 0.0213, 8.21, 1240.
  package static func number(_ value: Double) -> String { significant(value) }

  /// Always so many decimals: 0.500. Exact ties go to the even digit, as C's `printf` rounds.
  package static func fixed(_ value: Double, digits: Int) -> String {
    String(format: "%.\(digits)f", locale: nil, value)
  }

  /// Always so many decimals, below 10, exact ties away from zero, as tables of published scores round; without a
  /// number, or with one of 10⁹ or more, `none`.
  package static func rounded(_ value: Double?, places: Int) -> String {
    guard let value, value.isFinite, abs(value) < 1e9 else { return none }
    let scale = (0..<places).reduce(1) { scale, _ in scale * 10 }
    let units = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && units > 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(units)" }
    let fraction = String(units % scale)
    return "\(sign)\(units / scale).\(String(repeating: "0", count: places - fraction.count))\(fraction)"
  }

  /// 9.10%, 12.3%
  package static func percent(_ fraction: Double) -> String {
    guard fraction.isFinite else { return none }
    return fixed(100 * fraction, digits: fraction < 0.0995 ? 2 : 1) + "%"
  }

  /// ×13.2
  package static func times(_ value: Double?) -> String { value.map { "×" + significant($0) } ?? "×" + none }

  /// 420 ms, 1.3 s
  package static func seconds(_ value: Double) -> String {
    value < 0.9995 ? fixed(value * 1000, digits: 0) + " ms" : fixed(value, digits: 1) + " s"
  }

  /// 340 µs, 12.4 ms, 1.3 s
  package static func duration(_ seconds: Double) -> String {
    if seconds >= 0.9995 { return Self.seconds(seconds) }
    return seconds >= 0.0009995 ? "\(significant(seconds * 1000)) ms" : "\(significant(seconds * 1e6)) µs"
  }

  /// `m:ss`, or `h:mm:ss` from an hour on; a begun second counts.
  package static func clock(_ seconds: Double) -> String {
    guard seconds < 1e9 else { return none }
    let whole = Int(seconds.rounded(.up))
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? "\(hours):\(padded(minutes)):\(padded(whole % 60))" : "\(minutes):\(padded(whole % 60))"
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
    let (value, unit) = scaled(Double(count), by: 1024, ["B", "KiB", "MiB", "GiB", "TiB"])
    return unit == "B" ? "\(count) B" : fixed(value, digits: 1) + " \(unit)"
  }

  /// 0.1 MiB: one unit whatever the size, where sizes are compared.
  package static func mebibytes(_ count: Int) -> String { fixed(Double(count) / 1_048_576, digits: 1) + " MiB" }

  /// 2.1 GFLOP
  package static func operations(_ count: Int) -> String {
    let (value, unit) = scaled(Double(count), by: 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"])
    return "\(significant(value)) \(unit)"
  }

  /// 32×21×21
  package static func shape(_ shape: [Int]) -> String {
    shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: "×")
  }

  /// `value` in the largest of `units`, each `step` of the one before, that leaves it at 1 or more.
  private static func scaled(_ value: Double, by step: Double, _ units: [String]) -> (value: Double, unit: String) {
    var value = value
    var unit = 0
    while value >= step && unit < units.count - 1 {
      value /= step
      unit += 1
    }
    return (value, units[unit])
  }
}

/// `value` with at most so many decimals, without trailing zeros, independent of the locale.
package func decimal(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "undefined" : value < 0 ? "−∞" : "∞" }
  var text = Format.fixed(value, digits: digits)
  if text.contains(".") {
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
  }
  return text == "-0" ? "0" : text
}

/// `value` with three significant digits: 0.0213, 8.21, 1240.
package func significant(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return decimal(value, digits: 0) }
  let magnitude = Int(floor(log10(abs(value))))
  return magnitude < -4 ? String(format: "%.1e", locale: nil, value) : decimal(value, digits: max(0, 2 - magnitude))
}

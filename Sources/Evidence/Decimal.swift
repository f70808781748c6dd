import Foundation

/// `value` with a fixed number of decimals, without trailing zeros, independent of the locale.
package func decimal(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "undefined" : value < 0 ? "−∞" : "∞" }
  var text = String(format: "%.\(digits)f", locale: nil, value)
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

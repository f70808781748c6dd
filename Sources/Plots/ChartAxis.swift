internal import Foundation

/// A value of an axis and what stands beside it.
package struct AxisTick: Sendable, Hashable {
  package var value: Double
  package var label: String

  package init(_ value: Double, _ label: String) {
    self.value = value
    self.label = label
  }
}

/// One axis of a chart.
package struct ChartAxis: Sendable {
  package enum Scale: Sendable { case linear, logarithmic }

  package var label: String
  package var scale: Scale
  /// Values at both ends; nil takes them from the marks.
  package var range: ClosedRange<Double>?
  /// nil chooses round values.
  package var ticks: [AxisTick]?

  package init(
    _ label: String, scale: Scale = .linear, range: ClosedRange<Double>? = nil, ticks: [AxisTick]? = nil
  ) {
    precondition(scale == .linear || range.map { $0.lowerBound > 0 } ?? true, "a logarithmic axis starts above zero")
    self.label = label
    self.scale = scale
    self.range = range
    self.ticks = ticks
  }

  /// An axis of names, at 0, 1, 2, …
  package static func categories(_ names: [String], label: String = "") -> ChartAxis {
    ChartAxis(
      label, range: -0.5...(Double(max(names.count, 1)) - 0.5),
      ticks: names.enumerated().map { AxisTick(Double($0.offset), $0.element) })
  }

  /// Whether the axis has a place for the value.
  func shows(_ value: Double) -> Bool { value.isFinite && (scale == .linear || value > 0) }

  /// The value as a length along the axis, before the range is stretched over it.
  func position(_ value: Double) -> Double { scale == .linear ? value : log10(value) }

  /// The axis with a range that holds all `values`, and some room, where it had none of its own.
  func covering(_ values: [Double]) -> ChartAxis {
    guard range == nil else { return self }
    let places = values.filter(shows).map(position)
    var low = places.min() ?? 0
    var high = places.max() ?? 1
    let room = high > low ? (high - low) * 0.05 : max(abs(low) * 0.1, scale == .linear ? 1e-9 : 0.3)
    // A quantity that starts at zero is drawn from zero.
    if !(scale == .linear && low == 0) { low -= room }
    if !(scale == .linear && high == 0) { high += room }
    var axis = self
    axis.range = scale == .linear ? low...high : pow(10, low)...pow(10, high)
    return axis
  }

  /// Ticks within the range: the axis's own or about `count` round ones.
  func shownTicks(count: Int) -> [AxisTick] {
    guard let range else { return [] }
    let all = ticks ?? (scale == .linear ? Self.linearTicks(range, count: count) : Self.decades(range))
    let slack = (position(range.upperBound) - position(range.lowerBound)) * 1e-9
    return all.filter {
      shows($0.value) && position($0.value) >= position(range.lowerBound) - slack
        && position($0.value) <= position(range.upperBound) + slack
    }
  }

  /// Multiples of 1, 2 or 5 times a power of ten.
  private static func linearTicks(_ range: ClosedRange<Double>, count: Int) -> [AxisTick] {
    let raw = (range.upperBound - range.lowerBound) / Double(max(count, 1))
    guard raw > 0, raw.isFinite else { return [AxisTick(range.lowerBound, axisText(range.lowerBound))] }
    let power = pow(10, floor(log10(raw)))
    let step = ([1, 2, 5, 10].first { $0 * power >= raw } ?? 10) * power
    let first = (range.lowerBound / step).rounded(.up)
    let last = (range.upperBound / step).rounded(.down)
    guard last >= first else { return [] }
    return (0...Int(last - first)).map { index in
      let value = (first + Double(index)) * step
      return AxisTick(value, axisText(value, step: step))
    }
  }

  /// Powers of ten; with fewer than two of them, their double and fivefold as well.
  private static func decades(_ range: ClosedRange<Double>) -> [AxisTick] {
    let exponents = Int(floor(log10(range.lowerBound)))...Int(ceil(log10(range.upperBound)))
    let isShort = log10(range.upperBound / range.lowerBound) < 2
    let stride = max(1, exponents.count / 8)
    return exponents.filter { isShort || $0 % stride == 0 }.flatMap { exponent in
      (isShort ? [1.0, 2, 5] : [1.0]).map { factor in
        AxisTick(factor * pow(10, Double(exponent)), axisText(factor * pow(10, Double(exponent))))
      }
    }
  }
}

/// A number as short as a tick needs it.
func axisText(_ value: Double, step: Double? = nil) -> String {
  let magnitude = abs(value)
  if let step, magnitude < step / 2 { return "0" }
  if magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e5) { return String(format: "%g", value) }
  guard let step else { return String(format: "%.4g", value) }
  let digits = max(0, min(6, Int(ceil(-log10(step) - 1e-9))))
  return String(format: "%.\(digits)f", value)
}

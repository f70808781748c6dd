internal import ColorMaps
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
    let round = (scale == .linear ? ValueScale.linear(range) : .logarithmic(range)).ticks(count: count)
    let all = ticks ?? round.map { AxisTick($0.value, printed($0.label)) }
    let slack = (position(range.upperBound) - position(range.lowerBound)) * 1e-9
    return all.filter {
      shows($0.value) && position($0.value) >= position(range.lowerBound) - slack
        && position($0.value) <= position(range.upperBound) + slack
    }
  }
}

/// A number with a minus sign rather than a hyphen.
func printed(_ number: String) -> String { String(number.map { $0 == "-" ? "−" : $0 }) }

package import ColorMaps
internal import Foundation

/// One axis of a chart.
package struct ChartAxis: Sendable {
  package var label: String
  /// Linear or logarithmic.
  package let scale: ValueScale.Kind
  /// Values at both ends; nil takes them from the marks.
  package var range: ClosedRange<Double>?
  /// nil chooses round values.
  package var ticks: [ScaleTick]?

  package init(
    _ label: String, scale: ValueScale.Kind = .linear, range: ClosedRange<Double>? = nil, ticks: [ScaleTick]? = nil
  ) {
    precondition(scale != .rank, "an axis has no ranks")
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
      ticks: names.enumerated().map { ScaleTick(Double($0.offset), $0.element) })
  }

  /// The place of a value, 0…1 within the range; nil where the axis has none for it.
  func place(_ value: Double) -> Double? { value.isFinite ? values?.position(value) : nil }

  private var values: ValueScale? { range.map { scale == .linear ? .linear($0) : .logarithmic($0) } }

  /// The axis with a range that holds all `values`, and some room, where it had none of its own.
  func covering(_ values: [Double]) -> ChartAxis {
    guard range == nil else { return self }
    let shown = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
    let places = scale == .linear ? shown : shown.map { log10($0) }
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
  func shownTicks(count: Int) -> [ScaleTick] {
    let round = values?.ticks(count: count).map { ScaleTick($0.value, printed($0.label)) } ?? []
    return (ticks ?? round).filter { tick in place(tick.value).map { -1e-9...1 + 1e-9 ~= $0 } ?? false }
  }
}

/// A number with a minus sign rather than a hyphen.
func printed(_ number: String) -> String { String(number.map { $0 == "-" ? "−" : $0 }) }

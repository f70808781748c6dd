internal import Foundation

/// A value with a place on a scale, and what is written there.
package struct ScaleTick: Sendable, Hashable {
  package var value: Double
  package var label: String

  package init(_ value: Double, _ label: String) {
    self.value = value
    self.label = label
  }
}

/// How values are read on an axis, a bar or in a map's colours: each has a place between 0 and 1.
package struct ValueScale: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
    case linear
    case logarithmic = "log"
    /// By how many of the values are smaller: equal steps of colour for equal numbers of values.
    case rank
  }

  package let kind: Kind
  /// The values at 0 and 1.
  package let range: ClosedRange<Double>
  /// Of a rank scale: its distinct values, ascending.
  private let ranked: [Double]

  private init(kind: Kind, range: ClosedRange<Double>, ranked: [Double] = []) {
    (self.kind, self.range, self.ranked) = (kind, range, ranked)
  }

  package static func linear(_ range: ClosedRange<Double>) -> ValueScale { ValueScale(kind: .linear, range: range) }

  /// - Precondition: the range starts above 0.
  package static func logarithmic(_ range: ClosedRange<Double>) -> ValueScale {
    precondition(range.lowerBound > 0, "a logarithmic scale starts above zero")
    return ValueScale(kind: .logarithmic, range: range)
  }

  /// Values that are no finite number have no rank.
  package static func rank(of values: [Double]) -> ValueScale {
    let sorted = values.filter(\.isFinite).sorted()
    let distinct = sorted.indices.filter { $0 == 0 || sorted[$0] != sorted[$0 - 1] }.map { sorted[$0] }
    return ValueScale(kind: .rank, range: (distinct.first ?? 0)...(distinct.last ?? 0), ranked: distinct)
  }

  /// The scale of a kind that holds all finite `values`; a logarithmic one the positive ones, over at most `decades`
  /// powers of ten below the largest, and a linear one where no value is positive.
  package init(_ kind: Kind, holding values: [Double], decades: Double = 4) {
    let finite = values.lazy.filter(\.isFinite)
    switch kind {
    case .linear: self = .linear((finite.min() ?? 0)...(finite.max() ?? 0))
    case .rank: self = .rank(of: values)
    case .logarithmic:
      let positive = values.lazy.filter { $0 > 0 && $0.isFinite }
      guard let low = positive.min(), let high = positive.max() else {
        self = .linear((finite.min() ?? 0)...(finite.max() ?? 0))
        return
      }
      self = .logarithmic(max(low, high * pow(10, -decades))...high)
    }
  }

  /// Place of a value, below 0 or above 1 outside the range; `nil` where it has none: no number, or nothing positive on
  /// a logarithmic scale.
  package func position(_ value: Double) -> Double? {
    guard !value.isNaN else { return nil }
    switch kind {
    case .linear: return Self.part(value, range.lowerBound, range.upperBound)
    case .logarithmic:
      return value > 0 ? Self.part(log10(value), log10(range.lowerBound), log10(range.upperBound)) : nil
    case .rank:
      if value < range.lowerBound { return -1 }
      if value > range.upperBound { return 2 }
      return ranked.count > 1 ? Double(rank(value)) / Double(ranked.count - 1) : 0.5
    }
  }

  /// Place of a value in 0…1, ends standing for what lies beyond them. Zero and less stand at the foot of a logarithmic
  /// scale; `nil` for what is no number.
  package func clampedPosition(_ value: Double) -> Double? {
    value.isNaN ? nil : position(value).map { min(max($0, 0), 1) } ?? 0
  }

  /// The value at a place in 0…1.
  package func value(at position: Double) -> Double {
    let (low, high) = (range.lowerBound, range.upperBound)
    switch kind {
    case .linear: return low + (high - low) * position
    case .logarithmic: return low * pow(high / low, position)
    case .rank: return ranked.isEmpty ? 0 : ranked[Int((position * Double(ranked.count - 1)).rounded())]
    }
  }

  private static func part(_ value: Double, _ low: Double, _ high: Double) -> Double {
    high > low ? (value - low) / (high - low) : value < low ? -1 : value > high ? 2 : 0.5
  }

  /// Number of distinct values below `value`.
  private func rank(_ value: Double) -> Int {
    var (low, high) = (0, ranked.count)
    while low < high {
      let middle = (low + high) / 2
      if ranked[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension ValueScale {
  /// About `count` round values within the range and what to write beside them, ascending.
  package func ticks(count: Int) -> [ScaleTick] {
    guard range.lowerBound.isFinite && range.upperBound.isFinite && count > 0 else { return [] }
    switch kind {
    case .linear: return linearTicks(count: count)
    case .logarithmic: return logarithmicTicks(count: count)
    case .rank:
      let steps = max(1, min(count, ranked.count) - 1)
      return (0...steps).map { step in
        let value = value(at: Double(step) / Double(steps))
        return ScaleTick(value, tickText(value))
      }
    }
  }

  /// Multiples of 1, 2 or 5 times a power of ten.
  private func linearTicks(count: Int) -> [ScaleTick] {
    let raw = (range.upperBound - range.lowerBound) / Double(count)
    guard raw > 0, raw.isFinite else { return [ScaleTick(range.lowerBound, tickText(range.lowerBound))] }
    let power = pow(10, floor(log10(raw)))
    let step = ([1, 2, 5, 10].first { $0 * power >= raw * (1 - 1e-9) } ?? 10) * power
    let first = (range.lowerBound / step - 1e-9).rounded(.up)
    let last = (range.upperBound / step + 1e-9).rounded(.down)
    guard last >= first else { return [] }
    return (0...Int(last - first)).map { index in
      let value = (first + Double(index)) * step
      return ScaleTick(value, tickText(value, step: step))
    }
  }

  /// Powers of ten, as far apart as `count` asks; over less than two of them 1, 2 and 5 times each.
  private func logarithmicTicks(count: Int) -> [ScaleTick] {
    let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
    let exponents = Int(floor(low))...Int(ceil(high))
    let isShort = high - low < 2
    let stride = max(1, Int((Double(exponents.count) / Double(count)).rounded(.up)))
    let slack = max(high - low, 1e-12) * 1e-9
    return exponents.filter { isShort || $0 % stride == 0 }
      .flatMap { exponent in (isShort ? [1.0, 2, 5] : [1.0]).map { $0 * pow(10, Double(exponent)) } }
      .filter { log10($0) >= low - slack && log10($0) <= high + slack }
      .map { ScaleTick($0, tickText($0)) }
  }
}

/// A number as short as a tick needs it: with `step`, to the digits in which neighbouring ticks differ.
package func tickText(_ value: Double, step: Double? = nil) -> String {
  let magnitude = abs(value)
  if let step, magnitude < step / 2 { return "0" }
  if magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e5) { return String(format: "%.3g", value) }
  guard let step else { return String(format: "%.4g", value) }
  let digits = max(0, min(6, Int(ceil(-log10(step) - 1e-9))))
  return String(format: "%.\(digits)f", value)
}

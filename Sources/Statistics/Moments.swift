/// Count, mean and spread of a stream of numbers (Welford; merged by Chan, Golub & LeVeque), in constant memory.
package struct Moments: Sendable, Hashable, Codable {
  package private(set) var count = 0
  package private(set) var mean = 0.0
  /// Σ (x − mean)².
  private var squares = 0.0

  package init() {}

  package init(_ values: [Double]) {
    for value in values { add(value) }
  }

  package mutating func add(_ value: Double) {
    count += 1
    let delta = value - mean
    mean += delta / Double(count)
    squares += delta * (value - mean)
  }

  package mutating func merge(_ other: Moments) {
    guard other.count > 0 else { return }
    let total = Double(count + other.count)
    let delta = other.mean - mean
    squares += other.squares + delta * delta * Double(count) * Double(other.count) / total
    mean += delta * Double(other.count) / total
    count += other.count
  }

  /// With denominator n − 1; 0 for fewer than two numbers.
  package var variance: Double { count > 1 ? squares / Double(count - 1) : 0 }
  package var standardDeviation: Double { variance.squareRoot() }
}

/// The arithmetic mean; `nil` of nothing.
package func mean(_ values: [Double]) -> Double? {
  values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}

/// The `fraction` quantile of ascending `sorted` values, linearly interpolated between order statistics
/// (Hyndman & Fan type 7, NumPy's default).
package func quantile(sorted: [Double], _ fraction: Double) -> Double {
  precondition(!sorted.isEmpty)
  let position = min(max(fraction, 0), 1) * Double(sorted.count - 1)
  let index = min(Int(position), sorted.count - 1)
  let upper = min(index + 1, sorted.count - 1)
  return sorted[index] + (position - Double(index)) * (sorted[upper] - sorted[index])
}

/// The part of `draws` below `value`, ties counted half: 0…1; `nil` without draws.
package func percentile(of value: Double, among draws: [Double]) -> Double? {
  guard !draws.isEmpty else { return nil }
  let below = draws.count { $0 < value }
  let equal = draws.count { $0 == value }
  return (Double(below) + Double(equal) / 2) / Double(draws.count)
}

import Evidence
import Foundation
import Statistics
import Tensor
import TestSupport
import Testing

/// `count` rows of `width` normal numbers; those of label 1 are moved by `shift` along the first.
private func features(_ count: Int, width: Int, shift: Double, seed: UInt64 = 1) -> (features: Tensor, labels: [Int]) {
  var generator = SplitMix64(seed: seed)
  var values: [Float] = []
  for picture in 0..<count {
    for column in 0..<width {
      // Box–Muller.
      let normal = (-2 * log(1 - generator.unit())).squareRoot() * cos(2 * Double.pi * generator.unit())
      values.append(Float(normal + (column == 0 && picture % 2 == 1 ? shift : 0)))
    }
  }
  return (Tensor(shape: [count, width], values: values), (0..<count).map { $0 % 2 })
}

/// (XᵀX + λI) w = Xᵀy with the intercept unpenalised, by elimination: what the others predict of a picture.
private func refit(_ x: Tensor, _ y: [Double], without left: Int, lambda: Double) -> Double {
  let (n, d) = (x.shape[0], x.shape[1])
  let rows = (0..<n).filter { $0 != left }
  func at(_ row: Int, _ column: Int) -> Double { Double(x.values[row * d + column]) }
  let means: [Double] = (0..<d).map { column in mean(rows.map { at($0, column) }) ?? 0 }
  let target: Double = mean(rows.map { y[$0] }) ?? 0
  var system = [[Double]](repeating: [Double](repeating: 0, count: d + 1), count: d)
  for a in 0..<d {
    for row in rows {
      let own = at(row, a) - means[a]
      for b in 0..<d { system[a][b] += own * (at(row, b) - means[b]) }
      system[a][d] += own * (y[row] - target)
    }
    system[a][a] += lambda
  }
  for pivot in 0..<d {
    for row in 0..<d where row != pivot {
      let factor = system[row][pivot] / system[pivot][pivot]
      for column in pivot...d { system[row][column] -= factor * system[pivot][column] }
    }
  }
  var prediction = target
  for column in 0..<d { prediction += system[column][d] / system[column][column] * (at(left, column) - means[column]) }
  return prediction
}

/// The squared errors of two fits over all pictures but one.
private func squares(_ fit: [[Double]], _ targets: [[Double]], without left: Int) -> Double {
  var sum = 0.0
  for label in 0..<2 {
    for picture in targets[label].indices where picture != left {
      let error = fit[label][picture] - targets[label][picture]
      sum += error * error
    }
  }
  return sum
}

@Suite("Probes")
struct ProbeTests {
  @Test(
    "The closed form predicts every picture as a fit to all others does, with the penalty that suits the others best")
  func leaveOneOut() {
    let (x, labels) = features(14, width: 3, shift: 1.5)
    let targets = (0..<2).map { label in labels.map { $0 == label ? 1.0 : 0 } }
    // The mean eigenvalue of the centred kernel is the centred features' energy over n.
    var energy = 0.0
    for column in 0..<3 {
      let values = (0..<14).map { Double(x.values[$0 * 3 + column]) }
      let centre = mean(values)!
      energy += values.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
    }
    let fits = RidgeProbe.penalties.map { penalty in
      targets.map { y in (0..<14).map { refit(x, y, without: $0, lambda: penalty * energy / 14) } }
    }
    var expected: [Int] = []
    for picture in 0..<14 {
      let errors: [Double] = fits.map { squares($0, targets, without: picture) }
      let smallest: Double = errors.min() ?? 0
      let best = fits[errors.firstIndex(of: smallest) ?? 0]
      expected.append(best[0][picture] >= best[1][picture] ? 0 : 1)
    }
    #expect(RidgeProbe(x).predictions(labels, classes: 2) == expected)
    #expect(expected != labels && expected.contains(0) && expected.contains(1))
  }

  @Test("A label that is there is found, and one that is not is as good as permuted ones")
  func control() {
    let (x, labels) = features(60, width: 40, shift: 6)
    let found = ProbeResult("codes", x, labels: labels, classes: 2, permutations: 99, seed: 1)
    #expect(found.accuracy > 0.9 && found.pValue == 0.01 && found.dimension == 40)
    #expect(found.permutedRange.high < found.accuracy && abs(found.permutedMean - 0.5) < 0.1)
    let (noise, _) = features(60, width: 40, shift: 0)
    let none = ProbeResult("codes", noise, labels: labels, classes: 2, permutations: 99, seed: 1)
    #expect(none.pValue > 0.05 && none.accuracy <= none.permutedRange.high)
    #expect(none.interval.low < 0.5 && none.interval.high > none.accuracy)
  }

  @Test("Features that are the same in every picture tell nothing, and more values than pictures do no harm")
  func degenerate() {
    let labels = (0..<30).map { $0 % 3 }
    let constant = ProbeResult(
      "anchors", Tensor(shape: [30, 4], values: [Float](repeating: 2, count: 120)), labels: labels, classes: 3,
      permutations: 19, seed: 1)
    #expect(constant.accuracy <= 1.0 / 3)
    var values = [Float](repeating: 0, count: 90)
    for (picture, label) in labels.enumerated() { values[3 * picture + label] = 1 }
    let own = Tensor(shape: [30, 3], values: values)
    #expect(RidgeProbe(own).predictions(labels, classes: 3) == labels)
  }
}

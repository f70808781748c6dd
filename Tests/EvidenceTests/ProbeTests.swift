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

@Suite("What probe and eval printed, read again")
struct SavedMeasurementTests {
  static let probes = """
    {"labels": [{"name": "red", "pictures": 5}, {"name": "blue", "pictures": 3}], "pictures": 8, "chance": 0.625,
     "permutations": 99, "seed": 4, "results": [{"name": "anchors", "read": true, "dimension": 64, "accuracy": 0.875,
     "interval": [0.53, 0.98], "permuted_mean": 0.5, "permuted_range": [0.25, 0.75], "p": 0.01}],
     "provenance": {"weights_sha256": "w", "config_sha256": "c", "precision": "exact"}}
    """
  static let accuracy = """
    {"benchmark": "llava", "questions": "q.jsonl", "question_count": 20, "models": [{}], "differences": [
     {"model": "demo (cut anchors)", "uncut": "demo", "families": [{"family": "colour", "n": 20, "before": 0.9,
      "after": 0.4, "difference": -0.5, "interval": [-0.7, -0.2], "lost": 11, "gained": 1}]},
     {"model": "other (cut anchors)", "uncut": "other", "families": []}],
     "provenance": {"models": [{"model": "demo", "model_sha256": "c+w", "settings": "from voco, precision exact, v 1"},
      {"model": "demo (cut anchors)", "model_sha256": "c+w",
       "settings": "from voco, cut anchors, greedy, at most 8 tokens, precision exact, vocoscope 0.1.0"},
      {"model": "other (cut anchors)", "model_sha256": "d+x"}]}}
    """

  private func read(
    _ text: String, config: String = "c", weights: String = "w", precision: String = "exact"
  ) throws -> SavedMeasurement.Kind? {
    try SavedMeasurement(
      json: Data(text.utf8), configSHA256: config, weightsSHA256: weights, precision: precision)?.kind
  }

  @Test("Probes come back as they were")
  func probes() throws {
    guard case .probes(let report)? = try read(Self.probes) else {
      Issue.record("no probes")
      return
    }
    #expect(report.pictures == 8 && report.chance == 0.625 && report.results[0].pValue == 0.01)
    let again = try JSONDecoder().decode(ProbeReport.self, from: JSONEncoder().encode(report))
    #expect(again == report)
  }

  @Test("Of an evaluation what interventions cost this model is kept")
  func accuracy() throws {
    guard case .accuracy(let changes)? = try read(Self.accuracy) else {
      Issue.record("no accuracies")
      return
    }
    #expect(changes.map(\.intervention) == ["cut anchors"] && changes[0].families[0].difference == -0.5)
    #expect(changes[0].families[0].interval == Interval(low: -0.7, high: -0.2) && changes[0].families[0].lost == 11)
  }

  @Test("Other files are none of them, and other models', missing keys and impossible numbers are refused by name")
  func refused() throws {
    for other in ["", "{}", "[1]", "{\"plan\": {}}\n{\"picture\": 1}", "nothing"] { #expect(try read(other) == nil) }
    func fault(_ text: String, config: String = "c", weights: String = "w", precision: String = "exact") -> String {
      do {
        _ = try read(text, config: config, weights: weights, precision: precision)
        return "none"
      } catch { return "\(error)" }
    }
    #expect(fault(Self.probes, weights: "v") == "weights is w, expected v")
    #expect(fault(Self.probes, precision: "int8") == "precision is exact, expected int8")
    #expect(fault(Self.probes.replacing("0.875", with: "1.5")).contains("anchors with numbers that cannot be"))
    #expect(
      fault(Self.probes.replacing("\"p\": 0.01", with: "\"q\": 0"))
        == "results.0.p is missing, expected a value as printed")
    #expect(fault(Self.probes.replacing("\"pictures\": 5", with: "\"pictures\": 9e18")).contains("labels"))
    #expect(fault(Self.accuracy, weights: "v") == "model is of weights w, expected v")
    #expect(fault(Self.accuracy, precision: "int8") == "precision is exact, expected int8")
    #expect(fault(Self.accuracy.replacing("precision exact", with: "as it is"), precision: "int8") == "none")
    #expect(fault(Self.accuracy.replacing("\"lost\": 11", with: "\"lost\": -1")).contains("colour with numbers"))
    #expect(fault(Self.accuracy.replacing("differences", with: "else")).contains("what --cut or --swap cost"))
  }
}

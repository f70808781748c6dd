package import Evidence
import Files
import Foundation
package import HTCVLM
import Reports
import Statistics
package import Tensor
import Trace

/// Labelled pictures: a directory with a directory for each label.
package struct LabelledPictures: Sendable {
  package struct Label: Sendable {
    package let name: String
    package let paths: [String]
  }

  /// By name.
  package let labels: [Label]

  private static let endings: Set<String> = ["png", "jpg", "jpeg"]

  /// - Throws: a sentence that names the directory with fewer than two labels, or the label with fewer than two pictures.
  package init(directory: String) throws {
    guard Directory.exists(directory) else { throw ExperimentError("\(directory): no such directory") }
    let names = try Directory.ownNames(directory).filter {
      !$0.hasPrefix(".") && Directory.exists("\(directory)/\($0)")
    }
    guard names.count >= 2 else {
      throw ExperimentError(
        "\(directory): holds \(names.count) directories, expected one for each of two labels or more")
    }
    labels = try names.map { name in
      let paths = try Directory.files(below: "\(directory)/\(name)", endings: Self.endings)
      guard paths.count >= 2 else {
        throw ExperimentError("\(directory)/\(name): holds \(paths.count) PNG or JPEG pictures, expected 2 or more")
      }
      return Label(name: name, paths: paths)
    }
  }
}

extension ProbeReport {
  /// Runs the model on every picture once, then the probes.
  ///
  /// - Parameter onProgress: the picture that is run, and how many are done.
  package static func measure(
    _ pictures: LabelledPictures, _ model: HTCVLMModel, permutations: Int, seed: UInt64,
    run: RunContext = RunContext(), onProgress: (_ path: String, _ done: Int, _ of: Int) -> Void = { _, _, _ in }
  ) throws -> ProbeReport {
    let total = pictures.labels.reduce(0) { $0 + $1.paths.count }
    var features = ProbeFeatures()
    var labels: [Int] = []
    for (label, group) in pictures.labels.enumerated() {
      for path in group.paths {
        onProgress(path, features.pictures, total)
        let visual = try model.encode(PictureSource(path: path).image, run: run)
        features.add(try model.compress(visual, run: run), hasVoco: model.hasVoco)
        labels.append(label)
      }
    }
    let results = features.kinds.enumerated().map { index, kind in
      ProbeResult(
        kind.name, features.features(index), read: kind.read, labels: labels, classes: pictures.labels.count,
        permutations: permutations, seed: seed)
    }
    return ProbeReport(
      labels: pictures.labels.map { Label(name: $0.name, pictures: $0.paths.count) }, permutations: permutations,
      seed: seed, results: results)
  }
}

/// What a label may be read off, gathered picture by picture.
package struct ProbeFeatures: Sendable {
  package struct Kind: Sendable, Hashable {
    package let name: String
    /// Whether anything that ends in an answer reads it.
    package let read: Bool
  }

  /// In the order from the picture to the text.
  package private(set) var kinds: [Kind] = []
  /// `[kinds]`, each with a row per picture.
  private var values: [[Float]] = []
  package private(set) var pictures = 0

  package init() {}

  /// Adds a compressed picture: its code vectors, anchors, the mean of its patches, and the last voco's state as it enters
  /// each layer and after the last.
  package mutating func add(_ cache: VisualCache, hasVoco: Bool) {
    var features: [(Kind, [Float])] = []
    if let quantized = cache.visual.mgvq?.quantized {
      features.append((Kind(name: "codes", read: true), quantized.values))
    }
    let (anchors, patches) = (cache.visual.anchors, cache.visual.vision.patches)
    if anchors.count > 0 { features.append((Kind(name: "anchors", read: true), anchors.values)) }
    features.append((Kind(name: "mean patch", read: true), Self.mean(patches)))
    if hasVoco {
      let states = cache.hiddenVoco
      // Into the first layer goes the token's embedding, which is the same for every picture.
      for layer in 1..<states.shape[0] {
        let isLast = layer == states.shape[0] - 1
        let name = isLast ? "<voco> after the last layer" : "<voco> into layer \(layer + 1)"
        features.append((Kind(name: name, read: !isLast), states[row: layer].values))
      }
    }
    if pictures == 0 {
      kinds = features.map(\.0)
      values = features.map { _ in [] }
    }
    for (index, feature) in features.enumerated() { values[index] += feature.1 }
    pictures += 1
  }

  /// `[n, d]` of a kind.
  package func features(_ kind: Int) -> Tensor {
    Tensor(shape: [pictures, values[kind].count / pictures], values: values[kind])
  }

  private static func mean(_ rows: Tensor) -> [Float] {
    let (count, width) = (rows.shape[0], rows.shape[1])
    var sums = [Double](repeating: 0, count: width)
    for index in rows.values.indices { sums[index % width] += Double(rows.values[index]) }
    return sums.map { Float($0 / Double(max(1, count))) }
  }
}

/// Probes in words and as rows of a table.
package struct ProbeText: Sendable {
  private let report: ProbeReport

  package init(_ report: ProbeReport) { self.report = report }

  package var lines: [String] {
    let labels = report.labels.map { "\($0.name) \($0.pictures)" }.joined(separator: ", ")
    let head = ["", "values", "right", "95 %", "permuted", "95 %", "p", ""]
    let rows = report.results.map { result in
      [
        result.name, "\(result.dimension)", Format.percent(result.accuracy), range(result.interval),
        Format.percent(result.permutedMean), range(result.permutedRange), significant(result.pValue),
        result.read ? "" : "read by nobody",
      ]
    }
    return [
      "\(report.pictures) pictures: \(labels)", "which label, from a linear map that was fitted to the other pictures",
    ]
      + TextTable(.trailingButFirst).lines([head] + rows)
      + [
        "",
        "Who always says the commonest label is right in \(Format.percent(report.chance)); \(report.permutations) permutations of the labels, "
          + "seed \(report.seed).",
        "A label that can be read is there; that the model uses it is another question (vocoscope verify).",
      ]
  }

  private func range(_ interval: Interval) -> String {
    "\(Format.percent(interval.low))–\(Format.percent(interval.high))"
  }

  /// A row for each kind of feature, under its heading.
  package var rows: [[String]] {
    [
      [
        "features", "read", "dimension", "n", "accuracy", "lower", "upper", "permuted_mean", "permuted_lower",
        "permuted_upper", "p", "chance",
      ]
    ]
      + report.results.map { result in
        [
          result.name, "\(result.read)", "\(result.dimension)", "\(report.pictures)", "\(result.accuracy)",
          "\(result.interval.low)", "\(result.interval.high)", "\(result.permutedMean)",
          "\(result.permutedRange.low)", "\(result.permutedRange.high)", "\(result.pValue)", "\(report.chance)",
        ]
      }
  }
}

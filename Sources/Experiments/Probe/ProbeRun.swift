package import Evidence
import Files
import Foundation
package import HTCVLM

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

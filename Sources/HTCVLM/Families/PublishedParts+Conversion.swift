import Files
import JSON
import Tensor
import WeightFormats

extension PublishedParts {
  /// Writes one checkpoint directory, which appears at `path` only when it is complete. Tensors keep their types; those
  /// that no run reads are left out.
  ///
  /// - Throws: `CheckpointError` naming the first tensor that is missing or misshapen, or that `path` exists, and what
  ///   the system says of a file that cannot be written.
  package func write(to path: String) throws {
    let directory = try PartialDirectory(path: path)
    let expected = try HTCVLMModel.expectedTensors(configuration)
    try check(CheckpointReport(expected: expected, found: tensors))
    let kept = Dictionary(uniqueKeysWithValues: expected.compactMap { tensors[$0.name] }.map { ($0.name, $0) })
    let required = Set(expected.filter(\.required).map(\.name))
    try SafetensorsWriter.write(
      streaming: kept.values.map { SafetensorsDescription($0.name, $0.dtype, $0.shape) }, metadata: ["format": "pt"],
      to: "\(directory.path)/model.safetensors"
    ) { description, append in
      guard let tensor = kept[description.name] else { return }
      if required.contains(tensor.name), let value = tensor.firstNotFinite() {
        throw CheckpointError.tensor(path: "the parts together", name: tensor.name, problem: value.problem)
      }
      try tensor.withUnsafeBytes(append)
    }
    try FileContents.write(Array(document.document.utf8), to: "\(directory.path)/config.json")
    try FileContents.write(Array(preprocessor.json.document.utf8), to: "\(directory.path)/preprocessor_config.json")
    try FileContents.write(
      FileContents.read(path: tokenizerPath, limit: Self.largestTokenizer), to: "\(directory.path)/tokenizer.model")
    try directory.finish()
  }

  private static let largestTokenizer = 256 << 20

  private func check(_ report: CheckpointReport) throws(CheckpointError) {
    let problems = report.rows.filter { !$0.status.isHarmless }
    guard let first = problems.first else { return }
    let found = first.foundShape.map { "\(first.dtype?.rawValue ?? "") \($0)" } ?? "missing"
    let rest = problems.count > 1 ? ", and \(problems.count - 1) more do not fit" : ""
    throw .tensor(
      path: "the parts together", name: first.name,
      problem: "is \(found), expected \(first.expectedShape ?? [])\(rest)")
  }
}

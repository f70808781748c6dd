import Files
import Foundation
import JSON
import Safetensors
import Tensor
import WeightFormats

extension PublishedParts {
  /// Writes one checkpoint directory, which appears at `path` only when it is complete. Tensors keep their types; those
  /// that no run reads are left out.
  ///
  /// - Throws: `CheckpointError` naming the first tensor that is missing or misshapen, or that `path` exists, and what
  ///   the system says of a file that cannot be written.
  package func write(to path: String) throws {
    let files = FileManager.default
    guard !files.fileExists(atPath: path) else {
      throw CheckpointError.malformed(path: path, problem: "is there already, and would be lost")
    }
    let expected = try HTCVLMModel.expectedTensors(configuration)
    try check(CheckpointReport(expected: expected, found: tensors))
    let partial = "\(path).\(String(UInt32.random(in: .min ... .max), radix: 36)).partial"
    var isKept = false
    defer { if !isKept { try? files.removeItem(atPath: partial) } }
    do {
      try files.createDirectory(atPath: partial, withIntermediateDirectories: false)
    } catch {
      throw CheckpointError.malformed(path: path, problem: "cannot be made: \(error.localizedDescription)")
    }
    let kept = Dictionary(uniqueKeysWithValues: expected.compactMap { tensors[$0.name] }.map { ($0.name, $0) })
    try SafetensorsWriter.write(
      streaming: kept.values.map { SafetensorsDescription($0.name, $0.dtype, $0.shape) }, metadata: ["format": "pt"],
      to: "\(partial)/model.safetensors"
    ) { description, append in _ = try kept[description.name]?.withUnsafeBytes(append) }
    try FileContents.write(Array(document.document.utf8), to: "\(partial)/config.json")
    try FileContents.write(Array(preprocessor.json.document.utf8), to: "\(partial)/preprocessor_config.json")
    try FileContents.write(
      FileContents.read(path: tokenizerPath, limit: Self.largestTokenizer), to: "\(partial)/tokenizer.model")
    try files.moveItem(atPath: partial, toPath: path)
    isKept = true
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

import ColorMaps
import CursesTerminal
import Evidence
package import Experiments
import Files
import Foundation
package import HTCVLM
package import Inspector
import Statistics
import Tensor
import TerminalUI
package import Trace
import WeightFormats

extension Action {
  /// A decoded picture as panels draw it.
  package static func picture(_ source: PictureSource) -> Action {
    .picture(source.image, name: source.name, warnings: source.warnings)
  }
}

extension Trace {
  /// What fills an inspector with a finished run, a new picture first: it would take a run before it away.
  ///
  /// - Parameter picture: its file as it was decoded; without it, it is taken from the quantizer's input, or the tower's.
  package func actions(showing picture: Action? = nil) -> [Action] {
    let seen = mgvq.map { Picture(signed: $0.pixelValues) } ?? normalizedPicture
    return [picture ?? seen.map { .picture($0, name: provenance.imageName) }].compactMap { $0 }
      + [.trace(self), .finished]
  }

  /// The tower's input with its normalization undone; nil where the file does not say what it was.
  private var normalizedPicture: Picture? {
    guard let pixels = vision?.pixelValues, model.imageMean.count == 3, model.imageStd.count == 3 else { return nil }
    let area = pixels.count / 3
    // Values of 0…1 as the signed ones that a quantizer takes.
    let signed = Tensor(
      shape: pixels.shape,
      values: pixels.values.enumerated().map { index, value in
        let channel = index / area
        return (value * Float(model.imageStd[channel]) + Float(model.imageMean[channel])) * 2 - 1
      })
    return Picture(signed: signed)
  }
}

extension CheckpointListing {
  /// What the Checkpoint panel shows of a directory.
  package init(_ pipeline: Pipeline) throws {
    let (checkpoint, precision) = (pipeline.checkpoint, pipeline.model.precision)
    let report = try CheckpointReport(
      expected: HTCVLMModel.expectedTensors(checkpoint.configuration), found: checkpoint.tensors)
    let memory = MemoryEstimate(
      configuration: checkpoint.configuration, tensors: checkpoint.tensors, precision: precision)
    let configuration = checkpoint.configuration
    self.init(
      name: checkpoint.name,
      facts: [
        Fact("family", checkpoint.family.rawValue),
        Fact(
          "decoder", "\(configuration.layers) layers, \(configuration.heads) heads, width \(configuration.hiddenSize)"),
        Fact("sequence", configuration.sequence.map(\.rawValue).joined(separator: " ")),
        Fact("mask", configuration.visualMask.rawValue),
        Fact(
          "codebook",
          configuration.mgvq.map { "\($0.groups) groups × \($0.codesPerGroup) codes of \($0.channelsPerGroup) values" }
            ?? "none: this checkpoint has no quantizer and no anchors"),
        Fact("precision", precision.rawValue),
        Fact("memory", "\(Format.mebibytes(memory.total)) for a run"),
        Fact("compute", "OpenBLAS core \(ComputeBackend.openBLASCore), threads \(ComputeBackend.threads)"),
        Fact("config.json", "SHA-256 \(checkpoint.configSHA256.prefix(12))…"),
        Fact("weights", checkpoint.weights.knownSHA256.map { "SHA-256 \($0.prefix(12))…" } ?? "SHA-256 being computed"),
      ],
      rows: report.rows.map { row in
        Row(
          name: row.name, shape: row.foundShape ?? row.expectedShape ?? [], dtype: row.dtype?.rawValue ?? "",
          byteCount: checkpoint.tensors[row.name]?.byteCount ?? 0, status: row.status.words,
          isProblem: !row.status.isHarmless)
      }, tally: report.tally(of: "tensor"))
  }
}

extension CodebookView {
  /// The quantizer's codebooks as the Anchors panel reads them.
  package init(_ quantizer: GroupQuantizer) {
    self.init(
      groups: (0..<quantizer.groups).map { group in
        quantizer.codes[rows: group * quantizer.codesPerGroup..<(group + 1) * quantizer.codesPerGroup]

      })
  }
}

extension VerifyReport {
  /// What the file at `path` puts into the inspector's Verdict panel: a state of `verify`, or the JSON of `probe` or `eval`.
  ///
  /// - Throws: a sentence that names what differs if it is of another model than the one of `provenance`, or of the same
  ///   in another precision. Another prompt is not: the panel says so, since two of the three claims do not depend on it.
  package static func actions(_ path: String, of provenance: Provenance, precision: ComputedPrecision) throws
    -> [Action]
  {
    if let saved = try saved(path, of: provenance, precision: precision) { return [.saved(saved.kind)] }
    let state = try VerifyStateFile.load(path)
    let run = state.plan.run
    let known: [(name: String, found: String?, expected: String)] = [
      ("weights", run.weightsSHA256, provenance.weightsSHA256),
      ("config.json", run.configSHA256, provenance.configSHA256),
      ("precision", run.precision, precision.rawValue),
    ]
    for (name, found, expected) in known {
      guard let found, found != expected else { continue }
      throw UsageProblem("\(path): is of \(name) \(found.prefix(12)), expected \(expected.prefix(12))")
    }
    let report = VerifyReport(state)
    return [.verdict(report.verdict), .vocoRows(report.summary.rows)]
  }

  private static func saved(
    _ path: String, of provenance: Provenance, precision: ComputedPrecision
  ) throws -> SavedMeasurement? {
    guard let bytes = try? FileContents.read(path: path, limit: largestDocument) else { return nil }
    do {
      return try SavedMeasurement(
        json: Data(bytes), configSHA256: provenance.configSHA256, weightsSHA256: provenance.weightsSHA256,
        precision: precision.rawValue)
    } catch {
      throw UsageProblem("\(path): \(error)")
    }
  }

  /// Printed documents are small; states of many pictures, which are read line by line, need not be.
  private static let largestDocument = 16 << 20
}

import HTCVLM
import Inspector
import Statistics
import Tensor
import Trace
import WeightFormats

extension CheckpointListing {
  /// What the Checkpoint panel shows of a directory.
  init(_ pipeline: Pipeline) throws {
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
        Fact("compute", "OpenBLAS core \(ComputeBackend.openBLASCore)"),
        Fact("config.json", "SHA-256 \(checkpoint.configSHA256.prefix(12))…"),
        Fact("weights", checkpoint.weights.knownSHA256.map { "SHA-256 \($0.prefix(12))…" } ?? "SHA-256 being computed"),
      ],
      rows: report.rows.map { row in
        Row(
          name: row.name, shape: row.foundShape ?? row.expectedShape ?? [], dtype: row.dtype?.rawValue ?? "",
          byteCount: checkpoint.tensors[row.name]?.byteCount ?? 0, status: row.status.rawValue,
          isProblem: !row.status.isHarmless)
      })
  }
}

extension CodebookView {
  /// The quantizer's codebooks as the Anchors panel reads them.
  init(_ quantizer: GroupQuantizer) {
    self.init(
      groups: (0..<quantizer.groups).map { group in
        quantizer.codes[rows: group * quantizer.codesPerGroup..<(group + 1) * quantizer.codesPerGroup]

      })
  }
}

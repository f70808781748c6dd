import Evidence
import Experiments
import Foundation
import HTCVLM
import Reports
import Tensor
import Trace

/// What `report` tells of one run beyond the panels: lens, answer and causal trace, those that were asked for.
struct RunEvidence {
  var lens: Lens?
  var answer: AnswerTrace?
  var causalTrace: CausalTrace?
  private(set) var provenance: Provenance

  /// Runs what `options` ask for.
  init(_ run: ModelRun, _ options: RunEvidenceOptions) throws {
    let (model, prompt) = (run.pipeline.model, run.options.prompt)
    provenance = run.pipeline.provenance(run.picture, prompt)
    provenance.weightsSHA256 = run.pipeline.checkpoint.weightsSHA256
    let line = ProgressLine()
    defer { line.clear() }
    // Compressed apart from the pipeline, which keeps one picture alone.
    let cache = try model.compress(try model.encode(run.picture.image))
    if options.lens {
      line.show("lens")
      lens = try Lens.measure(model, cache, prompt: prompt)
    }
    let donor = try options.donor.map { path in
      let picture = try PictureSource(path: path)
      return (name: picture.name, cache: try model.compress(try model.encode(picture.image)))
    }
    if options.answerBack {
      line.show("answer")
      answer = try AnswerTrace.measure(
        model, cache, prompt: prompt,
        donor: donor.flatMap { $0.cache.visual.anchors.count > 0 ? ($0.name, $0.cache.visual.anchors) : nil },
        options: run.options.generation, seed: run.options.generation.seed)
    }
    if options.traceMap, let donor {
      causalTrace = try CausalTraceRun(model, prompt: prompt).trace((run.picture.name, cache), donor: donor) {
        line.show("causal trace \($0 + 1)/\($1)")
      }
    }
  }

  func text(_ format: ReportFormat) throws -> String {
    switch format {
    case .text:
      let parts = [
        lens.map { LensReport($0).lines }, answer.map { AnswerTraceReport($0).lines },
        causalTrace.map { CausalTraceReport($0).lines },
      ].compactMap { $0 }
      let source =
        "\(provenance.imageName), \(provenance.modelName), weights \(provenance.weightsSHA256), vocoscope "
        + provenance.version
      return (parts.map { $0.joined(separator: "\n") } + [source]).joined(separator: "\n\n") + "\n"
    case .json: return try prettyJSON(self)
    case .csv:
      let tables = [
        ("lens", lens.map { LensReport($0).rows }), ("answer", answer.map { AnswerTraceReport($0).rows }),
        ("causal_trace", causalTrace.map { CausalTraceReport($0).rows }),
      ]
      let known = tables.compactMap { name, rows in rows.map { (name, $0) } }
      return CSV.text(known.count == 1 ? known[0].1 : Self.long(known))
    }
  }

  /// Tables of different columns as one: `table,row,field,value`, rows counted from 1.
  private static func long(_ tables: [(name: String, rows: [[String]])]) -> [[String]] {
    [["table", "row", "field", "value"]]
      + tables.flatMap { name, rows in
        rows.dropFirst().enumerated().flatMap { index, row in
          zip(rows[0], row).map { [name, "\(index + 1)", $0, $1] }
        }
      }
  }
}

extension RunEvidence: Encodable {
  private enum CodingKeys: String, CodingKey {
    case lens, answer, provenance
    case causalTrace = "causal_trace"
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encodeIfPresent(lens, forKey: .lens)
    try values.encodeIfPresent(answer, forKey: .answer)
    try values.encodeIfPresent(causalTrace, forKey: .causalTrace)
    try values.encode(provenance, forKey: .provenance)
  }
}

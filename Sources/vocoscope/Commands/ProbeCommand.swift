import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
import PanelExport
import Plots
import Reports
import Sessions
import Trace

/// `vocoscope probe`: which labels of pictures can be read off codes, anchors, patches and voco.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract: "Say which labels of pictures can be read off codes, anchors, patches and <voco>.",
    discussion: """
      The directory holds a directory of PNG or JPEG pictures for each label. Each kind of feature gets a ridge regression on \
      the labels; every picture is judged by the fit to all others, and the same is done with permuted labels.
      """)

  @Argument(help: ArgumentHelp("A directory with a directory of pictures for each label.", valueName: "dir"))
  var directory: String

  @OptionGroup var model: ModelOptions

  @Option(help: "How often the labels are permuted for the control.")
  var permutations = 999

  @Option(help: "Seed of the permutations.")
  var seed: UInt64 = 0

  @OptionGroup var threads: ThreadOptions

  @Option(help: ArgumentHelp("Draw it as well: PNG, SVG or PDF, as its name ends.", valueName: "file"))
  var figure: String?

  @Option(help: "How to print it.")
  var format = ReportFormat.text

  mutating func validate() throws {
    guard (19...1_000_000).contains(permutations) else {
      throw ValidationError("--permutations is \(permutations), expected 19 to 1000000")
    }
    try model.refuseProgressive()
  }

  func run() throws {
    threads.apply()
    if let figure { try InputFiles.refuse(figure) }
    let pictures = try LabelledPictures(directory: directory)
    let pipeline = try model.opening().open()
    let line = ProgressLine()
    defer { line.clear() }
    let report = try ProbeReport.measure(pictures, pipeline.model, permutations: permutations, seed: seed) {
      line.show("picture \($1 + 1)/\($2) \(URL(fileURLWithPath: $0).lastPathComponent)")
    }
    line.clear()
    let text = ProbeText(report)
    let checkpoint = pipeline.checkpoint
    try checkpoint.weights.checkUnchanged()
    let provenance = [
      ("version", programVersion), ("model", checkpoint.name), ("config_sha256", checkpoint.configSHA256),
      ("weights_sha256", checkpoint.weightsSHA256), ("precision", model.precision.rawValue),
    ]
    if let figure {
      let weights = checkpoint.weightsSHA256.prefix(12)
      let source = "\(checkpoint.name), weights \(weights), vocoscope \(programVersion)"
      try ProbeFigure(report, source: source).figure.write(to: figure)
    }
    switch format {
    case .text:
      let end = "model \(checkpoint.name), weights \(checkpoint.weightsSHA256), vocoscope \(programVersion)"
      try StandardStream.output.write((text.lines + [end]).map { $0 + "\n" }.joined())
    case .json:
      try format.print(
        try prettyJSON(ProbeDocument(report: report, provenance: Dictionary(uniqueKeysWithValues: provenance))))
    case .csv: try StandardStream.output.write(CSV.text(text.rows))
    }
  }
}

/// The report's own keys beside those of the run.
private struct ProbeDocument: Encodable {
  let report: ProbeReport
  let provenance: [String: String]

  private enum CodingKeys: String, CodingKey {
    case provenance
  }

  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(provenance, forKey: .provenance)
  }
}

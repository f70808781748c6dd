import ArgumentParser
import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
import Plots
import Reports
import Sessions
import Trace

extension Codebook.Metric: ExpressibleByArgument {}

/// `vocoscope codebook`: is the codebook used, are codes and anchors apart, is the checkpoint broken?
struct CodebookCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "codebook",
    abstract: "Say how healthy the quantizer's codebook and the anchors are, alone and over pictures.",
    discussion: """
      Without pictures, the checkpoint alone is judged. The model may be a checkpoint directory, a bare MGVQ state dict, \
      or the weights of any vector quantizer (.safetensors, .pt, .ckpt): its codebooks are found by key and shape, and \
      usage is told by codes that were dumped elsewhere (--codes). --series follows the checkpoints of a training run. Findings are ok, warning or broken; the exit code is 0 whatever \
      is found.
      """)

  @Argument(
    help: ArgumentHelp(
      "PNG or JPEG pictures, directories of them, or .txt files that list one per line; a file of weights is the model.",
      valueName: "source"))
  var sources: [String] = []

  @OptionGroup var model: ModelOptions

  @Option(help: "How to print it.")
  var format = ReportFormat.text

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Codes in the place of pictures: .npy, .npz or .safetensors of whole numbers, of any shape.", valueName: "file"))
  var codes: [String] = []

  @Option(help: "Which axis of --codes is that of the codebooks, from 0; needed where several could be.")
  var codesAxis: Int?

  @Option(help: "In a file with several kinds of codebooks: what the names of those that are meant begin with.")
  var codebook: String?

  @Option(help: "How the quantizer measures distances; without it, by angle if all codes have length 1.")
  var distance: Codebook.Metric?

  @Option(
    help: ArgumentHelp("Compare the usage with that over these pictures.", valueName: "pictures"))
  var against: [String] = []

  @Option(
    help: ArgumentHelp(
      "Compare the codes, and the usage over the same pictures, with another checkpoint.", valueName: "dir"))
  var againstModel: String?

  @Option(
    help: ArgumentHelp(
      "Follow a quantizer over the checkpoints of a training run: directories and files of weights in this one.",
      valueName: "dir"))
  var series: String?

  @Flag(help: "Run the vision tower too, and compare the anchors with the patch tokens.")
  var patches = false

  @Flag(help: "Decode each picture from the first g groups of its codes, and tell what every group adds.")
  var reconstruct = false

  @Option(
    help: ArgumentHelp(
      "Tell of one code and where it is chosen: group (from 1) and index, such as 3:88.", valueName: "g:k"))
  var code: String?

  @Option(help: ArgumentHelp("How many of the places where --code fits best to show.", valueName: "n"))
  var exemplars = 12

  @Option(
    help: ArgumentHelp(
      "Write figures as PNG, SVG and PDF into this directory: usage, code map, embedding, places, anchors, exemplars, "
        + "or a series.",
      valueName: "dir"))
  var plots: String?

  @Option(
    help: ArgumentHelp(
      "Side at which a bare MGVQ state dict encodes pictures; it does not tell itself.", valueName: "pixels"))
  var imageSize = MGVQSource.imageSize

  @OptionGroup var threads: ThreadOptions

  /// What files of weights end with.
  private static let weightEndings = [".safetensors", ".pt", ".pth", ".ckpt", ".bin"]

  mutating func validate() throws {
    try model.refuseProgressive()
    let weights = sources.filter { source in Self.weightEndings.contains(where: source.hasSuffix) }
    if let file = weights.first {
      guard weights.count == 1, model.model == nil, model.parts.llm == nil, series == nil else {
        throw ValidationError("\(file): is a file of weights beside another model; one run judges one codebook")
      }
      model.model = file
      sources.removeAll { $0 == file }
    }
    guard (8...4096).contains(imageSize) else {
      throw ValidationError("--image-size is \(imageSize), expected 8 to 4096")
    }
    guard (1...1000).contains(exemplars) else {
      throw ValidationError("--exemplars is \(exemplars), expected 1 to 1000")
    }
    if let code, CodeName(code) == nil {
      throw ValidationError("--code is '\(code)', expected group and index such as 3:88, groups from 1")
    }
    if !codes.isEmpty && (!sources.isEmpty || patches || code != nil || againstModel != nil) {
      throw ValidationError("--codes stand in the place of pictures, and of what needs them")
    }
    let others = !codes.isEmpty || !against.isEmpty || againstModel != nil || code != nil || patches || reconstruct
    if series != nil && others {
      throw ValidationError(
        "--series follows usage, codes and anchors; it takes pictures, --plots and no other question")
    }
    if series != nil, model.model != nil || model.parts.llm != nil {
      throw ValidationError("--series names the checkpoints; --model and --llm name another")
    }
    if reconstruct && sources.isEmpty { throw ValidationError("--reconstruct needs pictures") }
    if !against.isEmpty && sources.isEmpty {
      throw ValidationError("--against needs pictures to compare with: 'vocoscope codebook DIR --against OTHER'")
    }
  }

  func run() throws {
    threads.apply()
    if let series { return try follow(series) }
    let line = ProgressLine()
    defer { line.clear() }
    let run = try CodebookRun(
      MGVQSource(opening: model.opening().source, imageSize: imageSize, codebook: codebook), imageSize: imageSize,
      wantsPatches: patches, metric: distance, version: programVersion, progress: { line.show($0) })
    let dumped = try codes.flatMap { try DumpedCodes(path: $0, groups: run.groups, axis: codesAxis).grids }
    let question = CodebookRun.Question(
      pictures: try VerifyPictures(sources), codes: dumped, reconstructs: reconstruct,
      against: against.isEmpty ? nil : try VerifyPictures(against),
      label: against.joined(separator: ", "), model: againstModel, code: code.flatMap(CodeName.init),
      exemplars: exemplars)
    let answer = try run.answer(question)
    line.clear()
    if let plots { try answer.figures.write(to: plots) }
    let report = CodebookText(answer.document)
    try format.print(text: report.text, json: report.json, csv: report.csv)
  }

  /// The table, and with --plots the figure, of a series of checkpoints.
  private func follow(_ directory: String) throws {
    let progress = ProgressLine()
    defer { progress.clear() }
    let settings = CodebookSeries.Settings(
      pictures: try VerifyPictures(sources).entries.map(\.path), imageSize: imageSize, codebook: codebook,
      metric: distance)
    let series = try CodebookSeries(directory: directory, settings) { name, done, count in
      progress.show("checkpoint \(done + 1)/\(count) \(name)")
    }
    progress.clear()
    if let plots {
      try FileManager.default.createDirectory(atPath: plots, withIntermediateDirectories: true)
      let figure = CodebookSeriesFigure(series, version: programVersion).figure
      for format in FigureFormat.allCases { try figure.write(to: "\(plots)/series.\(format.rawValue)") }
    }
    try format.print(text: series.text, json: series.json, csv: series.csv)
  }
}

package import ArgumentParser
import Dispatch
import Evidence
package import Experiments
import Files
import Foundation
import HTCVLM
package import Inspector
import Synchronization
import Tensor
package import Trace

/// What to hold the run against; shared by `inspect`, `report` and, of trace files alone, `view`.
package struct CompareOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Hold the run against a second one: another picture, a checkpoint's directory, or a trace file.",
      valueName: "path"
    ))
  package var compare: String?

  @Option(help: ArgumentHelp("Hold the run against another question about the same picture.", valueName: "prompt"))
  var comparePrompt: String?

  @Option(help: "Hold the run against itself with <voco> cut off the anchors, or off the patches.")
  var compareCut: CutKeys?

  package init() {}

  enum CutKeys: String, ExpressibleByArgument, CaseIterable {
    case anchors, patches

    var kind: SegmentKind { self == .anchors ? .anchors : .patches }
  }

  package mutating func validate() throws {
    if [compare, comparePrompt, compareCut?.rawValue].compactMap({ $0 }).count > 1 {
      throw ValidationError("--compare, --compare-prompt and --compare-cut each name the one second run: give one")
    }
  }

  package var isAsked: Bool { compare != nil || comparePrompt != nil || compareCut != nil }

  /// Throws `ValidationError` for what an open session does not begin with: a cut, and where it is recorded any
  /// comparison.
  package func checkSession(recordedTo record: String?) throws {
    guard compareCut == nil else {
      throw ValidationError("--compare-cut is of 'report'; in the inspector cut with x and press c")
    }
    guard record == nil || !isAsked else {
      throw ValidationError("--record begins without a comparison; ask for it in the session")
    }
  }

  /// Throws `ValidationError` for what a trace file alone cannot be held against.
  package func checkWithoutModel() throws {
    guard comparePrompt == nil, compareCut == nil else { throw ValidationError(Self.needsModel) }
  }

  private static let needsModel =
    "--compare-prompt and --compare-cut run the model; a trace file is compared with another one"

  /// The second run beside a first that the model made.
  package func actions(_ run: ModelRun, first: Trace) throws -> [Action] {
    if let compareCut { return [.compared(try SecondRun(run).cut(compareCut, first))] }
    if let comparePrompt { return try SecondRun(run).actions(.prompt(comparePrompt)) }
    guard let compare else { return [] }
    return try SecondRun(run).actions(SecondRun.isPicture(compare) ? .picture(path: compare) : .file(path: compare))
  }

  /// The second run beside a trace file: another one, without weights.
  package func actions() throws -> [Action] {
    guard comparePrompt == nil, compareCut == nil else { throw UsageProblem(Self.needsModel) }
    guard let compare else { return [] }
    guard try ReportSource.isTrace(compare) else {
      throw UsageProblem("\(compare): is no trace file; without weights a trace is compared with another trace")
    }
    return [.compared(try SecondRun.file(compare))]
  }

  /// What a session does after its first run.
  package func effects() throws -> [Effect] {
    try checkSession(recordedTo: nil)
    if let comparePrompt { return [.compare(.prompt(comparePrompt))] }
    guard let compare else { return [] }
    guard FileManager.default.fileExists(atPath: compare) else { throw UsageProblem("\(compare): no such file") }
    return [.compare(SecondRun.isPicture(compare) ? .picture(path: compare) : .file(path: compare))]
  }
}

/// Makes or opens the run that another one is held against.
struct SecondRun {
  let pipeline: Pipeline
  let opening: ModelOpening
  let picture: PictureSource
  let prompt: String
  let options: GenerationOptions
  var cancellation = CancellationFlag()

  init(
    pipeline: Pipeline, opening: ModelOpening, picture: PictureSource, prompt: String, options: GenerationOptions,
    cancellation: CancellationFlag
  ) {
    (self.pipeline, self.opening, self.picture, self.prompt) = (pipeline, opening, picture, prompt)
    (self.options, self.cancellation) = (options, cancellation)
  }

  init(_ run: ModelRun) {
    self.init(
      pipeline: run.pipeline, opening: run.opening, picture: run.picture, prompt: run.options.prompt,
      options: run.options.generation, cancellation: CancellationFlag())
  }

  /// The second run; of a checkpoint also how its tensors differ.
  func actions(_ request: CompareRequest) throws -> [Action] {
    switch request {
    case .picture(let path):
      let other = try PictureSource(path: path)
      let trace = try trace(pipeline, other, prompt)
      return [.compared(ComparedRun(kind: .picture, name: other.name, outcome: .run(trace, picture: other.image)))]
    case .prompt(let question):
      let trace = try trace(pipeline, picture, question)
      return [
        .compared(ComparedRun(kind: .prompt, name: "“\(question)”", outcome: .run(trace, picture: picture.image)))
      ]
    case .file(let path):
      if try ReportSource.isTrace(path) { return [.compared(try Self.file(path))] }
      return try checkpoint(path)
    }
  }

  private func checkpoint(_ path: String) throws -> [Action] {
    let other = try ModelOpening(source: .directory(path), precision: opening.precision).open()
    let trace = try trace(other, picture, prompt)
    let name = other.checkpoint.name == pipeline.checkpoint.name ? path : other.checkpoint.name
    let run = ComparedRun(kind: .checkpoint, name: name, outcome: .run(trace, picture: picture.image))
    guard case .directory(let own) = opening.source else { return [.compared(run)] }
    return [
      .checkpointDiff(
        try CheckpointDiff(own, path) { _, _ in if cancellation.isCancelled { throw CancellationError() } }),
      .compared(run),
    ]
  }

  private func trace(_ pipeline: Pipeline, _ picture: PictureSource, _ prompt: String) throws -> Trace {
    try pipeline.trace(
      picture, Pipeline.Request(prompt: prompt, options: options, reconstructs: false), cancellation: cancellation)
  }

  /// The run with voco cut off all keys of a kind.
  func cut(_ keys: CompareOptions.CutKeys, _ first: Trace) throws -> ComparedRun {
    let positions = first.sequence?.positions(of: keys.kind) ?? []
    guard !positions.isEmpty else {
      throw UsageProblem("--compare-cut is \(keys.rawValue), which this model has none of")
    }
    let request = KnockOutRequest(id: 1, label: "all \(keys.rawValue)", keys: positions, layer: nil, head: nil)
    let probe = CutProbe(pipeline: pipeline, picture: picture, prompt: prompt, options: options)
    return ComparedRun(KnockOutResult(request: request, try probe.effect(of: request.intervention)))
  }

  /// A trace file.
  static func file(_ path: String) throws -> ComparedRun {
    let trace = try TraceFile.read(path: path)
    return ComparedRun(
      kind: .trace, name: URL(fileURLWithPath: path).lastPathComponent, outcome: .run(trace, picture: nil))
  }

  /// Whether a name ends as pictures' names do.
  static func isPicture(_ path: String) -> Bool {
    ["png", "jpg", "jpeg"].contains(URL(fileURLWithPath: path).pathExtension.lowercased())
  }
}

extension KnockOutResult {
  package init(request: KnockOutRequest, _ effect: CutProbe.Effect) {
    self.init(
      request: request, answer: effect.answer, kl: effect.kl, leadChange: effect.leadChange,
      attentionVoco: effect.attentionVoco)
  }
}

extension ModelWorker {
  /// The second run; a picture without a path is the next one of the folder.
  func compare(_ request: CompareRequest) {
    start { [self] pipeline, cancellation in
      var request = request
      if case .picture(let path) = request, path.isEmpty {
        request = .picture(path: try PictureFolder(around: state.withLock { $0.path }).next())
      }
      let prompt = state.withLock { $0.prompt }
      let second = SecondRun(
        pipeline: pipeline, opening: model, picture: picture, prompt: prompt, options: options.generation,
        cancellation: cancellation)
      for action in try second.actions(request) { mailbox.post(action) }
    }
  }

  /// What the tokens of prompt and answer attend to.
  func inspectText(answer: [Int32]) {
    start { [self] pipeline, cancellation in
      mailbox.post(
        .textAttention(
          try pipeline.textAttention(
            picture, prompt: state.withLock { $0.prompt }, answer: answer, cancellation: cancellation)))
    }
  }

  /// The values of one tensor.
  func readWeights(_ name: String) {
    start { [self] pipeline, cancellation in
      let statistics = try pipeline.checkpoint.tensors[name].flatMap {
        try WeightStatistics($0) { if cancellation.isCancelled { throw CancellationError() } }
      }
      mailbox.post(.weights(name: name, statistics))
    }
  }
}

extension Mailbox {
  /// Opens a trace file where no model runs.
  func compare(_ request: CompareRequest) {
    guard case .file(let path) = request else { return post(.failed("a trace alone is compared with another trace")) }
    DispatchQueue.global(qos: .userInitiated).async {
      do {
        guard try ReportSource.isTrace(path) else {
          throw UsageProblem("\(path): is no trace file; a checkpoint needs the picture that this trace was made from")
        }
        self.post(.compared(try SecondRun.file(path)))
      } catch {
        self.post(.failed("\(error)"))
      }
    }
  }
}

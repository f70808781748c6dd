import Dispatch
import Evidence
import Experiments
import Foundation
import HTCVLM
import Inspector
import Synchronization
import Tensor
import TerminalUI
import Trace

/// Runs the model for the inspector, one job at a time, on a thread of its own; results are posted as actions.
final class ModelWorker: Sendable {
  private let queue = DispatchQueue(label: "vocoscope.model", qos: .userInitiated)
  let mailbox: Mailbox
  let model: ModelOpening
  let options: RunOptions
  /// Where it is kept how pictures are left.
  private let memory: PictureMemory?
  /// Paths of the pictures opened before this session, the latest first.
  private let recent: [String]
  /// Reduces pictures while the model runs.
  private let shelfQueue = DispatchQueue(label: "vocoscope.shelf", qos: .utility)
  let state: Mutex<State>

  struct State {
    /// The picture on screen, and where it lies.
    var picture: PictureSource
    var path: String
    var pipeline: Pipeline?
    /// The same in 8 bits, where its runs are shown first.
    var preview: Pipeline?
    /// The one that made the run on screen: cuts are made in it.
    var shown: Pipeline?
    /// The prompt of the last run: what a knock-out asks again.
    var prompt = ""
    /// All codes decoded, of the grid that was asked for last.
    var whole: (codes: CodeGrid, picture: Tensor)?
    /// Stops the job under way, and those waiting behind it.
    var cancellation = CancellationFlag()
    /// The conversation of the Compression panel; starts with its first question.
    var dialogue: CompressionDialogue?
    /// Stops the reducing of pictures under way.
    var shelf: CancellationFlag?
    /// What the picture's compression took, when it was last computed.
    var compressionSeconds: Double?
  }

  /// - Parameter path: where `picture` lies.
  init(
    picture: PictureSource, path: String, model: ModelOpening, options: RunOptions, mailbox: Mailbox,
    memory: PictureMemory? = nil, recent: [String] = []
  ) {
    (self.memory, self.recent) = (memory, recent)
    state = Mutex(State(picture: picture, path: path))
    self.model = model
    self.options = options
    self.mailbox = mailbox
  }

  /// Stops whatever runs; `.cancelled` is posted when it has.
  func cancel() {
    // A replay cancels each job after as many results as it gave when it was recorded.
    guard !mailbox.isReplaying else { return }
    mailbox.cancelAll()
    state.withLock { state in
      state.cancellation.cancel()
      state.cancellation = CancellationFlag()
    }
  }

  /// Stops everything and waits for it.
  func stop() {
    mailbox.cancelAll()
    queue.sync {}
    shelfQueue.sync {}
  }

  var picture: PictureSource { state.withLock { $0.picture } }

  /// Opens the picture so many places further in the folder, round its ends, and runs the model on it.
  func openPicture(by step: Int) {
    open { try PictureFolder(around: $0).path(by: step) }
  }

  /// Opens the picture at a path and runs the model on it.
  func openPicture(at path: String) { open { _ in path } }

  /// - Parameter path: of the picture to open, from that of the one on screen.
  private func open(_ path: @escaping @Sendable (String) throws -> String) {
    cancel()
    stopShelf()
    start { [self] pipeline, cancellation in
      let next = try path(state.withLock { $0.path })
      // Also where it cannot be read: the next one is behind it.
      state.withLock { $0.path = next }
      let picture = try PictureSource(path: next)
      state.withLock { state in
        (state.picture, state.whole, state.dialogue, state.compressionSeconds) = (picture, nil, nil, nil)
      }
      mailbox.post(.picture(picture))
      memory?.note(opened: next)
      let kept = memory?.view(picture: picture.sha256, configuration: pipeline.checkpoint.configSHA256)
      if let kept { mailbox.post(.reopened(kept)) }
      try trace(cancellation)
    }
  }

  /// The question on screen, which whatever is run next is about.
  func note(prompt: String) { state.withLock { $0.prompt = prompt } }

  func run(prompt: String) {
    note(prompt: prompt)
    start { [self] in try trace($1) }
  }

  private func trace(_ cancellation: CancellationFlag) throws {
    let exact = try openedPipeline()
    if let preview = try openedPreview() {
      let rounded = try shownTrace(preview, cancellation)
      mailbox.post(.refining)
      exact.adopt(preview)
      let trace = try exact.trace(
        picture, Pipeline.Request(prompt: prompt, options: options.generation),
        progress: { [mailbox] in mailbox.post(.progress($0)) }, cancellation: cancellation)
      state.withLock { $0.shown = exact }
      mailbox.post(
        .refined(
          trace, from: ComparedRun(kind: .precision, name: "int8", outcome: .run(rounded, picture: picture.image)),
          words: PrecisionComparison.words(exact: trace, rounded: rounded)))
    } else {
      _ = try shownTrace(exact, cancellation)
    }
    mailbox.post(.finished)
  }

  /// A run whose stages are shown as they end.
  private func shownTrace(_ pipeline: Pipeline, _ cancellation: CancellationFlag) throws -> Trace {
    let mailbox = mailbox
    return try pipeline.trace(
      picture, Pipeline.Request(prompt: prompt, options: options.generation),
      progress: { progress in
        mailbox.post(.progress(progress))
        if progress.stage == .decoder, progress.state == .finished {
          self.state.withLock { $0.compressionSeconds = progress.seconds }
        }
      }, cancellation: cancellation,
      onChange: { trace in
        self.state.withLock { $0.shown = pipeline }
        mailbox.post(.trace(trace))
      }, onGeneration: { mailbox.post(.generation($0)) })
  }

  /// Finds the pictures that can be opened, and reduces them one by one.
  func listPictures() {
    stopShelf()
    let flag = CancellationFlag()
    state.withLock { $0.shelf = flag }
    let (job, cancellation) = mailbox.admit(flag)
    shelfQueue.async { [self] in
      defer { mailbox.end(job) }
      let current = state.withLock { $0.path }
      let folder = (try? PictureFolder(around: current))?.paths ?? [current]
      let known = Set(folder.map { URL(fileURLWithPath: $0).standardizedFileURL.path })
      let others = recent.filter { !known.contains($0) && FileManager.default.fileExists(atPath: $0) }
      let items = (folder + others).map { path in
        PictureShelf.Item(
          path: path, name: URL(fileURLWithPath: path).lastPathComponent, isInFolder: !others.contains(path))
      }
      mailbox.post(.pictures(PictureShelf(items: items)), job: job)
      for item in items.prefix(Self.thumbnailLimit) where !cancellation.isCancelled {
        let size = (try? FileManager.default.attributesOfItem(atPath: item.path))?[.size] as? Int ?? .max
        guard size <= Self.thumbnailBytes, let picture = try? PictureSource(path: item.path).image else { continue }
        mailbox.post(.thumbnail(path: item.path, picture.reduced(to: PictureShelf.thumbnailSide)), job: job)
      }
    }
  }

  private func stopShelf() { state.withLock { $0.shelf?.cancel() } }

  /// In larger folders, and of larger files, the rest is found by name.
  private static let thumbnailLimit = 200
  private static let thumbnailBytes = 32 << 20

  func knockOut(_ request: KnockOutRequest) {
    start { [self] pipeline, cancellation in
      let cut = try intervention(of: request, pipeline, cancellation)
      let effect = try probe(pipeline, cancellation).effect(of: cut.intervention)
      mailbox.post(
        .knockOutFinished(
          KnockOutResult(request: cut.request, effect)))
    }
  }

  /// The request as the model takes it; anchors to swap in are made first, and their picture is named.
  private func intervention(
    of request: KnockOutRequest, _ pipeline: Pipeline, _ cancellation: CancellationFlag
  ) throws -> (request: KnockOutRequest, intervention: Intervention) {
    guard let donor = request.donor else { return (request, request.intervention) }
    let path = donor.isEmpty ? try PictureFolder(around: state.withLock { $0.path }).next() : donor
    let other = try PictureSource(path: path)
    let anchors = try pipeline.model.encode(other.image, run: RunContext(cancellation: cancellation)).anchors
    return (request.named(other.name), Intervention(inputs: [.anchors(EditedRows(anchors))]))
  }

  func matchedRandom(_ request: MatchedRandomRequest) {
    start { [self] pipeline, cancellation in
      let mailbox = mailbox
      try probe(pipeline, cancellation).randomCuts(
        of: request.knockOut.keys.count, among: request.candidates, draws: request.draws, seed: request.seed,
        cutting: request.knockOut.intervention
      ) { mailbox.post(.matchedRandom(MatchedRandomResult(request: request, kls: $0))) }
    }
  }

  /// Measures what a view of Attention or Verdict shows beyond the run; another picture is the next of the folder.
  func measure(_ measurement: RunMeasurement) {
    start { [self] pipeline, cancellation in
      let run = RunContext(cancellation: cancellation)
      let (model, mailbox) = (pipeline.model, mailbox)
      let cache = try pipeline.cache(picture, cancellation: cancellation)
      switch measurement {
      case .lens:
        let lens = try Lens.measure(model, cache, prompt: prompt, run: run) { done, total in
          mailbox.post(.measuring("lens, state \(done) of \(total)"))
        }
        mailbox.post(.measured(.lens(lens)))
      case .answerTrace:
        let donor = try? other(pipeline, run)
        mailbox.post(.measuring("following the answer back"))
        mailbox.post(
          .measured(
            .answerTrace(
              try AnswerTrace.measure(
                model, cache, prompt: prompt,
                donor: donor.flatMap { $0.visual.anchors.count > 0 ? ($0.name, $0.visual.anchors) : nil },
                options: options.generation, seed: options.generation.seed, run: run))))
      case .causalTrace:
        let donor = try other(pipeline, run)
        let theirs = try model.compress(donor.visual, run: run)
        let trace = try CausalTraceRun(model, prompt: prompt, run: run).trace(
          (picture.name, cache), donor: (donor.name, theirs)
        ) { done, total in mailbox.post(.measuring("causal trace \(done + 1)/\(total)")) }
        mailbox.post(.measured(.causalTrace(trace)))
      }
    }
  }

  /// The next picture of the folder, encoded.
  private func other(_ pipeline: Pipeline, _ run: RunContext) throws -> (name: String, visual: VisualEncoding) {
    let source = try PictureSource(path: PictureFolder(around: state.withLock { $0.path }).next())
    return (source.name, try pipeline.model.encode(source.image, run: run))
  }

  /// Compares answers for the Compression panel.
  func compress(_ request: CompressionRequest) {
    start { [self] pipeline, cancellation in
      let run = RunContext(cancellation: cancellation)
      if case .restart = request { state.withLock { $0.dialogue = nil } }
      var dialogue = try state.withLock { $0.dialogue } ?? begin(pipeline, run)
      dialogue.run = run
      defer { state.withLock { [dialogue] in $0.dialogue = dialogue } }
      switch request {
      case .ask(let question, let keepsTurns): try dialogue.ask(question, keepsTurns: keepsTurns)
      case .restart(let question): try dialogue.ask(question, keepsTurns: false)
      case .families:
        if !dialogue.hasAsked { try dialogue.ask(prompt, keepsTurns: false) }
        try dialogue.families(
          try AssetLocator.process.familyQuestions(for: picture.name),
          about: try pipeline.cache(picture, cancellation: cancellation))
      case .addPicture(let path):
        let other = try PictureSource(path: path)
        _ = try dialogue.add(other, encoded: pipeline.model.encode(other.image, run: run))
        try dialogue.ask(dialogue.latestQuestion ?? prompt, keepsTurns: false)
      }
      mailbox.post(.compressionFinished)
    }
  }

  /// A conversation about the inspected picture.
  private func begin(_ pipeline: Pipeline, _ run: RunContext) throws -> CompressionDialogue {
    let mailbox = mailbox
    mailbox.post(.compression(.cleared))
    mailbox.post(.compression(.facts(CompressionFacts(pipeline, options: options.generation))))
    var dialogue = CompressionDialogue(
      pipeline.model, sources: VisualSource.allCases, options: options.generation, run: run
    ) { mailbox.post(.compression($0)) }
    try dialogue.add(
      try pipeline.cache(picture, cancellation: run.cancellation), name: picture.name, sha256: picture.sha256,
      seconds: state.withLock { $0.compressionSeconds })
    return dialogue
  }

  private var prompt: String { state.withLock { $0.prompt } }

  private func probe(_ pipeline: Pipeline, _ cancellation: CancellationFlag) -> CutProbe {
    CutProbe(
      pipeline: pipeline, picture: picture, prompt: prompt, options: options.generation, cancellation: cancellation)
  }

  /// Queues a job; how it ended is posted, whatever happens.
  func start(_ job: @escaping @Sendable (Pipeline, CancellationFlag) throws -> Void) {
    let (number, cancellation) = mailbox.admit(state.withLock { $0.cancellation })
    queue.async { [self] in
      mailbox.work(on: number)
      defer { mailbox.end(number) }
      do {
        guard !cancellation.isCancelled else { throw CancellationError() }
        let exact = try openedPipeline()
        try job(state.withLock { $0.shown } ?? exact, cancellation)
      } catch is CancellationError {
        mailbox.post(.cancelled)
      } catch {
        mailbox.post(.failed("\(error)"))
      }
    }
  }

  /// The pipeline of 8 bits, opened by the first run; `nil` where only exact runs are shown.
  private func openedPreview() throws -> Pipeline? {
    guard let opening = model.preview else { return nil }
    if let preview = state.withLock({ $0.preview }) { return preview }
    let preview = try opening.open(progress: { [mailbox] in mailbox.post(.progress($0)) })
    state.withLock { $0.preview = preview }
    return preview
  }

  /// The pipeline, opened by the first job; only jobs call this, one at a time.
  private func openedPipeline() throws -> Pipeline {
    if let pipeline = state.withLock({ $0.pipeline }) { return pipeline }
    let mailbox = mailbox
    let pipeline = try model.open(progress: { mailbox.post(.progress($0)) })
    state.withLock { $0.pipeline = pipeline }
    // Whether the digest of the weights is known by now must not depend on time where frames are recorded.
    if mailbox.isLogged { _ = pipeline.checkpoint.weightsSHA256 }
    mailbox.post(.checkpoint(try CheckpointListing(pipeline)))
    if let pictures = try TrainingPictures.of(pipeline) { mailbox.post(.trainingPictures(pictures)) }
    if pipeline.model.configuration.mgvq != nil {
      mailbox.post(.codebook(CodebookView(try pipeline.model.codebook())))
    }
    return pipeline
  }
}

extension Picture {
  /// The same with at most so many pixels per side.
  fileprivate func reduced(to side: Int) -> Picture {
    let scale = min(1, Double(side) / Double(max(width, height)))
    let (columns, rows) = (max(1, Int(Double(width) * scale)), max(1, Int(Double(height) * scale)))
    return Picture(
      width: columns, height: rows,
      pixels: boxFiltered(pixels, width: width, height: height, toWidth: columns, toHeight: rows))
  }
}

extension KnockOutRequest {
  /// The request as the model takes it.
  var intervention: Intervention { intervention(cutting: keys) }

  /// The same cut of other keys.
  func intervention(cutting keys: [Int]) -> Intervention {
    Intervention(cuts: [EdgeCut(keys: Set(keys), layers: layer.map { [$0] }, heads: head.map { [$0] })])
  }
}

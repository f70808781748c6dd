import Dispatch
import Evidence
import HTCVLM
import Inspector
import Statistics
import Synchronization
import Tensor
import Trace

/// Runs the model for the inspector, one job at a time, on a thread of its own; results are posted as actions.
final class ModelWorker: Sendable {
  private let queue = DispatchQueue(label: "vocoscope.model", qos: .userInitiated)
  let mailbox: Mailbox
  let picture: PictureSource
  private let model: ModelOpening
  let options: RunOptions
  let state = Mutex(State())

  struct State {
    var pipeline: Pipeline?
    /// The prompt of the last run: what a knock-out asks again.
    var prompt = ""
    /// All codes decoded, of the grid that was asked for last.
    var whole: (codes: CodeGrid, picture: Tensor)?
    /// Stops the job under way, and those waiting behind it.
    var cancellation = CancellationFlag()
    /// The conversation of the Compression panel; starts with its first question.
    var dialogue: CompressionDialogue?
    /// What the picture's compression took, when it was last computed.
    var compressionSeconds: Double?
  }

  init(picture: PictureSource, model: ModelOpening, options: RunOptions, mailbox: Mailbox) {
    self.picture = picture
    self.model = model
    self.options = options
    self.mailbox = mailbox
  }

  /// Stops whatever runs; `.cancelled` is posted when it has.
  func cancel() {
    state.withLock { state in
      state.cancellation.cancel()
      state.cancellation = CancellationFlag()
    }
  }

  func run(prompt: String) {
    start { [self] pipeline, cancellation in
      state.withLock { $0.prompt = prompt }
      let mailbox = mailbox
      _ = try pipeline.trace(
        picture, Pipeline.Request(prompt: prompt, options: options.generation),
        progress: { progress in
          mailbox.post(.progress(progress))
          if progress.stage == .decoder, progress.state == .finished {
            self.state.withLock { $0.compressionSeconds = progress.seconds }
          }
        }, cancellation: cancellation,
        onChange: { mailbox.post(.trace($0)) }, onGeneration: { mailbox.post(.generation($0)) })
      mailbox.post(.finished)
    }
  }

  func knockOut(_ request: KnockOutRequest) {
    start { [self] pipeline, cancellation in
      let cut = request.intervention
      let trace = try pipeline.trace(
        picture,
        Pipeline.Request(prompt: prompt, options: options.generation, intervention: cut, reconstructs: false),
        cancellation: cancellation)
      guard let language = trace.language else { preconditionFailure("a finished run has the decoder's rows") }
      let before = try outcome(.none, pipeline, cancellation)
      mailbox.post(
        .knockOutFinished(
          KnockOutResult(
            request: request, answer: trace.generation?.text ?? "",
            kl: Divergence.kl(reference: before.logits, changed: language.logits),
            logitDifference: Divergence.logitDifference(
              reference: before.logits, changed: language.logits, token: likeliest(before.logits)),
            attentionVoco: language.attentionVoco)))
    }
  }

  func matchedRandom(_ request: MatchedRandomRequest) {
    start { [self] pipeline, cancellation in
      let before = try outcome(.none, pipeline, cancellation)
      let cache = try pipeline.cache(picture, cancellation: cancellation)
      var generator = SplitMix64(seed: request.seed)
      var kls: [Double] = []
      while kls.count < request.draws {
        let cuts = (kls.count..<min(kls.count + Self.drawsAtOnce, request.draws)).map { _ in
          request.knockOut.intervention(
            cutting: Array(request.candidates.shuffled(using: &generator).prefix(request.knockOut.keys.count)))
        }
        let outcomes = try pipeline.model.outcomes(
          of: cuts, on: cache, prompt: prompt, run: RunContext(cancellation: cancellation))
        kls += outcomes.map { Divergence.kl(reference: before.logits, changed: $0.logits) }
        mailbox.post(.matchedRandom(MatchedRandomResult(request: request, kls: kls)))
      }
    }
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
          try FamilyQuestion.questions(for: picture.name),
          about: try pipeline.cache(picture, cancellation: cancellation))
      case .addPicture(let path):
        let other = try PictureSource(path: path)
        let visual = try pipeline.model.encode(other.image, run: run)
        let begun = ContinuousClock.now
        let cache = try pipeline.model.compress(visual, run: run)
        try dialogue.add(
          cache, name: other.name, sha256: other.sha256, seconds: (ContinuousClock.now - begun) / .seconds(1))
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

  /// Draws between two reports: often enough to watch, few enough that sharing work still pays.
  private static let drawsAtOnce = 16

  private var prompt: String { state.withLock { $0.prompt } }

  private func outcome(
    _ intervention: Intervention, _ pipeline: Pipeline, _ cancellation: CancellationFlag
  ) throws -> Outcome {
    let cache = try pipeline.cache(picture, cancellation: cancellation)
    return try pipeline.model.outcomes(
      of: [intervention], on: cache, prompt: prompt, run: RunContext(cancellation: cancellation))[0]
  }

  private func likeliest(_ logits: Tensor) -> Int {
    logits.values.indices.max { logits.values[$0] < logits.values[$1] } ?? 0
  }

  /// Queues a job; how it ended is posted, whatever happens.
  func start(_ job: @escaping @Sendable (Pipeline, CancellationFlag) throws -> Void) {
    let cancellation = state.withLock { $0.cancellation }
    queue.async { [self] in
      do {
        guard !cancellation.isCancelled else { throw CancellationError() }
        try job(try openedPipeline(), cancellation)
      } catch is CancellationError {
        mailbox.post(.cancelled)
      } catch {
        mailbox.post(.failed("\(error)"))
      }
    }
  }

  /// The pipeline, opened by the first job; only jobs call this, one at a time.
  private func openedPipeline() throws -> Pipeline {
    if let pipeline = state.withLock({ $0.pipeline }) { return pipeline }
    let mailbox = mailbox
    let pipeline = try model.open(progress: { mailbox.post(.progress($0)) })
    state.withLock { $0.pipeline = pipeline }
    mailbox.post(.checkpoint(try CheckpointListing(pipeline)))
    if pipeline.model.configuration.mgvq != nil {
      mailbox.post(.codebook(CodebookView(try pipeline.model.codebook())))
    }
    return pipeline
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

import Dispatch
import Foundation
import ImageLoading
import Synchronization
package import Tensor
package import Trace

/// A picture to run: its pixels and where they came from.
package struct PictureSource: Sendable {
  package let image: Picture
  /// The file's name, without its directory.
  package let name: String
  /// SHA-256 of the file's bytes, in hexadecimal; the key under which a run is kept for the next prompt.
  package let sha256: String
  /// What the decoder found odd but carried on with.
  package let warnings: [String]

  package init(image: Picture, name: String, sha256: String, warnings: [String] = []) {
    self.image = image
    self.name = name
    self.sha256 = sha256
    self.warnings = warnings
  }

  /// Decodes the picture in the file at `path`; throws `ImageError`.
  package init(path: String) throws {
    let decoded = try ImageDecoder.decode(path: path)
    self.init(
      image: decoded.image, name: URL(fileURLWithPath: path).lastPathComponent, sha256: decoded.fileSHA256,
      warnings: decoded.warnings)
  }
}

/// A checkpoint ready to run pictures and prompts, one at a time.
///
/// The last picture's encoding and its compressions are kept: a new prompt on it costs its own tokens, and the stages
/// before report `.reused`. Methods block; call them off the main thread.
package final class Pipeline: Sendable {
  package let model: HTCVLMModel
  package let checkpoint: CheckpointDirectory
  /// The program's version, as traces and reports name it.
  package let version: String
  private let memory = Mutex(Memory())

  /// What earlier runs left, of one picture.
  private struct Memory {
    var picture: String?
    /// Taken over from another precision, until the tower has run.
    var codes: KnownCodes?
    var visual: VisualEncoding?
    var reconstruction: Tensor?
    var caches: [Intervention: VisualCache] = [:]
  }

  /// Compressions kept of a picture: the plain one and the latest interventions.
  private static let keptCaches = 4

  /// Opens a checkpoint: the stage `load`, which maps files and converts no large tensor.
  ///
  /// `version` goes into traces. With `Precision.int8` the matrices of decoder and tower are quantized the first time and
  /// kept beside the checkpoint, else in `cacheDirectory`. Throws `CheckpointError`, `ModelError` (also when
  /// `availableMemory` cannot hold a run), `TokenizerError` or `FileError`.
  package convenience init(
    opening source: CheckpointSource, version: String, precision: Precision = .exact, cacheDirectory: String? = nil,
    availableMemory: Int? = ComputeBackend.availableMemory,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in }
  ) throws {
    let run = RunContext(progress: progress)
    let (directory, exact) = try run.stage(.load, steps: 2) { step in
      let directory = try source.open()
      let memory = MemoryEstimate(
        configuration: directory.configuration, tensors: directory.tensors, precision: precision)
      if let availableMemory, memory.resident > availableMemory {
        throw ModelError.memory(checkpoint: directory.path, estimate: memory, available: availableMemory)
      }
      try step()
      let model = try HTCVLMModel(directory: directory)
      try step()
      return (directory, model)
    }
    guard precision == .int8 else {
      self.init(checkpoint: directory, model: exact, version: version)
      return
    }
    // Only now: whatever is missing or misshapen was named before long work.
    let keys = HTCVLMModel.int8Keys(directory.configuration)
    let model = try run.stage(.load, steps: 2 * keys.count) { step in
      let int8 = try directory.int8Weights(keys: keys, cacheDirectory: cacheDirectory) { _, _ in try step() }
      return try HTCVLMModel(directory: directory, int8: int8)
    }
    self.init(checkpoint: directory, model: model, version: version)
  }

  /// Opens the checkpoint directory at `path`.
  package convenience init(
    opening path: String, version: String, precision: Precision = .exact, cacheDirectory: String? = nil,
    availableMemory: Int? = ComputeBackend.availableMemory,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in }
  ) throws {
    try self.init(
      opening: .directory(path), version: version, precision: precision, cacheDirectory: cacheDirectory,
      availableMemory: availableMemory, progress: progress)
  }

  private init(checkpoint: CheckpointDirectory, model: HTCVLMModel, version: String) {
    self.checkpoint = checkpoint
    self.model = model
    self.version = version
    checkpoint.weights.compute()
  }

  /// A run to make.
  package struct Request: Sendable {
    package var prompt: String
    /// nil: what the model was made to answer from.
    package var source: VisualSource?
    package var options: GenerationOptions
    package var intervention: Intervention
    /// Whether the codes are decoded to a picture at the end.
    package var reconstructs: Bool

    package init(
      prompt: String, source: VisualSource? = nil, options: GenerationOptions = GenerationOptions(),
      intervention: Intervention = .none, reconstructs: Bool = true
    ) {
      self.prompt = prompt
      self.source = source
      self.options = options
      self.intervention = intervention
      self.reconstructs = reconstructs
    }
  }

  /// Runs a picture and a prompt, and returns everything the run showed.
  ///
  /// `onChange` gets the trace so far after each stage, `onGeneration` the answer so far after each token; both on the
  /// calling thread.
  /// Throws `CancellationError` once `cancellation` is set; what finished until then is kept for the next run.
  package func trace(
    _ picture: PictureSource, _ request: Request,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in },
    cancellation: CancellationFlag = CancellationFlag(), onChange: @escaping @Sendable (Trace) -> Void = { _ in },
    onGeneration: @escaping @Sendable (GenerationTrace) -> Void = { _ in }
  ) throws -> Trace {
    let recorder = TraceRecorder(
      provenance: provenance(picture, request), model: model.description, onChange: onChange,
      onGeneration: onGeneration)
    let run = RunContext(observer: recorder, progress: progress, cancellation: cancellation)
    let tokens = try model.tokenize(request.prompt)
    let side = request.reconstructs ? SideReconstruction(model, cancellation) : nil
    defer { side?.end() }
    let hasPicture = memory.withLock { $0.picture == picture.sha256 && $0.reconstruction != nil }
    let visual = try encoding(picture, run: run) { if !hasPicture { side?.begin($0) } }
    recorder.observe(sequence: try model.sequence(visual, request.intervention, text: tokens))
    let cache = try compression(visual, picture, request.intervention, run: run)
    _ = try model.answer(request.prompt, from: cache, source: request.source, options: request.options, run: run)
    if let side, let codes = visual.mgvq?.codes { try reconstruct(codes, picture, beside: side, run: run) }
    return try finished(recorder, onChange)
  }

  /// The whole trace, with the digest of the weights, which was computed beside the run.
  func finished(_ recorder: TraceRecorder, _ onChange: (Trace) -> Void = { _ in }) throws -> Trace {
    var trace = recorder.trace
    try checkpoint.weights.checkUnchanged()
    guard trace.provenance.weightsSHA256.isEmpty else { return trace }
    trace.provenance.weightsSHA256 = checkpoint.weightsSHA256
    onChange(trace)
    return trace
  }

  /// The compressed picture of an earlier or a new run, for `HTCVLMModel.outcomes` and `HTCVLMModel.answer`.
  package func cache(
    _ picture: PictureSource, intervention: Intervention = .none,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in },
    cancellation: CancellationFlag = CancellationFlag()
  ) throws -> VisualCache {
    let run = RunContext(progress: progress, cancellation: cancellation, capturesDetails: true)
    return try compression(try encoding(picture, run: run), picture, intervention, run: run)
  }

  /// What the tokens of a prompt and of its answer attend to, after the plain run of the picture.
  package func textAttention(
    _ picture: PictureSource, prompt: String, answer: [Int32], cancellation: CancellationFlag = CancellationFlag()
  ) throws -> TextAttention {
    try model.textAttention(
      prompt, answer: answer, from: cache(picture, cancellation: cancellation),
      run: RunContext(cancellation: cancellation))
  }

  /// Takes over what another precision of this checkpoint kept of its picture and computed as this one would: codes, anchors
  /// and the picture that the codes make.
  package func adopt(_ other: Pipeline) {
    precondition(other.checkpoint.path == checkpoint.path, "\(other.checkpoint.path) is not \(checkpoint.path)")
    let theirs = other.memory.withLock { $0 }
    guard let mgvq = theirs.visual?.mgvq, let anchors = theirs.visual?.anchors else { return }
    memory.withLock { memory in
      guard memory.picture != theirs.picture else { return }
      memory = Memory(
        picture: theirs.picture, codes: KnownCodes(mgvq: mgvq, anchors: anchors), reconstruction: theirs.reconstruction)
    }
  }

  /// The picture's encoding, kept from an earlier run or made now; `onCodes` gets the codes of one that is made.
  func encoding(
    _ picture: PictureSource, run: RunContext, onCodes: (CodeGrid) -> Void = { _ in }
  ) throws -> VisualEncoding {
    if let visual = memory.withLock({ $0.picture == picture.sha256 ? $0.visual : nil }) {
      if visual.mgvq != nil { for stage in [PipelineStage.mgvq, .anchors] { run.reused(stage) } }
      run.reused(.vision)
      visual.report(to: run.observer)
      return visual
    }
    let kept = memory.withLock { $0.picture == picture.sha256 ? ($0.codes, $0.reconstruction) : nil }
    let visual = try model.encode(picture.image, run: run, known: kept?.0, onCodes: onCodes)
    memory.withLock { $0 = Memory(picture: picture.sha256, visual: visual, reconstruction: kept?.1) }
    return visual
  }

  /// The picture's compression under an intervention; cuts at voco reuse the keys and values of the plain one.
  private func compression(
    _ visual: VisualEncoding, _ picture: PictureSource, _ intervention: Intervention, run: RunContext
  ) throws -> VisualCache {
    if let cache = kept(picture, intervention) {
      run.reused(.decoder)
      cache.report(to: run.observer)
      return cache
    }
    let cache: VisualCache
    if let base = kept(picture, Intervention(inputs: intervention.inputs)) {
      cache = try model.recompress(base, intervention: intervention, run: run)
    } else {
      cache = try model.compress(visual, intervention: intervention, run: run)
    }
    memory.withLock { memory in
      guard memory.picture == picture.sha256 else { return }
      if memory.caches.count >= Self.keptCaches { memory.caches = memory.caches.filter { $0.key == .none } }
      memory.caches[intervention] = cache
    }
    return cache
  }

  private func kept(_ picture: PictureSource, _ intervention: Intervention) -> VisualCache? {
    memory.withLock { $0.picture == picture.sha256 ? $0.caches[intervention] : nil }
  }

  private func reconstruct(
    _ codes: CodeGrid, _ picture: PictureSource, beside side: SideReconstruction, run: RunContext
  ) throws {
    if let made = memory.withLock({ $0.picture == picture.sha256 ? $0.reconstruction : nil }) {
      run.reused(.reconstruction)
      run.observer?.observe(.mgvqReconstruction, layer: nil, tensor: made)
      return
    }
    let made = try side.result(run) ?? model.reconstruct(codes, run: run)
    memory.withLock { if $0.picture == picture.sha256 { $0.reconstruction = made } }
  }

  private func provenance(_ picture: PictureSource, _ request: Request) -> Provenance {
    provenance(picture, request.prompt, request.options)
  }

  /// What a run of a picture is made from and with; `weightsSHA256` is empty while it is not known.
  package func provenance(
    _ picture: PictureSource, _ prompt: String, _ options: GenerationOptions = GenerationOptions()
  ) -> Provenance {
    Provenance(
      version: version, imageName: picture.name, imageWidth: picture.image.width, imageHeight: picture.image.height,
      imageSHA256: picture.sha256, modelName: checkpoint.name, configSHA256: checkpoint.configSHA256,
      weightsSHA256: checkpoint.weights.knownSHA256 ?? "", prompt: prompt,
      computation: Computation(
        kernel: "OpenBLAS \(ComputeBackend.openBLASCore)", threads: ComputeBackend.threads,
        temperature: options.temperature, topP: options.topP, seed: options.seed))
  }
}

extension Pipeline {
  /// The picture's encoding, kept from an earlier run or made now.
  package func encoding(
    _ picture: PictureSource, cancellation: CancellationFlag = CancellationFlag()
  ) throws -> VisualEncoding {
    try encoding(picture, run: RunContext(cancellation: cancellation))
  }

  /// Runs a picture with other codes: from the code vectors on, everything is computed again; the vision tower's features
  /// are used again. `edits` says in the provenance what was changed.
  package func trace(
    _ picture: PictureSource, _ request: Request, codes: CodeGrid, edits: String,
    progress: @escaping @Sendable (StageProgress) -> Void = { _ in },
    cancellation: CancellationFlag = CancellationFlag()
  ) throws -> Trace {
    var provenance = provenance(picture, request)
    provenance.edits = edits
    let tokens = try model.tokenize(request.prompt)
    let visual = try model.replacing(
      codes: codes, in: encoding(picture, run: RunContext(cancellation: cancellation)))
    let recorder = TraceRecorder(provenance: provenance, model: model.description)
    let run = RunContext(observer: recorder, progress: progress, cancellation: cancellation)
    visual.report(to: recorder)
    recorder.observe(sequence: try model.sequence(visual, request.intervention, text: tokens))
    let cache = try model.compress(visual, intervention: request.intervention, run: run)
    _ = try model.answer(request.prompt, from: cache, source: request.source, options: request.options, run: run)
    if request.reconstructs { _ = try model.reconstruct(codes, run: run) }
    return try finished(recorder)
  }
}

/// A picture decoded from its codes while the tower and the decoder run: their small steps leave threads idle. What comes out
/// is the same to the bit, since a step is cut into as many parts whoever else computes.
private final class SideReconstruction: Sendable {
  private let model: HTCVLMModel
  /// The whole run's.
  private let cancellation: CancellationFlag
  private let own = CancellationFlag()
  private let made = Mutex<Result<Tensor, any Error>?>(nil)
  private let isBegun = Atomic<Bool>(false)
  /// One for each step that is done, and for all that are left at the end.
  private let steps = DispatchSemaphore(value: 0)
  private let stepsDone = Atomic<Int>(0)
  private let isOver = DispatchSemaphore(value: 0)

  init(_ model: HTCVLMModel, _ cancellation: CancellationFlag) {
    self.model = model
    self.cancellation = cancellation
  }

  /// Begins on a thread of its own; at most once.
  func begin(_ codes: CodeGrid) {
    isBegun.store(true, ordering: .relaxed)
    DispatchQueue.global(qos: .userInitiated).async { [self] in
      let run = RunContext(progress: { [self] in note($0) }, cancellation: own)
      let result = Result { try model.reconstruct(codes, run: run) }
      made.withLock { $0 = result }
      for _ in stepsDone.load(ordering: .relaxed)..<stepCount { steps.signal() }
      isOver.signal()
    }
  }

  private var stepCount: Int { model.mgvq?.decodingSteps ?? 0 }

  private func note(_ progress: StageProgress) {
    if cancellation.isCancelled { own.cancel() }
    guard case .running(let done, _) = progress.state, done > stepsDone.load(ordering: .relaxed) else { return }
    stepsDone.store(done, ordering: .relaxed)
    steps.signal()
  }

  /// The picture, once it is there, as the stage `reconstruction` of `run`; nil where nothing was begun.
  func result(_ run: RunContext) throws -> Tensor? {
    guard isBegun.load(ordering: .relaxed) else { return nil }
    let picture = try run.stage(.reconstruction, steps: stepCount) { step in
      for _ in 0..<stepCount {
        steps.wait()
        try step()
      }
      wait()
      return try made.withLock { $0 }?.get()
    }
    if let picture { run.observer?.observe(.mgvqReconstruction, layer: nil, tensor: picture) }
    return picture
  }

  /// Leaves nothing running behind.
  func end() {
    guard isBegun.load(ordering: .relaxed) else { return }
    own.cancel()
    wait()
  }

  private func wait() {
    isOver.wait()
    isOver.signal()
  }
}

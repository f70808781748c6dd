import Synchronization
package import Tensor
package import Trace

/// Gathers what a run shows into a `Trace`, filled as stages finish.
package final class TraceRecorder: ActivationObserver {
  fileprivate struct State {
    var trace: Trace
    /// Tensors whose part of the trace is not complete yet, by name and layer; layer −1 has no layer axis.
    var pending: [TraceTensorName: [Int: Tensor]] = [:]
    var codes: CodeGrid?
  }

  private let state: Mutex<State>
  private let onChange: @Sendable (Trace) -> Void
  private let onGeneration: @Sendable (GenerationTrace) -> Void

  /// `onChange` gets the trace each time a stage's part of it is complete, `onGeneration` the answer after each token;
  /// both on the running thread.
  package init(
    provenance: Provenance, model: ModelDescription, onChange: @escaping @Sendable (Trace) -> Void = { _ in },
    onGeneration: @escaping @Sendable (GenerationTrace) -> Void = { _ in }
  ) {
    state = Mutex(State(trace: Trace(provenance: provenance, model: model)))
    self.onChange = onChange
    self.onGeneration = onGeneration
  }

  /// The trace so far.
  package var trace: Trace { state.withLock { $0.trace } }

  package func observe(_ name: TraceTensorName, layer: Int?, tensor: Tensor) {
    change { state in
      state.pending[name, default: [:]][layer ?? -1] = tensor
      return state.assemble(after: name)
    }
  }

  package func observe(codes: CodeGrid) {
    state.withLock { $0.codes = codes }
  }

  package func observe(sequence: SequenceTrace) {
    change { state in
      guard state.trace.sequence != sequence else { return false }
      state.trace.sequence = sequence
      return true
    }
  }

  package func observe(generation: GenerationTrace) {
    state.withLock { $0.trace.generation = generation }
    onGeneration(generation)
  }

  /// Tells of the trace if `body` changed it; outside the lock, so that the callee may ask for the trace.
  private func change(_ body: (inout sending State) -> Bool) {
    let changed = state.withLock { state in body(&state) ? state.trace : nil }
    if let changed { onChange(changed) }
  }
}

extension TraceRecorder.State {
  /// Moves tensors into the trace once the last one of their part has come, and tells whether it did.
  mutating func assemble(after name: TraceTensorName) -> Bool {
    switch name {
    case .mgvqQuantized: return assembleMGVQ()
    case .anchors:
      trace.anchors = whole(name)
      return true
    case .patches: return assembleVision()
    case .logits: return assembleLanguage()
    case .mgvqReconstruction:
      let picture = whole(name)
      trace.mgvq?.reconstruction = picture
      return true
    default: return false
    }
  }

  private mutating func assembleMGVQ() -> Bool {
    guard let codes, let pixelValues = whole(.mgvqPixelValues), let latent = whole(.mgvqLatent),
      let quantized = whole(.mgvqQuantized)
    else { return false }
    trace.mgvq = MGVQTrace(pixelValues: pixelValues, latent: latent, codes: codes, quantized: quantized)
    return true
  }

  private mutating func assembleVision() -> Bool {
    guard let pixelValues = whole(.visionPixelValues), let features = whole(.visionFeatures),
      let patches = whole(.patches)
    else { return false }
    trace.vision = VisionTrace(pixelValues: pixelValues, features: features, patches: patches)
    return true
  }

  private mutating func assembleLanguage() -> Bool {
    // What is inspected in a model without voco is the last prompt token.
    let hasVoco = trace.model.vocoTokens > 0
    guard let length = trace.sequence?.length, let hidden = stacked(hasVoco ? .hiddenVoco : .hiddenLast),
      let attentionVoco = stacked(hasVoco ? .attentionVoco : .attentionLast),
      let attentionLast = stacked(.attentionLast),
      let logits = whole(.logits)
    else { return false }
    trace.language = LanguageTrace(
      attentionVoco: attentionVoco.padded(to: length), attentionLast: attentionLast.padded(to: length),
      hiddenVoco: hidden, logits: logits,
      valueNorms: stacked(hasVoco ? .valueNormsVoco : .valueNormsLast)?.padded(to: length),
      rolloutVoco: stacked(hasVoco ? .rolloutVoco : .rolloutLast)?.padded(to: length))
    return true
  }

  private func whole(_ name: TraceTensorName) -> Tensor? { pending[name]?[-1] }

  /// The layers' tensors along a new first axis.
  private func stacked(_ name: TraceTensorName) -> Tensor? {
    guard let layers = pending[name], let shape = layers[0]?.shape else { return nil }
    let ordered = layers.sorted { $0.key < $1.key }.map(\.value)
    return Tensor(shape: [ordered.count] + shape, values: ordered.flatMap(\.values))
  }
}

extension Tensor {
  /// The tensor with zeros after its last axis, so that it extends to `length`.
  fileprivate func padded(to length: Int) -> Tensor {
    let width = shape[rank - 1]
    guard width < length else { return self }
    return Tensor(shape: shape.dropLast() + [length]) { output in
      values.withUnsafeBufferPointer { input in
        for index in output.indices {
          let (row, column) = (index / length, index % length)
          output[index] = column < width ? input[row * width + column] : 0
        }
      }
    }
  }
}

/// Sees the model's intermediates as they are computed: the inspector, the trace file and the parity tests all look
/// through it, so what is inspected is what runs.
///
/// A tensor with a layer axis in the file arrives one layer at a time.
package protocol ActivationObserver: AnyObject, Sendable {
  /// `layer` is nil for a tensor without a layer axis. `attention.voco`, `value_norms.voco` and `rollout.voco` end at
  /// the last voco position: later columns are zero.
  func observe(_ name: TraceTensorName, layer: Int?, tensor: Tensor)

  /// The picture's codes.
  func observe(codes: CodeGrid)

  /// The decoder's input, before the decoder runs.
  func observe(sequence: SequenceTrace)

  /// The continuation so far; the last call has all of it.
  func observe(generation: GenerationTrace)
}

import Synchronization
package import Tensor
import Trace

/// A compressed picture: the voco keys and values of every layer, and what they were computed from, so that prompts
/// and knock-outs cost only their own rows.
package struct VisualCache: Sendable {
  package let visual: VisualEncoding
  package let intervention: Intervention
  let input: DecoderInput
  let context: DecoderContext
  /// nil in a model without voco.
  private let state: VocoState?
  let unmasked: UnmaskedContext

  init(
    visual: VisualEncoding, intervention: Intervention, input: DecoderInput, context: DecoderContext, voco: VocoState?
  ) {
    self.visual = visual
    self.intervention = intervention
    self.input = input
    self.context = context
    state = voco
    // Without voco the context is all that comes before the prompt, under the causal mask.
    unmasked = UnmaskedContext(voco == nil ? context : nil)
  }

  /// What was computed at voco; whoever asks has made sure that the model has one.
  var voco: VocoState {
    guard let state else { preconditionFailure("a model without voco was asked for it") }
    return state
  }

  /// `hidden.voco` `[L + 1, D]`.
  package var hiddenVoco: Tensor { voco.hidden(0) }

  /// `attention.voco` `[L, H, S₀]`, S₀ the last voco's position + 1.
  package var attentionVoco: Tensor {
    let rows = voco.attention
    return Tensor.concatenate(rows).reshaped([rows.count] + rows[0].shape)
  }

  /// The softmax row of one voco token, from 0: `[L, H, S₀]`.
  package func attention(ofVoco number: Int) -> Tensor {
    let row = input.layout.positions(of: .voco)[number] - input.layout.firstVoco
    let rows = voco.rows.map { voco.attention(ofRow: row, in: $0) }
    return Tensor.concatenate(rows).reshaped([rows.count] + rows[0].shape)
  }

  /// `value_norms.voco` `[L, H, S₀]`, of a run with an observer.
  package var valueNorms: Tensor? {
    voco.valueNorms.map { Tensor.concatenate($0).reshaped([$0.count] + $0[0].shape) }
  }

  /// Positions that a knock-out can cut, 0…the last voco's.
  package var keys: Int { input.layout.lastVoco + 1 }

  /// Positions of the anchors and of the patches in the sequence.
  package var anchorPositions: [Int] { input.layout.positions(of: .anchors) }
  package var patchPositions: [Int] { input.layout.positions(of: .patches) }
  /// Positions before the first voco.
  package var contextPositions: Range<Int> { input.layout.context }
  /// Whether visual rows see nothing but what precedes the picture.
  package var isStar: Bool { input.layout.visualMask == .star }

  func report(to observer: (any ActivationObserver)?) {
    guard let observer, let voco = state else { return }
    for (layer, row) in voco.hidden.enumerated() {
      observer.observe(.hiddenVoco, layer: layer, tensor: row[row: 0])
    }
    for (layer, rows) in voco.attention.enumerated() {
      observer.observe(.attentionVoco, layer: layer, tensor: rows)
    }
    for (layer, rows) in (voco.valueNorms ?? []).enumerated() {
      observer.observe(.valueNormsVoco, layer: layer, tensor: rows)
    }
    for (layer, row) in (voco.rollout ?? []).enumerated() {
      observer.observe(.rolloutVoco, layer: layer, tensor: row)
    }
  }
}

/// The picture's rows under the unmodified causal mask, computed when first asked for.
final class UnmaskedContext: Sendable {
  private let context: Mutex<DecoderContext?>

  init(_ context: DecoderContext?) { self.context = Mutex(context) }

  func get(_ make: () throws -> DecoderContext) rethrows -> DecoderContext {
    if let made = context.withLock({ $0 }) { return made }
    let made = try make()
    context.withLock { $0 = made }
    return made
  }
}

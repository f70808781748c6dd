import Synchronization
package import Tensor
import Trace

/// Rotated keys and values of some rows in one layer, each `[n, kvHeads · headDim]`.
struct KeyValues: Sendable {
  var keys: Tensor
  var values: Tensor

  var rows: Int { keys.shape[0] }

  subscript(rows range: Range<Int>) -> KeyValues {
    KeyValues(keys: keys[rows: range], values: values[rows: range])
  }

  /// The given rows, in the given order.
  func gathered(_ indices: [Int]) -> KeyValues {
    KeyValues(keys: gatherRows(keys, indices), values: gatherRows(values, indices))
  }

  static func + (a: KeyValues, b: KeyValues) -> KeyValues {
    KeyValues(
      keys: Tensor.concatenate([a.keys, b.keys]), values: Tensor.concatenate([a.values, b.values]))
  }
}

/// What later rows attend to: the rotated keys and values of every row so far, `[rows, kvHeads · headDim]` each, in every
/// layer.
///
/// Rows are appended where they lie and attention reads them there, so that a generated token copies none of those before
/// it. Copies of a cache share their rows until one of them grows.
struct KVCache: Sendable {
  /// Rows in every layer.
  private(set) var rows: Int
  /// kvHeads · headDim.
  private let width: Int
  private var layers: [Layer]

  /// One layer's rows, row-major; longer than `rows` while a pass appends to it.
  private struct Layer: Sendable {
    var keys: [Float]
    var values: [Float]
  }

  /// The rows that `layers` hold, one entry per layer.
  init(_ layers: [KeyValues]) {
    precondition(!layers.isEmpty && layers.allSatisfy { $0.keys.shape == layers[0].keys.shape })
    rows = layers[0].rows
    width = layers[0].keys.shape[1]
    self.layers = layers.map { Layer(keys: $0.keys.values, values: $0.values.values) }
  }

  /// Nothing, in no layer: what a variable holds while its cache is elsewhere.
  fileprivate init() { (rows, width, layers) = (0, 0, []) }

  var layerCount: Int { layers.count }

  /// Bytes of the keys and values.
  var byteCount: Int { 2 * layers.count * rows * width * MemoryLayout<Float>.size }

  /// Puts rows `range` of `own` after the rows of a layer; they count once every layer has them and `commit` was called,
  /// so that a pass that is cancelled leaves nothing.
  mutating func append(_ own: KeyValues, rows range: Range<Int>, layer: Int) {
    let (kept, added) = (rows * width, range.lowerBound * width..<range.upperBound * width)
    if layers[layer].keys.count > kept {
      layers[layer].keys.removeSubrange(kept...)
      layers[layer].values.removeSubrange(kept...)
    }
    layers[layer].keys.append(contentsOf: own.keys.values[added])
    layers[layer].values.append(contentsOf: own.values.values[added])
  }

  /// Counts `added` rows that were appended to every layer.
  mutating func commit(_ added: Int) {
    rows += added
    precondition(layers.allSatisfy { $0.keys.count == rows * width && $0.values.count == rows * width })
  }

  /// Appends rows to every layer.
  mutating func append(_ own: [KeyValues]) {
    guard let added = own.first?.rows else { return }
    for (layer, rows) in own.enumerated() { append(rows, rows: 0..<added, layer: layer) }
    commit(added)
  }

  /// Some columns of a layer's keys, those of an unfinished pass included.
  func keys(layer: Int, columns: Range<Int>) -> MatrixColumns {
    MatrixColumns(layers[layer].keys, width: width, columns: columns)
  }

  /// Some columns of a layer's values.
  func values(layer: Int, columns: Range<Int>) -> MatrixColumns {
    MatrixColumns(layers[layer].values, width: width, columns: columns)
  }

  /// A layer's values `[rows, kvHeads · headDim]`.
  func values(layer: Int) -> Tensor { Tensor(shape: [rows, width], values: layers[layer].values) }

  /// Whether a layer holds the same rows in both, to the bit.
  func equals(_ other: KVCache, layer: Int) -> Bool {
    layers[layer].keys == other.layers[layer].keys && layers[layer].values == other.layers[layer].values
  }

  /// Calls `body` with this cache in a list of its own, without a copy of its rows.
  mutating func asList<Result>(_ body: (inout [KVCache]) throws -> Result) rethrows -> Result {
    var list = [self]
    self = KVCache()
    defer { self = list[0] }
    return try body(&list)
  }
}

extension [KVCache] {
  /// The first layer that the caches differ in; as many as there are for one cache, or for equal ones.
  var firstDifferingLayer: Int {
    guard let first else { return 0 }
    return (0..<first.layerCount).first { layer in dropFirst().contains { !$0.equals(first, layer: layer) } }
      ?? first.layerCount
  }
}

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

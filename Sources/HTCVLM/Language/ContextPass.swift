import Tensor
import Trace

/// Keys and values of the rows that interventions at voco leave alone, in every layer.
struct DecoderContext: Sendable {
  /// One entry per layer, each of `[n, kvHeads · headDim]`.
  let layers: [KeyValues]
  let rollout: ContextRollout?
}

/// Rows that attend among themselves, on their way through the layers for their keys and values.
struct ContextPass {
  private let decoder: LlamaDecoder
  private let positions: [Int]
  private let pattern: ContextPattern
  private var x: Tensor
  /// Of the layers so far.
  private(set) var layers: [KeyValues] = []
  private(set) var rollout: ContextRollout?

  init(
    _ decoder: LlamaDecoder, _ embeddings: Tensor, positions: [Int], pattern: ContextPattern, wantsRollout: Bool
  ) {
    let rows = embeddings.shape[0]
    (self.decoder, self.positions, self.pattern) = (decoder, positions, pattern)
    x = embeddings
    rollout = wantsRollout ? ContextRollout(pattern: pattern, rows: rows, layers: decoder.layers.count) : nil
  }

  var context: DecoderContext { DecoderContext(layers: layers, rollout: rollout) }

  /// Runs the next layer; the last computes keys and values only, since nothing reads these rows' outputs.
  ///
  /// `check` is called within the layer; what it throws ends the pass, as does `ModelError.notFinite`.
  mutating func advance(check: () throws -> Void) throws {
    let (index, shape) = (layers.count, decoder.shape)
    guard x.shape[0] > 0 else {
      let none = Tensor.zeros([0, shape.keyValueHeads * shape.headDim])
      layers.append(KeyValues(keys: none, values: none))
      return
    }
    let layer = decoder.layers[index]
    if index == 0 { try decoder.check(input: x, positions: positions) }
    let normalized = layer.normalized(x)
    let own = layer.keyValues(normalized, positions: positions)
    try layer.check(own, layer: index, positions: positions)
    layers.append(own)
    guard index < decoder.layers.count - 1 else { return }
    try check()
    let queries = layer.queries(normalized, positions: positions)
    try layer.check(queries: queries, layer: index, positions: positions)
    let attention = shape.attend(pattern, queries: queries, own, wantsWeights: rollout != nil)
    if let weights = attention.meanWeights { rollout?.append(weights) }
    try check()
    x = try layer.complete(x, attention: attention.mixed, check: check)
    try layer.check(output: x, layer: index, positions: positions)
  }
}

extension LlamaDecoder {
  /// Runs rows that attend among themselves by `pattern` through all layers.
  ///
  /// `step` is called once per layer, `check` also within layers; what they throw ends the pass, as does
  /// `ModelError.notFinite`.
  func context(
    _ embeddings: Tensor, positions: [Int], pattern: ContextPattern, wantsRollout: Bool, check: () throws -> Void,
    step: () throws -> Void
  ) throws -> DecoderContext {
    var pass = ContextPass(self, embeddings, positions: positions, pattern: pattern, wantsRollout: wantsRollout)
    for _ in layers {
      try pass.advance(check: check)
      try step()
    }
    return pass.context
  }
}

/// Who attends to whom among the rows before the first voco.
enum ContextPattern: Sendable, Hashable {
  /// Every row to all rows up to itself.
  case causal
  /// Every row to the earlier rows among `shared` (the non-visual ones, ascending) and to itself.
  case star(shared: [Int])

  init(_ layout: SequenceLayout) {
    switch layout.hasVoco ? layout.visualMask : .causal {
    case .causal: self = .causal
    case .star: self = .star(shared: layout.context.filter { !layout.kinds[$0].isVisual })
    }
  }
}

/// What attention gave some rows.
struct AttentionResult: Sendable {
  /// `[n, heads · headDim]`.
  var mixed: Tensor
  /// The mean over heads of the weights: `[n, n]` if causal, `[n, shared + 1]` with the row's own weight last if star.
  var meanWeights: Tensor?
}

extension AttentionShape {
  /// Attention of context rows among themselves.
  func attend(
    _ pattern: ContextPattern, queries: Tensor, _ own: KeyValues, wantsWeights: Bool
  ) -> AttentionResult {
    var mean: Tensor?
    var mixed: [Tensor] = []
    for head in 0..<heads {
      let q = queries.columns(columns(head: head))
      let k = own.keys.columns(keyColumns(head: head))
      let v = own.values.columns(keyColumns(head: head))
      let weights: Tensor
      switch pattern {
      case .causal:
        weights = softmaxRows(causallyMasked(matmul(q, k, transposeB: true, scale: scale)))
        mixed.append(matmul(weights, v))
      case .star(let shared):
        weights = softmaxRows(starScores(q, k, shared: shared))
        mixed.append(starMix(weights, v, shared: shared))
      }
      if wantsWeights {
        let share = weights * (1 / Float(heads))
        mean = mean.map { $0 + share } ?? share
      }
    }
    return AttentionResult(mixed: Tensor.concatenateColumns(mixed), meanWeights: mean)
  }

  /// `[n, shared + 1]`: scores on the shared rows before each row, −∞ on those not before it, and on itself.
  private func starScores(_ q: Tensor, _ k: Tensor, shared: [Int]) -> Tensor {
    let rows = q.shape[0]
    let width = shared.count + 1
    let scores = matmul(q, gatherRows(k, shared), transposeB: true, scale: scale)
    return Tensor(shape: [rows, width]) { output in
      withValues(q, k, scores) { q, k, scores in
        for row in 0..<rows {
          for (column, position) in shared.enumerated() {
            output[row * width + column] = position < row ? scores[row * shared.count + column] : -.infinity
          }
          output[row * width + shared.count] = scale * dot(q + row * headDim, k + row * headDim, headDim)
        }
      }
    }
  }

  /// The values mixed by `weights` `[n, shared + 1]`.
  private func starMix(_ weights: Tensor, _ v: Tensor, shared: [Int]) -> Tensor {
    let rows = v.shape[0]
    let mixed = matmul(weights.columns(0..<shared.count), gatherRows(v, shared))
    return Tensor(shape: [rows, headDim]) { output in
      withValues(weights, v, mixed) { weights, v, mixed in
        for row in 0..<rows {
          let own = weights[row * (shared.count + 1) + shared.count]
          for column in row * headDim..<(row + 1) * headDim { output[column] = mixed[column] + own * v[column] }
        }
      }
    }
  }
}

/// Scores `[n, prefix + n]`, or a matrix of its last rows, with the keys after each row's own set to −∞.
func causallyMasked(_ scores: Tensor) -> Tensor {
  let (rows, columns) = (scores.shape[0], scores.shape[1])
  return Tensor(shape: scores.shape) { output in
    scores.values.withUnsafeBufferPointer { input in
      for row in 0..<rows {
        let visible = columns - rows + row + 1
        for column in 0..<columns {
          output[row * columns + column] = column < visible ? input[row * columns + column] : -.infinity
        }
      }
    }
  }
}

/// a · b over `count` elements.
func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var sums = SIMD8<Float>.zero
  var index = 0
  while index + 8 <= count {
    let x = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Float>.self)
    let y = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Float>.self)
    sums += x * y
    index += 8
  }
  var sum = sums.sum()
  while index < count {
    sum += a[index] * b[index]
    index += 1
  }
  return sum
}

/// Calls `body` with the elements of three tensors that are not empty.
func withValues(
  _ a: Tensor, _ b: Tensor, _ c: Tensor,
  _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>) -> Void
) {
  a.values.withUnsafeBufferPointer { a in
    b.values.withUnsafeBufferPointer { b in
      c.values.withUnsafeBufferPointer { c in
        // An empty array may have no base address; its pointer is never read.
        let none = UnsafePointer<Float>(bitPattern: MemoryLayout<Float>.alignment)!
        body(a.baseAddress ?? none, b.baseAddress ?? none, c.baseAddress ?? none)
      }
    }
  }
}

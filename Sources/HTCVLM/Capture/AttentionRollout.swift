import Tensor

/// Attention rollout of the context rows (Abnar & Zuidema, arXiv 2005.00928): R_l = ½ Ā_l R_{l−1} + ½ R_{l−1} with
/// Ā_l the mean over heads and R_{−1} = I.
///
/// Under the star mask a row of R reaches only the shared rows and the row itself, because their rows do too; so R is
/// `[n, shared + 1]`, with the row's own weight last, and the product is linear in n.
struct ContextRollout: Sendable {
  let pattern: ContextPattern
  let rows: Int
  /// R after each layer.
  private(set) var layers: [Tensor] = []

  /// The largest layers · n² for which the causal rollout, whose product is cubic in n, is computed: 2²⁶ elements are
  /// 256 MiB. Beyond it the trace has no rollout.
  static let largest = 1 << 26

  /// Nil where a causal rollout would exceed `largest`.
  init?(pattern: ContextPattern, rows: Int, layers: Int) {
    if pattern == .causal, layers * rows * rows > Self.largest { return nil }
    self.pattern = pattern
    self.rows = rows
  }

  /// Takes the next layer's mean weights, in the form that `AttentionShape.attend` gives for `pattern`.
  mutating func append(_ weights: Tensor) {
    let half = weights * 0.5
    switch pattern {
    case .causal:
      let before = layers.last ?? Self.identity(rows)
      layers.append(matmul(half, before) + before * 0.5)
    case .star(let shared):
      layers.append(starStep(half, shared: shared))
    }
  }

  private func starStep(_ half: Tensor, shared: [Int]) -> Tensor {
    let width = shared.count + 1
    let before = layers.last?.values ?? (0..<rows).flatMap { _ in [Float](repeating: 0, count: shared.count) + [1] }
    return Tensor(shape: [rows, width]) { output in
      for row in 0..<rows {
        let own = half.values[row * width + shared.count] + 0.5
        for column in 0..<width { output[row * width + column] = own * before[row * width + column] }
        for (key, position) in shared.enumerated() where position < row {
          let weight = half.values[row * width + key]
          for column in 0..<shared.count { output[row * width + column] += weight * before[position * width + column] }
          output[row * width + key] += weight * before[position * width + shared.count]
        }
      }
    }
  }

  /// w R of the layer before `layer`, for w `[1, n]`: `[n]`.
  func applied(_ weights: [Float], before layer: Int) -> [Float] {
    guard layer > 0, rows > 0 else { return weights }
    let before = layers[layer - 1]
    switch pattern {
    case .causal:
      return matmul(Tensor(shape: [1, rows], values: weights), before).values
    case .star(let shared):
      let width = shared.count + 1
      var result = [Float](repeating: 0, count: rows)
      for row in 0..<rows {
        result[row] += weights[row] * before.values[row * width + shared.count]
        for (key, position) in shared.enumerated() {
          result[position] += weights[row] * before.values[row * width + key]
        }
      }
      return result
    }
  }

  private static func identity(_ count: Int) -> Tensor {
    Tensor(shape: [count, count]) { output in
      for index in output.indices { output[index] = index % (count + 1) == 0 ? 1 : 0 }
    }
  }
}

/// The rollout's rows from the first voco to the last, carried through the layers.
struct VocoRollout: Sendable {
  /// `[rows, keys]`.
  private var current: [[Float]]
  private var layer = 0

  /// Of `rows` rows after `before` context rows.
  init(before: Int, rows: Int) {
    current = (0..<rows).map { row in (0..<before + rows).map { $0 == before + row ? 1 : 0 } }
  }

  /// Takes the next layer's mean rows `[rows, keys]` and returns the last voco row of the rollout `[keys]`; `context`
  /// must hold the layers before this one.
  mutating func append(_ mean: Tensor, context: ContextRollout) -> Tensor {
    let keys = mean.shape[1]
    current = current.indices.map { row in
      let weights = mean[row: row].values
      var next = context.applied(Array(weights[..<context.rows]), before: layer).map { $0 * 0.5 }
      next += [Float](repeating: 0, count: keys - context.rows)
      for other in current.indices {
        let weight = 0.5 * weights[context.rows + other] + (other == row ? 0.5 : 0)
        for key in 0..<keys { next[key] += weight * current[other][key] }
      }
      return next
    }
    layer += 1
    return Tensor(shape: [keys], values: current[current.count - 1])
  }
}

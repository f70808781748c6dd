package import Tensor

/// Why a model cannot be built from a checkpoint, or cannot run what it is asked to.
package enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The checkpoint lacks a tensor that the configuration calls for.
  case missingTensor(name: String, checkpoint: String)
  /// A tensor's extents are not those that the configuration calls for.
  case wrongShape(name: String, found: [Int], expected: [Int], checkpoint: String)
  /// A tensor is stored in a type that weights cannot have.
  case wrongType(name: String, found: String, checkpoint: String)
  /// A weight holds a value that is no finite number.
  case notFiniteWeight(name: String, found: NotFinite, checkpoint: String)
  /// A result holds one.
  case notFinite(NotFiniteResult)
  /// A configuration key's value does not fit the others.
  case configuration(key: String, found: String, expected: String)
  /// The sequence has more positions than the decoder was made for.
  case promptTooLong(promptTokens: Int, sequenceLength: Int, limit: Int)
  /// A conversation would outgrow the positions that the decoder was made for.
  case conversationTooLong(used: Int, adding: Int, limit: Int)
  /// The model has no quantizer, and what was asked for needs its codes.
  case noQuantizer(family: ModelFamily)
  /// The model has no voco token, and what was asked for is about it.
  case noVoco(family: ModelFamily)
  /// Neither the prompt nor its template yields a token.
  case emptyPrompt
  /// The machine has less memory left than a run takes beside its mapped files. Bytes.
  case memory(checkpoint: String, estimate: MemoryEstimate, available: Int)
  /// An intervention names positions, layers, heads or vectors that the run does not have.
  case intervention(String)

  /// Whether weights or results are no numbers: nothing that the model says is one then.
  package var isNotFinite: Bool {
    switch self {
    case .notFinite, .notFiniteWeight: true
    default: false
    }
  }

  package var description: String {
    switch self {
    case .missingTensor(let name, let checkpoint):
      "\(checkpoint): the tensor \(name) is missing"
    case .wrongShape(let name, let found, let expected, let checkpoint):
      "\(checkpoint): the tensor \(name) has the shape \(found), the configuration calls for \(expected)"
    case .wrongType(let name, let found, let checkpoint):
      "\(checkpoint): the tensor \(name) is stored as \(found), expected F32, F16 or BF16"
    case .notFiniteWeight(let name, let found, let checkpoint):
      "\(checkpoint): the tensor \(name) \(found.problem)"
    case .notFinite(let result): result.description
    case .configuration(let key, let found, let expected):
      "config.json: \(key) is \(found), expected \(expected)"
    case .noQuantizer(let family):
      "this checkpoint is \(family.withArticle) without a quantizer and anchors: it has no codes"
    case .noVoco(let family):
      "this checkpoint is \(family.withArticle) without <voco>: it answers from all visual tokens (--from full)"
    case .promptTooLong(let promptTokens, let sequenceLength, let limit):
      "the prompt takes \(promptTokens) tokens, which makes a sequence of \(sequenceLength); "
        + "max_position_embeddings allows \(limit)"
    case .conversationTooLong(let used, let adding, let limit):
      "the conversation holds \(used) positions and this adds \(adding); max_position_embeddings allows \(limit)"
    case .emptyPrompt:
      "the prompt is empty: there is no token after <voco> to answer from"
    case .memory(let checkpoint, let estimate, let available):
      "\(checkpoint): a run takes \(mebibytes(estimate.resident)) beside its mapped files "
        + "(\(mebibytes(estimate.converted)) of converted weights, \(mebibytes(estimate.activations)) of activations, "
        + "\(mebibytes(estimate.keyValues)) of keys and values), and this machine has \(mebibytes(available)) left"
    case .intervention(let reason):
      "the intervention cannot be applied: \(reason)"
    }
  }
}

private func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }

/// A result of the model that is no finite number: everything computed from it would be made up.
package struct NotFiniteResult: Sendable, Equatable {
  /// What was computed, as in “keys of decoder layer 3”.
  package let result: String
  /// The first value that is wrong.
  package let found: NotFinite
  /// The row's position in the sequence; nil where rows are no positions.
  package let position: Int?
  /// The weight that made it so, with what it holds; nil where all weights of the step are finite.
  package let weight: String?

  var description: String {
    let place = position.map { "at position \($0)" } ?? "at \(found.index)"
    let cause = weight.map { "the weight \($0)" } ?? "the weights of this step are finite, and their results overflow"
    return "the \(result) are not finite numbers: \(found.word) \(place); \(cause)"
  }
}

/// Throws `ModelError.notFinite` if a value of `x` is no finite number: one pass, a thousandth of the product before it.
///
/// - Parameters:
///   - positions: of the rows, where they have any.
///   - weights: what the result was computed with; read only to name the one at fault.
func requireFinite(
  _ x: Tensor, _ result: @autoclosure () -> String, positions: [Int]? = nil, weights: [Linear] = []
) throws(ModelError) {
  guard let found = x.firstNotFinite() else { return }
  let weight = weights.lazy.compactMap { linear in linear.firstNotFinite().map { "\($0.name) \($0.found.problem)" } }
    .first
  let row = found.index.first
  throw .notFinite(
    NotFiniteResult(
      result: result(), found: found, position: row.flatMap { row in positions.map { $0[row % max($0.count, 1)] } },
      weight: weight))
}

package import Tensor

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

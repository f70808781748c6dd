package import Evaluation

/// Part i of n of the questions.
///
/// Parts are runs of the file, so that questions about one picture mostly stay together and its encoding is reused.
package struct Shard: Sendable, Equatable, CustomStringConvertible {
  /// From 1 to `count`.
  package let number: Int
  package let count: Int

  /// All questions.
  package static let whole = Shard(number: 1, count: 1)

  private init(number: Int, count: Int) {
    self.number = number
    self.count = count
  }

  /// Reads `i/n`.
  ///
  /// - Throws: `EvaluationError.notAShard` unless 1 ≤ i ≤ n.
  package init(_ text: String) throws(EvaluationError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1], number >= 1, number <= count else {
      throw .notAShard(text: text)
    }
    self.init(number: number, count: count)
  }

  package var description: String { "\(number)/\(count)" }

  /// The indices of this part of `total` questions; sizes differ by at most one.
  package func range(of total: Int) -> Range<Int> {
    bound(number - 1, of: total)..<bound(number, of: total)
  }

  /// ⌊total·place/count⌋, without overflow for any `count`.
  private func bound(_ place: Int, of total: Int) -> Int {
    let product = total.multipliedFullWidth(by: place)
    return count.dividingFullWidth(product).quotient
  }
}

/// What keeps an experiment from going on, as one sentence that names the file, the picture or the question.
package struct ExperimentError: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

package import Tensor

/// How far logits went from one run's to another's: 0 stayed, 1 arrived.
package enum CausalScale: String, Sendable, Hashable, Encodable {
  /// By the difference of the logits of the two runs' own answers (Zhang & Nanda, arXiv 2309.16042).
  case logitDifference = "LD"
  /// By the part of the change of all logits, centred, that goes where the other run's is: ⟨Δ, Δ_other⟩/‖Δ_other‖².
  case projection = "E"

  /// The two answers' tokens, from and to.
  package typealias Answers = (from: Int, to: Int)

  /// Logit differences closer than this are no scale.
  package static let smallestDifference = 0.5
  /// Below this the runs' logits are the same, in nats of KL.
  package static let smallestDivergence = 1e-6

  /// `logitDifference` where the answers differ by enough, else `projection`; nil where the two runs' logits are the same.
  package static func between(_ from: Tensor, _ to: Tensor, answers: Answers) -> CausalScale? {
    let width = lead(from, answers) - lead(to, answers)
    if answers.from != answers.to, abs(width) >= smallestDifference { return .logitDifference }
    return Divergence.kl(reference: from, changed: to) < smallestDivergence ? nil : .projection
  }

  /// The share of the way from `from` `[vocab]` to `to` at which `patched` is; beyond 0…1 where it overshoots.
  package func share(_ patched: Tensor, from: Tensor, to: Tensor, answers: Answers) -> Double {
    switch self {
    case .logitDifference:
      let start = Self.lead(from, answers)
      return (Self.lead(patched, answers) - start) / (Self.lead(to, answers) - start)
    case .projection:
      let (change, whole) = (Self.change(from, patched), Self.change(from, to))
      let square = whole.reduce(0) { $0 + $1 * $1 }
      return square > 0 ? zip(change, whole).reduce(0) { $0 + $1.0 * $1.1 } / square : 0
    }
  }

  /// logit(from's answer) − logit(to's answer).
  package static func lead(_ logits: Tensor, _ answers: Answers) -> Double {
    Double(logits.values[answers.from]) - Double(logits.values[answers.to])
  }

  /// b − a without its mean, which no softmax sees.
  private static func change(_ a: Tensor, _ b: Tensor) -> [Double] {
    let difference = zip(a.values, b.values).map { Double($1) - Double($0) }
    let centre = difference.reduce(0, +) / Double(max(1, difference.count))
    return difference.map { $0 - centre }
  }
}

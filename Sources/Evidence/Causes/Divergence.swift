import Foundation
package import Tensor

/// How far two distributions or vectors are apart.
package enum Divergence {
  /// ln softmax of logits `[vocab]`, in double.
  package static func logSoftmax(_ logits: Tensor) -> [Double] {
    let values = logits.values.map(Double.init)
    let largest = values.max() ?? 0
    let normalizer = largest + log(values.reduce(0) { $0 + exp($1 - largest) })
    return values.map { $0 - normalizer }
  }

  /// KL(softmax(reference) ‖ softmax(changed)) in nats, never below 0.
  package static func kl(reference: Tensor, changed: Tensor) -> Double {
    precondition(reference.count == changed.count)
    let (p, q) = (logSoftmax(reference), logSoftmax(changed))
    return max(0, zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) })
  }

  /// Σ p ln(p/q) in nats of two distributions; infinite where q is 0 and p is not.
  package static func kl(_ p: [Double], _ q: [Double]) -> Double {
    precondition(p.count == q.count)
    return zip(p, q).reduce(0) { sum, pair in
      guard pair.0 > 0 else { return sum }
      return pair.1 > 0 ? sum + pair.0 * log(pair.0 / pair.1) : .infinity
    }
  }

  /// Jensen–Shannon divergence of two distributions in bits, 0…1.
  package static func jensenShannon(_ p: [Double], _ q: [Double]) -> Double {
    let middle = zip(p, q).map { ($0 + $1) / 2 }
    return (kl(p, middle) + kl(q, middle)) / 2 / M_LN2
  }

  /// By how much the lead of `token` over the best other token grows, in logits: negative when the change hurts the answer.
  package static func leadChange(reference: Tensor, changed: Tensor, token: Int) -> Double {
    lead(changed, token) - lead(reference, token)
  }

  /// The logit of `token` minus the largest of the others.
  private static func lead(_ logits: Tensor, _ token: Int) -> Double {
    var best = -Double.infinity
    for (index, value) in logits.values.enumerated() where index != token { best = max(best, Double(value)) }
    return Double(logits.values[token]) - best
  }

  /// The cosine of two vectors; 0 if one is zero.
  package static func cosine(_ a: Tensor, _ b: Tensor) -> Double {
    precondition(a.count == b.count)
    var (dot, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a.values, b.values) {
      dot += Double(x) * Double(y)
      aa += Double(x) * Double(x)
      bb += Double(y) * Double(y)
    }
    return aa > 0 && bb > 0 ? dot / (aa * bb).squareRoot() : 0
  }
}

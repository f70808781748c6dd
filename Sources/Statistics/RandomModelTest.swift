/// How unusual an effect is among the effects of randomly weighted models: is what is seen learned, or does the
/// architecture give it for nothing?
package struct RandomModelTest: Sendable, Hashable {
  package enum Method: String, Sendable, Hashable {
    /// (1 + models that reach the effect) / (1 + models): exact if the tested model is itself random.
    case rank
    /// Student's t prediction of one more random model, for when there are too few for a rank.
    case prediction
  }

  package let pValue: Double
  package let method: Method
  package let models: Int
  /// Models that reach the effect.
  package let reached: Int

  /// - Parameters:
  ///   - effect: of the model under test, on an additive scale (a logarithm).
  ///   - random: the same of each randomly weighted model, on the same pictures.
  ///   - level: what the p-value will be compared with: decides whether ranks suffice.
  /// `nil` below five models.
  package init?(effect: Double, random: [Double], level: Double) {
    guard random.count >= 5 else { return nil }
    models = random.count
    reached = random.count { $0 >= effect }
    let rank = Double(1 + reached) / Double(1 + models)
    let moments = Moments(random)
    guard 1 / Double(1 + models) > level, moments.standardDeviation > 0 else {
      pValue = rank
      method = .rank
      return
    }
    let t = (effect - moments.mean) / (moments.standardDeviation * (1 + 1 / Double(models)).squareRoot())
    pValue = StudentDistribution.upperTail(t, degrees: Double(models - 1))
    method = .prediction
  }
}

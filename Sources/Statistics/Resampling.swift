/// Draws of as many units as there are, with replacement (Efron & Tibshirani 1993).
package struct Resampling: Sendable, Hashable {
  /// What is drawn from: pictures, as the questions about one are not independent.
  package let units: Int
  package let draws: Int

  package init(units: Int, draws: Int) {
    precondition(units >= 0 && draws > 0, "a resampling has draws")
    self.units = units
    self.draws = draws
  }

  /// Calls `body` with the units of each draw, in the order in which they were drawn.
  package func forEach(_ generator: SplitMix64, _ body: (_ units: UnsafeBufferPointer<Int>) -> Void) {
    var generator = generator
    withUnsafeTemporaryAllocation(of: Int.self, capacity: units) { drawn in
      drawn.initialize(repeating: 0)
      for _ in 0..<draws {
        for place in 0..<units { drawn[place] = generator.below(units) }
        body(UnsafeBufferPointer(drawn))
      }
    }
  }
}

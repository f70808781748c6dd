import Foundation
import Statistics

/// The thresholds of the verdicts, fixed before the data are seen and printed with every verdict.
package struct VerdictRule: Sendable, Hashable, Codable {
  /// The smallest lift worth the word "prioritises".
  package var minimumLift = 1.25
  /// The smallest part of the answer's way to a donor's that is worth the word "causes".
  package var minimumEffect = 0.05
  /// Of the intervals, before it is divided among voco tokens and prompts.
  package var error = 0.05
  /// Under this many pictures the verdict is an anecdote.
  package var anecdoteBelow = 30
  /// Pictures outside the majority answer that a cause needs.
  package var fewestOutsideMajority = 10
  /// Pairs whose whole way is shorter are left out of the logit difference's effect.
  package var smallestDenominator = 0.5
  /// The part of pairs that may be left out so.
  package var mostLeftOut = 0.2
  /// A KL below this many times the noise of a rerun, or below `smallestKL`, is none.
  package var noiseMultiple = 10.0
  package var smallestKL = 1e-6
  /// A geometric mean KL of cut edges above this is "large", in nats.
  package var largePresence = 0.01
  /// Anchors suffice from this part of the answer that stays with them.
  package var sufficient = 0.5
  /// "The donor's answer arrives" is said from this effect.
  package var arrives = 0.9
  package var randomModels = 39

  package init() {}

  var logMinimumLift: Double { log(minimumLift) }

  /// The rule of a claim in words.
  package func sentence(_ tier: EvidenceTier, anchors: Int, patches: Int) -> String {
    switch tier {
    case .attends: attendsSentence(anchors, patches)
    case .contributes: contributesSentence(anchors, patches)
    case .causes: causesSentence(anchors)
    }
  }

  private var decision: String {
    let bound = "×\(decimal(minimumLift, digits: 2))"
    return
      "The lower of it and the same-position lift decides. Yes: its interval lies above \(bound) and no model of permuted "
      + "weights reaches it (\(randomModels) models, p = 1/\(randomModels + 1)). No: the interval lies below \(bound). Else, and "
      + "under \(anecdoteBelow) pictures, undecided. Untrained parts: never yes."
  }

  private func attendsSentence(_ anchors: Int, _ patches: Int) -> String {
    "Lift = (anchor share/\(anchors))/(patch share/\(patches)) of the softmax weights, means over live layers and heads, "
      + "geometric mean over pictures, bootstrap-t interval. " + decision
  }

  private func contributesSentence(_ anchors: Int, _ patches: Int) -> String {
    "The same lift of α·‖(v − v_donor)·W_o‖/√2, root-mean-square over donor pictures: a vector that is the same in every "
      + "picture carries nothing. " + decision
  }

  private func causesSentence(_ anchors: Int) -> String {
    let bound = decimal(minimumEffect, digits: 2)
    return
      "Effect = the part of the answer's way to a donor picture's answer that putting the donor's values of the \(anchors) anchors "
      + "into voco's edges goes (LD: logit difference of the two answers; E: projection of all logits), ratio of sums over "
      + "pairs, bootstrap over pictures and donors. Yes: its interval lies above \(bound), it exceeds as many random, most attended, "
      + "largest-norm and nearest patches of the same donor, and no model of permuted weights moves the answer as far. No: "
      + "both LD's and E's intervals lie inside ±\(bound). Else, under \(anecdoteBelow) pictures, or with fewer than "
      + "\(fewestOutsideMajority) pictures outside the majority answer, undecided. Untrained parts: never yes."
  }
}

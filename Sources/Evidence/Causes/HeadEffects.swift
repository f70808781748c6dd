import Statistics

/// A head of one voco token in a live layer, each from 0.
package struct HeadPlace: Sendable, Hashable, Codable {
  package let voco: Int
  package let layer: Int
  package let head: Int

  package init(voco: Int, layer: Int, head: Int) {
    self.voco = voco
    self.layer = layer
    self.head = head
  }

  /// `layer 2 head 1`, from 1; of the last layer, which nobody reads, there is none.
  package var name: String { "layer \(layer + 1) head \(head + 1)" }
}

/// The heads whose causal effects are measured: those that look at the anchors most clearly in half of the pictures, so
/// that the other half, in which they are measured, has no part in the choice.
package struct HeadChoice: Sendable, Hashable {
  /// Largest statistic first.
  package let heads: [HeadPlace]

  package static let most = 16
  /// With fewer pictures in a run no heads are chosen.
  package static let fewestPictures = 12

  /// Whether a picture is one of those that choose: every second one.
  package static func chooses(_ picture: Int) -> Bool { picture.isMultiple(of: 2) }

  /// By the max-T statistic mean(x − ln 1.25)/(sd + 1e-6) of same-position logarithms.
  ///
  /// - Parameter cells: `[pictures][vocos][live layers · H]`.
  package init(cells: [[[Double]]], _ run: EvidenceRun, rule: VerdictRule = VerdictRule()) {
    let values = cells.map { vocos in vocos.joined().map { $0 - rule.logMinimumLift } }
    let statistics = MaxStatistic(values, flips: 0, seed: 0).statistics
    let perVoco = run.liveLayers * run.heads
    heads = statistics.indices.sorted { (statistics[$0], $1) > (statistics[$1], $0) }.prefix(Self.most).map { cell in
      HeadPlace(voco: cell / perVoco, layer: cell % perVoco / run.heads, head: cell % run.heads)
    }
  }
}

/// What single heads' edges to the anchors do in one picture that had no part in their choice.
package struct HeadEvidence: Sendable, Hashable, Codable {
  /// One donor whose answer differs.
  package struct Pair: Sendable, Hashable, Codable {
    package var donor: Int
    /// LD_before − LD_donor, and ‖Δ_donor‖²: what shifts are parts of.
    package var logitDifference: Double
    package var squaredNorm: Double
    /// By the anchors' values in one head's edges, each head apart, and last in all of them together.
    package var shifts: [EffectShift]

    package init(donor: Int, logitDifference: Double, squaredNorm: Double, shifts: [EffectShift]) {
      self.donor = donor
      self.logitDifference = logitDifference
      self.squaredNorm = squaredNorm
      self.shifts = shifts
    }
  }

  /// The picture's number in its run, from 0.
  package var index: Int
  package var heads: [HeadPlace]
  /// `[prompts][pairs]`.
  package var prompts: [[Pair]]

  package init(index: Int, heads: [HeadPlace], prompts: [[Pair]]) {
    self.index = index
    self.heads = heads
    self.prompts = prompts
  }
}

/// What single heads carry of what the anchors hold, asked one prompt.
package struct HeadEffects: Sendable, Hashable {
  package struct Head: Sendable, Hashable {
    package let place: HeadPlace
    /// Part of the answer's way to the donor's, with an interval that holds for all heads at once.
    package let effect: EffectEstimate
    /// The interval lies above the smallest effect of interest.
    package let isAbove: Bool

    package init(place: HeadPlace, effect: EffectEstimate, isAbove: Bool) {
      (self.place, self.effect, self.isAbove) = (place, effect, isAbove)
    }
  }

  /// The prompt's number, from 0.
  package let prompt: Int
  package let scale: EffectScale
  /// In the order of the choice.
  package let heads: [Head]
  /// All of the heads at once.
  package let together: EffectEstimate
  /// Pictures that chose the heads.
  package let chosenOn: Int
  /// Pairs of the other pictures.
  package let pairs: Int
  /// Of one head's interval: 1 − .05/(heads · prompts).
  package let confidence: Double
  package let bound: Double

  package init(
    prompt: Int, scale: EffectScale, heads: [Head], together: EffectEstimate, chosenOn: Int, pairs: Int,
    confidence: Double, bound: Double
  ) {
    (self.prompt, self.scale, self.heads, self.together) = (prompt, scale, heads, together)
    (self.chosenOn, self.pairs, self.confidence, self.bound) = (chosenOn, pairs, confidence, bound)
  }

  /// Pictures whose pairs the effects are of.
  package var n: Int { together.n }

  /// What was tried and what came out.
  package var sentence: String {
    let above = heads.filter(\.isAbove).map(\.place.name)
    let found =
      n < VerdictRule().anecdoteBelow
      ? "\(n) pictures are an anecdote"
      : above.isEmpty
        ? "none alone clearly moves the answer \(significant(bound)) of the way"
        : "\(above.count) alone \(above.count == 1 ? "moves" : "move") the answer more than \(significant(bound)) of the way ("
          + above.joined(separator: ", ") + ")"
    return
      "Of the \(heads.count) live heads that look at the anchors most clearly in \(chosenOn) pictures, tested in \(n) others, "
      + "\(found); all \(heads.count) together \(together.text) (\(scale.rawValue))."
  }
}

extension VerdictEngine {
  /// Effects of the chosen heads, a prompt; empty where none were measured or the answer does not depend on the picture.
  func headEffects(_ summary: EvidenceSummary, _ vocos: [VocoVerdict]) -> [HeadEffects] {
    guard let heads = summary.heads.first?.heads, !heads.isEmpty else { return [] }
    let prompts = summary.run.prompts.count
    let confidence = 1 - rule.error / Double(heads.count * prompts)
    return (0..<prompts).compactMap { prompt in
      guard let numbers = vocos.first?.numbers[prompt], numbers.dependsOnPicture else { return nil }
      let pairs = summary.heads.flatMap { picture in
        picture.prompts[prompt].map { (picture: picture.index, pair: $0) }
      }
      let all = pairs.map { picture, pair in
        (
          picture: picture,
          pair: PairEvidence(
            donor: pair.donor, logitDifference: pair.logitDifference, squaredNorm: pair.squaredNorm, shifts: [:],
            flip: .own)
        )
      }
      // A tail of .05/32 takes more draws than one of .025.
      guard let effects = CausalEffects(all, numbers.scale, self, confidence: confidence, draws: 10_000),
        let whole = CausalEffects(all, numbers.scale, self, confidence: 1 - rule.error / Double(prompts)),
        let together = whole.effect(of: pairs.map { $0.pair.shifts[heads.count] })
      else { return nil }
      let measured = heads.indices.compactMap { index -> HeadEffects.Head? in
        effects.effect(of: pairs.map { $0.pair.shifts[index] }).map {
          HeadEffects.Head(
            place: heads[index], effect: $0,
            isAbove: $0.n >= rule.anecdoteBelow && ($0.interval?.low ?? -.infinity) > rule.minimumEffect)
        }
      }
      return HeadEffects(
        prompt: prompt, scale: numbers.scale, heads: measured, together: together,
        chosenOn: summary.pictures.count { HeadChoice.chooses($0.index) }, pairs: pairs.count, confidence: confidence,
        bound: rule.minimumEffect)
    }
  }
}

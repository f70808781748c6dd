/// What one voco token does in one picture, whatever is asked.
package struct VocoEvidence: Sendable, Hashable, Codable {
  /// Sums over anchors and over patches of the mean softmax row.
  package var anchorShare: Double
  package var patchShare: Double
  package var attends: PriorityMeasurement
  /// `nil` for a single picture, which has no donors.
  package var contributes: ContributionMeasurement?
  /// ln lift of the raw α·‖v·W_o‖.
  package var rawContribution: Double
  /// `[live layers · H]`, each head's same-position logarithm, and its ln lift.
  package var cells: [Double]
  package var cellLifts: [Double]

  package init(
    anchorShare: Double, patchShare: Double, attends: PriorityMeasurement, contributes: ContributionMeasurement?,
    rawContribution: Double, cells: [Double], cellLifts: [Double]
  ) {
    self.anchorShare = anchorShare
    self.patchShare = patchShare
    self.attends = attends
    self.contributes = contributes
    self.rawContribution = rawContribution
    self.cells = cells
    self.cellLifts = cellLifts
  }
}

/// What depends on one voco token's edges to the anchors, of one picture and prompt.
package struct CausalEvidence: Sendable, Hashable, Codable {
  package var pairs: [PairEvidence]
  /// KL of the next-token distribution with the edges to the anchors cut, and the geometric mean of cuts of as many random
  /// patches, in nats.
  package var presence: Double
  package var matchedPresence: Double

  package init(pairs: [PairEvidence], presence: Double, matchedPresence: Double) {
    self.pairs = pairs
    self.presence = presence
    self.matchedPresence = matchedPresence
  }
}

/// One prompt to one picture.
package struct PromptEvidence: Sendable, Hashable, Codable {
  /// KL of a rerun in another batch, in nats.
  package var noise: Double
  /// KL(base → each donor picture) at the first token, in nats.
  package var donorKL: [Double]
  /// One a voco token.
  package var vocos: [CausalEvidence]

  package init(noise: Double, donorKL: [Double], vocos: [CausalEvidence]) {
    self.noise = noise
    self.donorKL = donorKL
    self.vocos = vocos
  }
}

/// All that a verdict keeps of one picture.
package struct PictureEvidence: Sendable, Hashable, Codable {
  /// The picture's number in its run, from 0.
  package var index: Int
  package var key: String
  package var name: String
  package var vocos: [VocoEvidence]
  package var prompts: [PromptEvidence]
  /// Of the last voco token, in the first pictures alone.
  package var row: VocoRow?
  package var spread: RowSpread?

  package init(
    index: Int, key: String, name: String, vocos: [VocoEvidence], prompts: [PromptEvidence], row: VocoRow?,
    spread: RowSpread?
  ) {
    self.index = index
    self.key = key
    self.name = name
    self.vocos = vocos
    self.prompts = prompts
    self.row = row
    self.spread = spread
  }
}

/// A blank picture and the picture whose mean colour it has: mean |ΔLD| of `content`, unnormalised, `[prompts][vocos]`.
package struct BlankEvidence: Sendable, Hashable, Codable {
  package var index: Int
  package var movement: [[Double]]

  package init(index: Int, movement: [[Double]]) {
    self.index = index
    self.movement = movement
  }
}

/// One model of the same shape whose matrices have their own entries permuted, on some pairs of pictures.
package struct RandomModelEvidence: Sendable, Hashable, Codable {
  package struct Pair: Sendable, Hashable, Codable {
    package var picture: Int
    package var donor: Int

    package init(picture: Int, donor: Int) {
      self.picture = picture
      self.donor = donor
    }
  }

  /// The seed of its permutations.
  package var number: Int
  /// The pictures whose attention was measured.
  package var pictures: [Int]
  /// `[prompts][pairs]`, the same in every model.
  package var pairs: [[Pair]]
  /// Mean same-position logarithm, the largest of any voco token.
  package var attends: Double
  package var contributes: Double
  /// Mean signed movement of the logit difference towards the donor by `content`, in logits, the largest of any voco token,
  /// a prompt: what the effect is a part of may be near zero in a random model, so that a ratio would have no scale.
  package var movement: [Double]

  package init(number: Int, pictures: [Int], pairs: [[Pair]], attends: Double, contributes: Double, movement: [Double])
  {
    self.number = number
    self.pictures = pictures
    self.pairs = pairs
    self.attends = attends
    self.contributes = contributes
    self.movement = movement
  }
}

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
  /// `[live layers]`, each layer's same-position logarithm, its heads pooled.
  package var layers: [Double]

  package init(
    anchorShare: Double, patchShare: Double, attends: PriorityMeasurement, contributes: ContributionMeasurement?,
    rawContribution: Double, cells: [Double], cellLifts: [Double], layers: [Double]
  ) {
    self.anchorShare = anchorShare
    self.patchShare = patchShare
    self.attends = attends
    self.contributes = contributes
    self.rawContribution = rawContribution
    self.cells = cells
    self.cellLifts = cellLifts
    self.layers = layers
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

/// A blank picture and the picture whose mean colour it has: mean |ΔLD| of `content`, unnormalized, `[prompts][vocos]`.
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

/// One picture's row of attention from voco to what is visual: the mean over live layers and heads of the softmax weights.
/// The rows of the first pictures are kept, to be shown as the paper shows them.
package struct VocoRow: Sendable, Hashable, Codable {
  /// The picture's number in its run, from 0.
  package var index: Int
  package var key: String
  package var name: String
  /// `[A]`, shares of all visible keys.
  package var anchors: [Double]
  /// `[P]`, in raster order.
  package var patches: [Double]

  package init(index: Int, key: String, name: String, anchors: [Double], patches: [Double]) {
    self.index = index
    self.key = key
    self.name = name
    self.anchors = anchors
    self.patches = patches
  }

  package init(_ attention: VocoAttention, index: Int, key: String, name: String) {
    let row = attention.row(AttentionQuery(), excluding: []) ?? []
    self.init(
      index: index, key: key, name: name, anchors: attention.layout.anchors.map { row[$0] },
      patches: attention.layout.patches.map { row[$0] })
  }

  /// Pictures whose rows are kept: as many as the paper's heat map has.
  package static let kept = 16
  /// Patches beside the anchors in the paper's heat map.
  package static let firstPatches = 12

  /// The formula of the values, as printed beside them.
  package static let formula =
    "mean over live layers and heads of the softmax weight; a patch's even share is "
    + "1/(visible keys)"
}

/// How one picture's row is spread, and where the anchors stand in it.
package struct RowSpread: Sendable, Hashable, Codable {
  /// −Σ p ln p over all visible keys in nats, mean over live layers and heads.
  package var entropy: Double
  /// exp of each head's entropy, mean over live layers and heads.
  package var effectiveKeys: Double
  /// Keys that voco sees, itself included.
  package var visibleKeys: Int
  /// `[A]`, 1 + the number of visible keys with a larger share, in the mean row over live layers and heads.
  package var anchorRanks: [Int]
  /// The anchors' share over A / (visible keys), the mask's own uniform baseline.
  package var liftOverUniform: Double

  package init(
    entropy: Double, effectiveKeys: Double, visibleKeys: Int, anchorRanks: [Int], liftOverUniform: Double
  ) {
    self.entropy = entropy
    self.effectiveKeys = effectiveKeys
    self.visibleKeys = visibleKeys
    self.anchorRanks = anchorRanks
    self.liftOverUniform = liftOverUniform
  }

  /// `nil` without anchors.
  package init?(_ attention: VocoAttention) {
    guard let view = AttentionView(attention, AttentionQuery()), let lift = view.shares.liftOverUniform else {
      return nil
    }
    let cells = attention.liveLayers.count * attention.heads
    let sum = { (statistic: CellStatistic) in
      attention.matrix(statistic)[attention.liveLayers].joined().reduce(0) { $0 + ($1 ?? 0) } / Double(cells)
    }
    self.init(
      entropy: sum(.entropy), effectiveKeys: sum(.effectiveKeys), visibleKeys: attention.layout.visible.count,
      anchorRanks: view.anchorRanks.compactMap { $0 }, liftOverUniform: lift)
  }
}

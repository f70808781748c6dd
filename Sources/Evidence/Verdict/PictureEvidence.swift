/// All scalars that a population verdict keeps of one picture: about sixty numbers, whatever the model's size.
package struct PictureEvidence: Sendable, Hashable, Codable {
  /// The SHA-256 of the picture's bytes: its identity when shards are merged, and the seed of its random draws.
  package var key: String
  package var name: String
  package var attends: PriorityMeasurement?
  package var contributes: PriorityMeasurement?
  package var causes: CausalMeasurement?
  /// ln lift of the last layer's rollout row.
  package var rolloutLogLift: Double?
  package var spread: RowSpread?

  package init(
    key: String, name: String, attends: PriorityMeasurement?, contributes: PriorityMeasurement? = nil,
    causes: CausalMeasurement? = nil, rolloutLogLift: Double? = nil, spread: RowSpread? = nil
  ) {
    self.key = key
    self.name = name
    self.attends = attends
    self.contributes = contributes
    self.causes = causes
    self.rolloutLogLift = rolloutLogLift
    self.spread = spread
  }

  /// The attention scalars of a picture.
  ///
  /// - Parameter moved: the same picture with the anchors in other positions.
  package init(
    key: String, name: String, attention: VocoAttention, moved: [VocoAttention] = [],
    causes: CausalMeasurement? = nil, sinkRule: SinkRule = SinkRule()
  ) {
    let layout = attention.layout
    let rollout = attention.rolloutRow(layer: attention.layers - 1)
    self.init(
      key: key, name: name,
      attends: PriorityMeasurement(attention, moved: moved, sinkRule: sinkRule),
      contributes: PriorityMeasurement(attention, moved: moved, normWeighted: true, sinkRule: sinkRule), causes: causes,
      rolloutLogLift: layout.anchors.isEmpty || layout.patches.isEmpty
        ? nil : rollout.map { AttentionShares(row: $0, layout: layout).logLift },
      spread: RowSpread(attention))
  }
}

/// A blank or noise picture's lift.
package struct BlankPicture: Sendable, Hashable, Codable {
  /// What it shows: "grey", "noise 1".
  package var name: String
  package var logLift: Double

  package init(name: String, logLift: Double) {
    self.name = name
    self.logLift = logLift
  }
}

/// The effects of one randomly weighted model of the same shape, on some of the pictures.
package struct RandomModelRun: Sendable, Hashable, Codable {
  /// The seed of its weights.
  package var seed: UInt64
  /// The keys of the pictures it saw: the model under test is compared on the same ones.
  package var pictures: [String]
  /// Mean ln lift of shares and of α·‖v·W_o‖.
  package var attends: Double?
  package var contributes: Double?
  /// Mean KL with the anchors cut.
  package var causes: Double?

  package init(seed: UInt64, pictures: [String], attends: Double?, contributes: Double?, causes: Double?) {
    self.seed = seed
    self.pictures = pictures
    self.attends = attends
    self.contributes = contributes
    self.causes = causes
  }
}

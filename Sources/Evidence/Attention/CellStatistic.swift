/// A number of one layer and head, for the layer × head matrix and the curve over layers.
package enum CellStatistic: String, Sendable, Hashable, Codable, CaseIterable {
  case anchorShare = "anchor share"
  case patchShare = "patch share"
  case prefixShare = "prefix share"
  case selfShare = "self share"
  /// Anchor share of the visual keys alone.
  case anchorShareOfVisual = "anchor share of visual"
  /// (anchor share/A)/(patch share/P).
  case lift
  /// Anchor share / (A/visible keys).
  case liftOverUniform = "anchor share over uniform"
  /// In nats.
  case entropy
  /// exp(entropy).
  case effectiveKeys = "effective keys"
  /// The anchors' part of α·‖v·W_o‖.
  case normWeightedShare = "norm-weighted anchor share"
  /// The lift of α·‖v·W_o‖.
  case normWeightedLift = "norm-weighted lift"

  /// The formula, as printed beside the numbers.
  package func formula(layout: KeyLayout) -> String {
    let (anchors, patches) = (layout.anchors.count, layout.patches.count)
    return switch self {
    case .anchorShare: "share of the \(anchors) anchors"
    case .patchShare: "share of the \(patches) patches"
    case .prefixShare: "share of the prefix"
    case .selfShare: "share of <voco> itself"
    case .anchorShareOfVisual: "anchor share/(anchor share + patch share)"
    case .lift: "lift = (anchor share/\(anchors))/(patch share/\(patches))"
    case .liftOverUniform: "anchor share/(\(anchors)/\(layout.visible.count) visible keys)"
    case .entropy: "−Σ p ln p over keys, nats"
    case .effectiveKeys: "exp(−Σ p ln p) over keys"
    case .normWeightedShare: "anchors' part of α·‖v·W_o‖"
    case .normWeightedLift: "lift of α·‖v·W_o‖ = (anchors/\(anchors))/(patches/\(patches))"
    }
  }

  /// What uniform attention over the visible keys gives; `nil` if that depends on the values.
  package func uniform(layout: KeyLayout) -> Double? {
    let visible = Double(layout.visible.count)
    return switch self {
    case .anchorShare: layout.uniformAnchorShare
    case .patchShare: Double(layout.patches.count) / visible
    case .prefixShare: Double(layout.prefix.count) / visible
    case .selfShare: 1 / visible
    case .anchorShareOfVisual: layout.uniformAnchorShareOfVisual
    case .lift, .liftOverUniform: 1
    case .entropy: Evidence.entropy([Double](repeating: 1, count: layout.visible.count))
    case .effectiveKeys: visible
    case .normWeightedShare, .normWeightedLift: nil
    }
  }

  /// The statistic of shares; `nil` where it is undefined or needs the whole row.
  func value(_ shares: AttentionShares) -> Double? {
    switch self {
    case .anchorShare, .normWeightedShare: shares.anchors
    case .patchShare: shares.patches
    case .prefixShare: shares.prefix
    case .selfShare: shares.itself
    case .anchorShareOfVisual: shares.anchorsOfVisual
    case .lift, .normWeightedLift: shares.lift
    case .liftOverUniform: shares.liftOverUniform
    case .entropy, .effectiveKeys: nil
    }
  }
}

extension VocoAttention {
  /// One statistic of one head; `nil` where it is undefined or the trace holds no value norms for it.
  package func value(_ statistic: CellStatistic, layer: Int, head: Int, excluding sinks: Set<Int> = []) -> Double? {
    switch statistic {
    case .entropy: Evidence.entropy(row(layer: layer, head: head))
    case .effectiveKeys: effectiveCount(row(layer: layer, head: head))
    case .normWeightedShare, .normWeightedLift:
      normWeightedRow(layer: layer, head: head).flatMap {
        statistic.value(AttentionShares(row: $0, layout: layout, excluding: sinks))
      }
    default: statistic.value(shares(layer: layer, head: head, excluding: sinks))
    }
  }

  /// `[L][H]`, one statistic of every head.
  package func matrix(_ statistic: CellStatistic, excluding sinks: Set<Int> = []) -> [[Double?]] {
    (0..<layers).map { layer in
      (0..<heads).map { value(statistic, layer: layer, head: $0, excluding: sinks) }
    }
  }

  /// `[L]`, the statistic of each layer's head-averaged shares (entropy and effective keys: the mean over heads).
  package func curve(_ statistic: CellStatistic, excluding sinks: Set<Int> = []) -> [Double?] {
    (0..<layers).map { layer in
      let weighted = statistic == .normWeightedShare || statistic == .normWeightedLift
      if statistic == .entropy || statistic == .effectiveKeys {
        let values = (0..<heads).compactMap { value(statistic, layer: layer, head: $0) }
        return values.reduce(0, +) / Double(heads)
      }
      let rows = (0..<heads).compactMap {
        weighted ? normWeightedRow(layer: layer, head: $0) : row(layer: layer, head: $0)
      }
      guard rows.count == heads else { return nil }
      let shares = rows.map { AttentionShares(row: $0, layout: layout, excluding: sinks) }
      return statistic.value(.mean(shares))
    }
  }

  /// `[H]` and one number: the statistic of each head's shares averaged over the live layers, and of all of them
  /// (entropy and effective keys: the means).
  package func headCurve(
    _ statistic: CellStatistic, excluding sinks: Set<Int> = []
  ) -> (heads: [Double?], whole: Double?) {
    if statistic == .entropy || statistic == .effectiveKeys {
      let means = (0..<heads).map { head in
        liveLayers.reduce(0) { $0 + (value(statistic, layer: $1, head: head) ?? 0) } / Double(liveLayers.count)
      }
      return (means, means.reduce(0, +) / Double(heads))
    }
    let weighted = statistic == .normWeightedShare || statistic == .normWeightedLift
    let shares = (0..<heads).map { head in
      liveLayers.compactMap { layer in
        (weighted ? normWeightedRow(layer: layer, head: head) : row(layer: layer, head: head)).map {
          AttentionShares(row: $0, layout: layout, excluding: sinks)
        }
      }
    }
    guard shares.allSatisfy({ !$0.isEmpty }), !shares.isEmpty else {
      return ([Double?](repeating: nil, count: heads), nil)
    }
    return (shares.map { statistic.value(.mean($0)) }, statistic.value(.mean(shares.flatMap { $0 })))
  }
}

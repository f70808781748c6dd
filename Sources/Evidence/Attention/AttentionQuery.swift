/// What a key's number means.
package enum AttentionMetric: String, Sendable, Hashable, Codable, CaseIterable {
  /// The softmax weight.
  case share
  /// The softmax weight over the mean weight of a patch.
  case lift
  /// α·‖v·W_o‖ of each head, normalised over its keys (Kobayashi et al., arXiv 2004.10102).
  case normWeighted = "norm-weighted"
  /// Attention rollout (Abnar & Zuidema, arXiv 2005.00928).
  case rollout

  /// The metric after this one, for a key that steps through them.
  package var next: AttentionMetric {
    let all = AttentionMetric.allCases
    return all[(all.firstIndex(of: self)! + 1) % all.count]
  }
}

/// One layer, or the mean over all.
package enum LayerSelection: Sendable, Hashable, Codable {
  case all
  case single(Int)
}

/// How the heads of a layer become one row.
package enum HeadSelection: Sendable, Hashable, Codable {
  case mean
  /// The largest value of any head, key by key.
  case max
  case single(Int)
}

/// Which numbers of the voco row are looked at.
package struct AttentionQuery: Sendable, Hashable, Codable {
  package var layer: LayerSelection
  package var head: HeadSelection
  package var metric: AttentionMetric
  /// Sinks and the prefix are left out and the rest of each row is renormalised.
  package var hidesSinks: Bool
  /// Only anchors and patches are kept and each row is renormalised over them.
  package var visualOnly: Bool

  package init(
    layer: LayerSelection = .all, head: HeadSelection = .mean, metric: AttentionMetric = .share,
    hidesSinks: Bool = false, visualOnly: Bool = false
  ) {
    self.layer = layer
    self.head = head
    self.metric = metric
    self.hidesSinks = hidesSinks
    self.visualOnly = visualOnly
  }

  /// The formula of the numbers, as printed beside them; layers and heads count from 1.
  package func formula(layout: KeyLayout) -> String {
    if metric == .rollout {
      let range =
        switch layer {
        case .all: "the live layers"
        case .single(let index): index == 0 ? "layer 1" : "layers 1–\(index + 1)"
        }
      return "rollout through \(range), heads averaged, residual ½" + suffix
    }
    let unit = metric == .normWeighted ? "α·‖v·W_o‖ / Σ over keys" : "share"
    let row = aggregation + unit + suffix
    guard metric == .lift else { return row }
    return "lift = (anchor share/\(layout.anchors.count))/(patch share/\(layout.patches.count)), \(row)"
  }

  private var aggregation: String {
    switch (layer, head) {
    case (.all, .mean): "mean over live layers and heads of "
    case (.all, .max): "mean over live layers of max over heads of "
    case (.all, .single(let head)): "mean over live layers of head \(head + 1)'s "
    case (.single, .mean): "mean over heads of "
    case (.single, .max): "max over heads of "
    case (.single, .single): ""
    }
  }

  private var suffix: String {
    switch (visualOnly, hidesSinks) {
    case (false, false): ""
    case (true, false): ", of visual keys alone"
    case (false, true): ", without sinks"
    case (true, true): ", of visual keys alone, without sinks"
    }
  }
}

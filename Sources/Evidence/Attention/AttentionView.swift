/// What a key's number means.
package enum AttentionMetric: String, Sendable, Hashable, Codable, CaseIterable {
  /// The softmax weight.
  case share
  /// The softmax weight over the mean weight of a patch.
  case lift
  /// α·‖v·W_o‖ of each head, normalized over its keys (Kobayashi et al., arXiv 2004.10102).
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
  /// Sinks and the prefix are left out and the rest of each row is renormalized.
  package var hidesSinks: Bool
  /// Only anchors and patches are kept and each row is renormalized over them.
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
    return "lift = a key's share/(patch share/\(layout.patches.count)), \(row)"
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

/// The voco row under one choice of layer, head and metric: what the heat map, the anchor strip and the status line
/// show.
package struct AttentionView: Sendable {
  package let query: AttentionQuery
  package let layout: KeyLayout
  /// `[S]`, in the metric's unit; 0 where nothing is shown.
  package let values: [Double]
  /// `[S]`: visible, and not left out as a sink or a non-visual key.
  package let shown: [Bool]
  /// The keys that the sink rule names here, whether hidden or not, ascending.
  package let sinks: [Int]
  /// The shares behind the values: of the softmax, the norm-weighted or the rollout row.
  package let shares: AttentionShares
  /// The smallest and largest value of a shown visual key; 0…0 if there is none.
  package let range: ClosedRange<Double>
  /// What every shown key would have if all were attended alike: 1 in lift, else 1 / (shown keys).
  package let uniform: Double
  /// `[S]`, the row behind the values, before the metric's scaling.
  private let row: [Double]
  /// Values of the shown keys, descending, for ranks.
  private let ordered: [Double]

  /// `nil` if the trace holds no such metric, or the layer or head does not exist.
  package init?(_ attention: VocoAttention, _ query: AttentionQuery, sinkRule: SinkRule = SinkRule()) {
    if case .single(let layer) = query.layer, !(0..<attention.layers).contains(layer) { return nil }
    if case .single(let head) = query.head, !(0..<attention.heads).contains(head) { return nil }
    let layout = attention.layout
    let sinks = attention.sinks(query.layer, rule: sinkRule)
    let excluded = query.excludedKeys(layout: layout, sinks: sinks)
    guard let row = attention.row(query, excluding: excluded) else { return nil }
    let shares = AttentionShares(row: row, layout: layout, excluding: excluded, renormalizing: false)
    var scale = 1.0
    if query.metric == .lift {
      guard shares.patchCount > 0 else { return nil }
      let kept = layout.patches.filter { !excluded.contains($0) }
      let mean = kept.reduce(0) { $0 + row[$1] } / Double(kept.count)
      scale = mean > 0 ? 1 / max(mean, smallestShare) : 0
    }
    var shown = [Bool](repeating: false, count: layout.length)
    for key in layout.visible where !excluded.contains(key) { shown[key] = true }
    self.query = query
    self.layout = layout
    self.sinks = sinks
    self.shares = shares
    self.row = row
    self.shown = shown
    values = row.map { $0 * scale }
    uniform = query.metric == .lift ? 1 : 1 / Double(max(1, shown.count { $0 }))
    let visual = (layout.anchors + layout.patches).filter { shown[$0] }.map { row[$0] * scale }
    range = (visual.min() ?? 0)...(visual.max() ?? 0)
    ordered = layout.visible.filter { shown[$0] }.map { row[$0] * scale }.sorted(by: >)
  }

  /// `[A]`, one value an anchor.
  package var anchorValues: [Double] { layout.anchors.map { values[$0] } }

  /// `[P]`, one value a patch, in raster order of a `patchGrid` × `patchGrid` picture.
  package var patchValues: [Double] { layout.patches.map { values[$0] } }

  /// `[A]`, the rank of each anchor among the shown keys; `nil` for one left out.
  package var anchorRanks: [Int?] { layout.anchors.map { rank(of: $0) } }

  /// How many keys are shown: the denominator of a rank.
  package var shownCount: Int { ordered.count }

  /// 1 + the number of shown keys with a larger value; `nil` for a key that is not shown.
  package func rank(of key: Int) -> Int? {
    guard shown[key] else { return nil }
    var (low, high) = (0, ordered.count)
    while low < high {
      let middle = (low + high) / 2
      if ordered[middle] > values[key] { low = middle + 1 } else { high = middle }
    }
    return low + 1
  }

  /// The key's weight over the mean weight of a patch, that floored at `smallestShare`; `nil` if the key is not shown or
  /// no patch is attended.
  package func lift(of key: Int) -> Double? {
    let kept = layout.patches.count { shown[$0] }
    guard shown[key], kept > 0 else { return nil }
    let mean = layout.patches.reduce(0) { shown[$1] ? $0 + row[$1] : $0 } / Double(kept)
    return mean > 0 ? row[key] / max(mean, smallestShare) : nil
  }

  /// −Σ p ln p over the shown keys, in nats.
  package var entropy: Double { Evidence.entropy(row) }

  /// exp(entropy): over how many keys the row spreads.
  package var effectiveKeys: Double { effectiveCount(row) }

  /// The formula of the values, as printed beside them.
  package var formula: String { query.formula(layout: layout) }
}

extension AttentionQuery {
  /// The visible keys that this query leaves out.
  package func excludedKeys(layout: KeyLayout, sinks: [Int]) -> Set<Int> {
    var excluded = hidesSinks ? Set(sinks) : []
    if visualOnly {
      excluded.formUnion(layout.prefix)
      excluded.insert(layout.query)
    }
    return excluded
  }
}

extension VocoAttention {
  /// The aggregated row of a query, `[S]`, each head's row renormalized without `excluded` keys first; `nil` if the
  /// trace holds no such metric.
  package func row(_ query: AttentionQuery, excluding excluded: Set<Int>) -> [Double]? {
    if query.metric == .rollout {
      let layer = if case .single(let layer) = query.layer { layer } else { liveLayers.upperBound - 1 }
      return rolloutRow(layer: layer).map { renormalised($0, excluding: excluded) }
    }
    if query.metric == .normWeighted, valueNorms == nil { return nil }
    let chosen = layers(of: query.layer)
    var sum = [Double](repeating: 0, count: layout.length)
    for layer in chosen {
      let row = layerRow(layer, query, excluding: excluded)
      for key in sum.indices { sum[key] += row[key] }
    }
    return sum.map { $0 / Double(chosen.count) }
  }

  private func layerRow(_ layer: Int, _ query: AttentionQuery, excluding excluded: Set<Int>) -> [Double] {
    let headRow = { (head: Int) -> [Double] in
      let row = query.metric == .normWeighted ? normWeightedRow(layer: layer, head: head) : nil
      return renormalised(row ?? self.row(layer: layer, head: head), excluding: excluded)
    }
    if case .single(let head) = query.head { return headRow(head) }
    var result = headRow(0)
    for head in 1..<max(1, heads) {
      let row = headRow(head)
      if query.head == .max {
        for key in result.indices { result[key] = max(result[key], row[key]) }
      } else {
        for key in result.indices { result[key] += row[key] }
      }
    }
    return query.head == .max ? result : result.map { $0 / Double(heads) }
  }

  /// `row` with excluded keys at 0 and the rest summing to 1; unchanged if nothing is excluded.
  private func renormalised(_ row: [Double], excluding excluded: Set<Int>) -> [Double] {
    guard !excluded.isEmpty else { return row }
    var result = row
    for key in excluded { result[key] = 0 }
    let total = result.reduce(0, +)
    return total > 0 ? result.map { $0 / total } : result
  }
}

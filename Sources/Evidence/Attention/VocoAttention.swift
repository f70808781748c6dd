package import Tensor
package import Trace

/// The voco row of every layer and head, with what each key is: the source of every attention statistic.
package struct VocoAttention: Sendable {
  package let layout: KeyLayout
  package let layers: Int
  package let heads: Int
  /// `[L, H, S]`, softmax weights.
  package let attention: Tensor
  /// `[L, H, S]`, ‖v_j W_o‖ per head; `nil` if the trace holds none.
  package let valueNorms: Tensor?
  /// `[L, S]`, rollout through layers 0…l; `nil` if the trace holds none.
  package let rollout: Tensor?

  /// - Throws: `EvidenceError` if the decoder has not run or a tensor does not fit the sequence.
  package init(_ trace: Trace) throws(EvidenceError) {
    guard let language = trace.language else { throw .missing(stage: "decoder") }
    try self.init(
      layout: KeyLayout(trace), attention: language.attentionVoco, valueNorms: language.valueNorms,
      rollout: language.rolloutVoco)
  }

  /// - Throws: `EvidenceError.shape` if a tensor does not fit the layout.
  package init(
    layout: KeyLayout, attention: Tensor, valueNorms: Tensor? = nil, rollout: Tensor? = nil
  ) throws(EvidenceError) {
    guard attention.rank == 3, attention.shape[2] == layout.length, attention.count > 0 else {
      throw .shape(tensor: "attention.voco", found: attention.shape, expected: "[L, H, \(layout.length)]")
    }
    if let valueNorms, valueNorms.shape != attention.shape {
      throw .shape(tensor: "value_norms.voco", found: valueNorms.shape, expected: "\(attention.shape)")
    }
    if let rollout, rollout.shape != [attention.shape[0], layout.length] {
      throw .shape(tensor: "rollout.voco", found: rollout.shape, expected: "[\(attention.shape[0]), \(layout.length)]")
    }
    self.layout = layout
    self.attention = attention
    self.valueNorms = valueNorms
    self.rollout = rollout
    layers = attention.shape[0]
    heads = attention.shape[1]
  }

  /// The metrics that this trace can show.
  package var metrics: [AttentionMetric] {
    AttentionMetric.allCases.filter { metric in
      switch metric {
      case .share, .lift: true
      case .normWeighted: valueNorms != nil
      case .rollout: rollout != nil
      }
    }
  }

  /// The softmax row of one head, `[S]`.
  package func row(layer: Int, head: Int) -> [Double] {
    let offset = (layer * heads + head) * layout.length
    return attention.values[offset..<offset + layout.length].map(Double.init)
  }

  /// α·‖v·W_o‖ of one head normalised over its keys, `[S]`; `nil` without value norms.
  package func normWeightedRow(layer: Int, head: Int) -> [Double]? {
    guard let norms = valueNorms?.values else { return nil }
    let offset = (layer * heads + head) * layout.length
    var row = self.row(layer: layer, head: head)
    for key in row.indices { row[key] *= Double(norms[offset + key]) }
    let total = row.reduce(0, +)
    return total > 0 ? row.map { $0 / total } : row
  }

  /// The rollout row after `layer`, `[S]`; `nil` without rollout.
  package func rolloutRow(layer: Int) -> [Double]? {
    rollout.map { $0.values[layer * layout.length..<(layer + 1) * layout.length].map(Double.init) }
  }

  /// The shares of one head's softmax row.
  package func shares(layer: Int, head: Int, excluding sinks: Set<Int> = []) -> AttentionShares {
    AttentionShares(row: row(layer: layer, head: head), layout: layout, excluding: sinks)
  }

  /// The layers whose attention somebody reads. Text reads voco's keys and values, which are made from the state that
  /// enters a layer, so what voco attends to in the last layer is read by nobody; a predicting token uses all.
  package var liveLayers: Range<Int> { 0..<(layout.isVoco && layers > 1 ? layers - 1 : layers) }

  /// The layers of a selection, ascending; of all, those that are live.
  package func layers(of selection: LayerSelection) -> [Int] {
    switch selection {
    case .all: Array(liveLayers)
    case .single(let layer): [layer]
    }
  }
}

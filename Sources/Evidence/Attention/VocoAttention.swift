import Foundation
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

  /// α·‖v·W_o‖ of one head normalized over its keys, `[S]`; `nil` without value norms.
  package func normWeightedRow(layer: Int, head: Int) -> [Double]? {
    guard let norms = valueNorms?.values else { return nil }
    let offset = (layer * heads + head) * layout.length
    var row = self.row(layer: layer, head: head)
    for key in row.indices { row[key] *= Double(norms[offset + key]) }
    let total = row.reduce(0, +)
    return total > 0 ? row.map { $0 / total } : row
  }

  /// The logarithm of what an anchor brings to voco over what a patch does: sums over the live layers' heads of α·‖v·W_o‖
  /// (Kobayashi et al., arXiv 2004.10102), what is the same in every picture included; `nil` without value norms or without
  /// both kinds of keys.
  package var logRawContribution: Double? {
    guard let norms = valueNorms?.values, !layout.anchors.isEmpty, !layout.patches.isEmpty else { return nil }
    func density(_ keys: [Int]) -> Double {
      var sum = 0.0
      for cell in liveLayers.lowerBound * heads..<liveLayers.upperBound * heads {
        for key in keys {
          let place = cell * layout.length + key
          sum += Double(attention.values[place]) * Double(norms[place])
        }
      }
      return max(sum / Double(keys.count), smallestShare)
    }
    return log(density(layout.anchors) / density(layout.patches))
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

  /// What a mean over the live layers is over: `all 4 layers`, or `layers 1–3 (live)` where nobody reads the last.
  package var liveWords: String {
    liveLayers.count == layers ? "all \(layers) layers" : "\(Self.firstLayers(liveLayers.count)) (live)"
  }

  /// The same where there is little room: `all 4`, `1–3, live`.
  package var shortLiveWords: String {
    liveLayers.count == layers ? "all \(layers)" : "\(Self.range(liveLayers.count)), live"
  }

  /// `layer 1`, `layers 1–3`.
  package static func firstLayers(_ count: Int) -> String { "layer\(count == 1 ? "" : "s") \(range(count))" }

  /// `1–3`, from 1.
  private static func range(_ count: Int) -> String { count == 1 ? "1" : "1–\(count)" }

  /// The layers of a selection, ascending; of all, those that are live.
  package func layers(of selection: LayerSelection) -> [Int] {
    switch selection {
    case .all: Array(liveLayers)
    case .single(let layer): [layer]
    }
  }
}

/// What a key is to the voco query.
package enum KeyRole: Sendable, Hashable {
  /// The anchor with this index, from 0.
  case anchor(Int)
  case patch(row: Int, column: Int)
  /// A visible key that is neither anchor, patch nor voco: bos, newline, text, the tower's CLS.
  case prefix
  /// A voco token before the one that asks.
  case earlierVoco
  /// The voco token that asks.
  case itself
  /// A key that the mask hides from the voco query.
  case unseen
}

/// Which keys of the voco row are anchors, patches and the rest, by the sequence's spans and the mask's own row.
package struct KeyLayout: Sendable, Hashable {
  /// S, all positions of the sequence.
  package let length: Int
  /// The position of the query: the last voco token, or in a model without voco the last of the prompt.
  package let query: Int
  /// `[S]`: what each key is to the query.
  package let roles: [KeyRole]
  /// Positions of the anchors that the query sees, ascending.
  package let anchors: [Int]
  /// Positions of the patches that the query sees, ascending, in raster order.
  package let patches: [Int]
  /// Positions of the visible keys that are neither anchors, patches nor voco.
  package let prefix: [Int]
  /// Positions of the voco tokens before the query.
  package let earlierVocos: [Int]
  /// What `prefix` is to the query: before a voco token it is the sequence's beginning, before a token of text it holds text too.
  package var prefixName: String { isVoco ? "prefix" : "text" }
  /// Positions of all visible keys, ascending.
  package let visible: [Int]
  /// Patches along one side of the picture.
  package let patchGrid: Int
  /// Whether the query is a voco token: then nobody reads what its last layer attends to.
  package let isVoco: Bool

  /// - Throws: `EvidenceError.missing` if the sequence is not laid out yet, `EvidenceError.shape` if the patches do not
  ///   fill rows of the grid.
  package init(_ trace: Trace) throws(EvidenceError) {
    guard let sequence = trace.sequence else { throw .missing(stage: "sequence") }
    try self.init(sequence, patchGrid: trace.model.patchGrid)
  }

  /// - Parameters:
  ///   - patchGrid: patches along one side.
  ///   - query: the token whose row it is; the inspected one unless told otherwise.
  package init(_ sequence: SequenceTrace, patchGrid: Int, query: Int? = nil) throws(EvidenceError) {
    let query = query ?? sequence.inspectedPosition
    var roles = [KeyRole](repeating: .prefix, count: sequence.length)
    for (index, key) in sequence.positions(of: .anchors).enumerated() { roles[key] = .anchor(index) }
    let patches = sequence.positions(of: .patches)
    guard patches.isEmpty || patchGrid > 0 && patches.count % patchGrid == 0 else {
      throw .shape(tensor: "patches", found: [patches.count], expected: "\(patchGrid)×\(patchGrid)")
    }
    for (index, key) in patches.enumerated() {
      roles[key] = .patch(row: index / patchGrid, column: index % patchGrid)
    }
    for key in sequence.positions(of: .voco) { roles[key] = .earlierVoco }
    for key in roles.indices where !sequence.allows(row: query, column: key) { roles[key] = .unseen }
    roles[query] = .itself
    self.init(roles: roles, query: query, patchGrid: patchGrid, isVoco: sequence.positions(of: .voco).contains(query))
  }

  /// - Parameter roles: `[S]`; `roles[query]` is `.itself`.
  package init(roles: [KeyRole], query: Int, patchGrid: Int, isVoco: Bool = true) {
    precondition(roles[query] == .itself)
    self.length = roles.count
    self.query = query
    self.roles = roles
    self.patchGrid = patchGrid
    self.isVoco = isVoco
    anchors = roles.indices.filter { if case .anchor = roles[$0] { true } else { false } }
    patches = roles.indices.filter { if case .patch = roles[$0] { true } else { false } }
    prefix = roles.indices.filter { roles[$0] == .prefix }
    earlierVocos = roles.indices.filter { roles[$0] == .earlierVoco }
    visible = roles.indices.filter { roles[$0] != .unseen }
  }

  /// A / (visible keys): the anchors' share if the query attended to all it sees alike.
  package var uniformAnchorShare: Double { Double(anchors.count) / Double(visible.count) }

  /// A / (A + P): the anchors' share of the visual keys if all were attended alike.
  package var uniformAnchorShareOfVisual: Double {
    anchors.isEmpty ? 0 : Double(anchors.count) / Double(anchors.count + patches.count)
  }
}

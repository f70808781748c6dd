package import Trace

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

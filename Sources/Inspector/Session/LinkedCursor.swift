package import TerminalUI
package import Trace

/// A place in the data that a cursor can stand on, or that a person can select.
package enum KeyReference: Sendable, Hashable, Comparable, Codable {
  /// An anchor by its number, from 0.
  case anchor(Int)
  /// A patch by its row-major index.
  case patch(Int)
  /// Any other key by its position in the sequence: bos, newline, voco or text.
  case position(Int)
}

/// The one cursor that all panels share: it stands in one place, and its shadows lie in every other panel.
///
/// Moving it anywhere moves the patch, the latent cell, the key and the mask cell together. A key that lies nowhere in
/// the picture (an anchor, a token) leaves the patch where it was.
package struct LinkedCursor: Sendable, Hashable, Codable {
  /// What the cursor was moved on last: what the status line reads out.
  package enum Place: String, Sendable, Hashable, Codable {
    case patch
    case anchor
    case code
    case token
    case edge
  }

  package var place: Place
  package var patch: GridPoint
  /// The cell of the latent grid.
  package var code: GridPoint
  /// The anchor, from 0.
  package var anchor: Int
  /// The key under the cursor.
  package var key: KeyReference
  /// The mask row as a position; `nil` is the voco row.
  package var query: Int?

  package init() {
    place = .patch
    patch = GridPoint(column: 0, row: 0)
    code = GridPoint(column: 0, row: 0)
    anchor = 0
    key = .patch(0)
    query = nil
  }
}

/// What links the cursor's shadows: the grids, and the sequence once it is known.
package struct CursorLinks: Sendable, Hashable {
  package let geometry: PictureGeometry
  package let anchors: Int
  package let sequence: SequenceIndex?

  package init(geometry: PictureGeometry, anchors: Int, sequence: SequenceIndex?) {
    self.geometry = geometry
    self.anchors = anchors
    self.sequence = sequence
  }

  package static func == (left: CursorLinks, right: CursorLinks) -> Bool {
    left.geometry == right.geometry && left.anchors == right.anchors && left.sequence == right.sequence
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(geometry)
    hasher.combine(anchors)
    hasher.combine(sequence?.length)
  }

  /// The position of a key in the sequence; `nil` before the sequence is known or when there is no such key.
  package func position(of key: KeyReference) -> Int? {
    guard let sequence else { return nil }
    switch key {
    case .anchor(let index): return sequence.anchors.indices.contains(index) ? sequence.anchors[index] : nil
    case .patch(let index): return sequence.patches.indices.contains(index) ? sequence.patches[index] : nil
    case .position(let position): return (0..<sequence.length).contains(position) ? position : nil
    }
  }

  /// What stands at a position of the sequence.
  package func reference(at position: Int) -> KeyReference {
    guard let sequence, (0..<sequence.length).contains(position) else { return .position(position) }
    switch sequence.kinds[position] {
    case .anchors: return .anchor(sequence.ordinals[position])
    case .patches: return .patch(sequence.ordinals[position])
    default: return .position(position)
    }
  }
}

extension LinkedCursor {
  /// The mask row as a position, once the sequence is known.
  package func queryPosition(_ links: CursorLinks) -> Int? {
    guard let sequence = links.sequence, sequence.length > 0 else { return nil }
    if let query { return min(max(0, query), sequence.length - 1) }
    return sequence.vocoPosition ?? sequence.length - 1
  }

  package mutating func moveToPatch(_ point: GridPoint, _ links: CursorLinks) {
    place = .patch
    setPatch(links.geometry.patches.clamp(point), links)
    key = .patch(links.geometry.patches.index(patch))
  }

  /// The patch is the one over the latent cell, and the key that patch's.
  package mutating func moveToCode(_ point: GridPoint, _ links: CursorLinks) {
    place = .code
    code = links.geometry.latent.clamp(point)
    patch = links.geometry.patch(ofLatent: code)
    key = .patch(links.geometry.patches.index(patch))
  }

  package mutating func moveToAnchor(_ index: Int, _ links: CursorLinks) {
    guard links.anchors > 0 else { return }
    place = .anchor
    anchor = min(max(0, index), links.anchors - 1)
    key = .anchor(anchor)
  }

  /// Any key by its reference; the place follows what it is.
  package mutating func move(to reference: KeyReference, _ links: CursorLinks) {
    switch reference {
    case .anchor(let index): moveToAnchor(index, links)
    case .patch(let index): moveToPatch(links.geometry.patches.point(max(0, index)), links)
    case .position(let position):
      let actual = links.reference(at: position)
      guard actual == reference else { return move(to: actual, links) }
      place = .token
      key = reference
    }
  }

  /// A cell of the mask: its column is the key, and the shadows follow the key.
  package mutating func moveToEdge(query row: Int, key column: Int, _ links: CursorLinks) {
    guard let sequence = links.sequence, sequence.length > 0 else { return }
    let last = sequence.length - 1
    move(to: links.reference(at: min(max(0, column), last)), links)
    query = min(max(0, row), last)
    place = .edge
  }

  /// The same cursor after the grids or the sequence changed: every shadow lies inside again.
  package mutating func relink(_ links: CursorLinks) {
    patch = links.geometry.patches.clamp(patch)
    code = links.geometry.latent.clamp(code)
    anchor = min(max(0, anchor), max(0, links.anchors - 1))
    query = query.map { row in links.sequence.map { min(max(0, row), max(0, $0.length - 1)) } ?? row }
    switch key {
    case .patch: key = .patch(links.geometry.patches.index(patch))
    case .anchor: key = .anchor(anchor)
    case .position(let position):
      guard let sequence = links.sequence, position < sequence.length else {
        return moveToPatch(patch, links)
      }
      key = links.reference(at: position)
    }
  }

  private mutating func setPatch(_ point: GridPoint, _ links: CursorLinks) {
    patch = point
    code = links.geometry.latent(ofPatch: point)
  }
}

/// The sequence turned around: from a patch or an anchor to its position, and from a position to what it is.
package struct SequenceIndex: Sendable, Equatable {
  package let length: Int
  /// Positions of the anchors, patches and voco tokens, ascending.
  package let anchors: [Int]
  package let patches: [Int]
  package let voco: [Int]
  /// Positions that are neither anchor nor patch, ascending.
  package let others: [Int]
  /// The segment kind of each position, and how many of its kind come before it.
  package let kinds: [SegmentKind]
  package let ordinals: [Int]

  package init(_ sequence: SequenceTrace) {
    let length = sequence.length
    var kinds = [SegmentKind](repeating: .text, count: length)
    var ordinals = [Int](repeating: 0, count: length)
    var counts: [SegmentKind: Int] = [:]
    for span in sequence.spans {
      for position in span.range where position < length {
        kinds[position] = span.kind
        ordinals[position] = counts[span.kind, default: 0]
        counts[span.kind, default: 0] += 1
      }
    }
    self.length = length
    self.kinds = kinds
    self.ordinals = ordinals
    anchors = (0..<length).filter { kinds[$0] == .anchors }
    patches = (0..<length).filter { kinds[$0] == .patches }
    voco = (0..<length).filter { kinds[$0] == .voco }
    others = (0..<length).filter { kinds[$0] != .anchors && kinds[$0] != .patches }
  }

  /// The query that `attention.voco` belongs to.
  package var vocoPosition: Int? { voco.last }
}

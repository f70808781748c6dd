package import ColorMaps
import Evidence
package import Tensor
package import TerminalUI
package import Trace

/// The quantizer's codebooks, read from the checkpoint: a trace does not hold them.
package struct CodebookView: Sendable, Equatable {
  /// One `[K/G, C/G]` tensor a group, each row L2-normalised.
  package let groups: [Tensor]
  /// One colour per code of each group, from its vector: near codes look alike, and none says "more".
  package let colors: [[Color]]

  package init(groups: [Tensor]) {
    precondition(groups.allSatisfy { $0.rank == 2 })
    self.groups = groups
    colors = groups.map { CategoricalColors(components: PrincipalPlane($0).points.map { [$0.x, $0.y] }).colors }
  }
}

/// How clearly a latent vector chose its code.
package struct CodeChoice: Sendable, Equatable {
  /// The nearest codes, nearest first, with their Euclidean distance to the normalised latent vector (0…2).
  package let nearest: [(code: Int, distance: Double)]

  /// The distance of the second nearest minus that of the nearest: 0 is a coin's toss.
  package var margin: Double? { nearest.count < 2 ? nil : nearest[1].distance - nearest[0].distance }

  package static func == (left: CodeChoice, right: CodeChoice) -> Bool {
    left.nearest.elementsEqual(right.nearest) { $0 == $1 }
  }

  /// The `count` nearest codes of a group's latent vector at a cell; `nil` when the codebook does not fit the trace.
  package init?(_ codebook: CodebookView, mgvq: MGVQTrace, group: Int, cell: GridPoint, count: Int = 5) {
    let shape = mgvq.latent.shape
    guard codebook.groups.indices.contains(group), shape.count == 3 else { return nil }
    let book = codebook.groups[group]
    let width = book.shape[1]
    guard width > 0, (group + 1) * width <= shape[0], cell.row < shape[1], cell.column < shape[2] else { return nil }
    let plane = shape[1] * shape[2]
    let offset = cell.row * shape[2] + cell.column
    var vector = (0..<width).map { Double(mgvq.latent.values[(group * width + $0) * plane + offset]) }
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    if norm > 0 { vector = vector.map { $0 / norm } }
    var best: [(code: Int, distance: Double)] = []
    book.values.withUnsafeBufferPointer { codes in
      for code in 0..<book.shape[0] {
        var squared = 0.0
        for index in 0..<width {
          let difference = vector[index] - Double(codes[code * width + index])
          squared += difference * difference
        }
        if best.count < count || squared < best[best.count - 1].distance {
          best.insert((code, squared), at: best.firstIndex { squared < $0.distance } ?? best.count)
          if best.count > count { best.removeLast() }
        }
      }
    }
    nearest = best.map { ($0.code, $0.distance.squareRoot()) }
  }
}

/// What the codebook says of the code at the cursor.
struct CodeAtCursor: Sendable {
  let group: Int
  let cell: GridPoint
  /// How its latent vector chose it; `nil` when the codebook does not fit the trace.
  let choice: CodeChoice?
  /// The other codes of the group, the nearest first.
  let neighbours: [(code: Int, distance: Double)]?
}

package import ColorMaps
package import Evidence
package import Tensor
import TerminalUI

/// The quantizer's codebook, read from the checkpoint: a trace does not hold it.
package struct CodebookView: Sendable, Equatable {
  package let codebook: Codebook
  /// One colour per code of each group, from its vector: near codes look alike, and none says "more".
  package let colors: [[Color]]

  /// One `[K/G, C/G]` tensor per group, each row at length 1.
  package init(groups: [Tensor]) {
    codebook = Codebook(normalized: groups)
    colors = groups.map { CategoricalColors(components: PrincipalPlane($0).points.map { [$0.x, $0.y] }).colors }
  }

  package var groups: [Tensor] { codebook.normalized }
}

/// What the codebook says of the code at the cursor.
struct CodeAtCursor: Sendable {
  let group: Int
  let cell: GridPoint
  /// The codes nearest to its latent vector; `nil` when the codebook does not fit the trace.
  let choice: [CodeNeighbour]?
  /// The other codes of the group, the nearest first.
  let neighbours: [CodeNeighbour]?
  /// The colours of all the group's codes in the picture, row by row; `nil` when the codebook does not fit the trace.
  let cellColors: [Color]?
}

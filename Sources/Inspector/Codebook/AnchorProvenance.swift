package import Tensor

/// How much each anchor changes without a latent cell, a group or a single code: ‖v without it − v‖ / ‖v‖.
package struct AnchorProvenance: Sendable, Equatable {
  /// `[A, h·w]`.
  package let cells: Tensor
  /// `[A, G]`.
  package let groups: Tensor
  /// `[A, G, h·w]`; `nil` where so many would take too long.
  package let codes: Tensor?

  package init(cells: Tensor, groups: Tensor, codes: Tensor?) {
    self.cells = cells
    self.groups = groups
    self.codes = codes
  }

  /// What the numbers are, in words.
  package static let formula = "‖v without it − v‖ / ‖v‖, the part's code vectors set to zero"

  /// The map of an anchor over the latent grid; of the last one where there are not so many.
  package func map(anchor: Int) -> [Double] {
    guard cells.shape[0] > 0 else { return [] }
    return cells[row: min(anchor, cells.shape[0] - 1)].values.map(Double.init)
  }

  /// What single codes of a group do to an anchor, over the grid.
  package func map(anchor: Int, group: Int) -> [Double]? {
    guard let codes, anchor < codes.shape[0], group < codes.shape[1] else { return nil }
    let plane = codes.shape[2]
    let start = (anchor * codes.shape[1] + group) * plane
    return codes.values[start..<start + plane].map(Double.init)
  }
}

import Tensor
package import Trace

extension AnchorAblation {
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

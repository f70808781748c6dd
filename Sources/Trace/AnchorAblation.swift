package import Tensor

/// How much each anchor v changes without a latent cell, a group or a single code, the part's code vectors set to zero:
/// ‖v without it − v‖ / ‖v‖.
package struct AnchorAblation: Sendable, Equatable {
  /// `[A, h·w]`, one cell with all of its groups left out.
  package let cells: Tensor
  /// `[A, G]`, one group left out everywhere.
  package let groups: Tensor
  /// `[A, G, h·w]`, one code left out; `nil` where so many would take too long.
  package let codes: Tensor?

  package init(cells: Tensor, groups: Tensor, codes: Tensor?) {
    self.cells = cells
    self.groups = groups
    self.codes = codes
  }
}

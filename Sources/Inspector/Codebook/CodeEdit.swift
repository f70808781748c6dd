package import Trace

/// One code replaced by hand.
package struct CodeEdit: Sendable, Hashable {
  package let group: Int
  package let row: Int
  package let column: Int
  /// The index within the group's codebook.
  package let code: Int

  package init(group: Int, row: Int, column: Int, code: Int) {
    self.group = group
    self.row = row
    self.column = column
    self.code = code
  }
}

extension CodeGrid {
  /// The grid with codes replaced, the later edit of a place winning.
  package func applying(_ edits: [CodeEdit]) -> CodeGrid {
    guard !edits.isEmpty else { return self }
    var changed = indices
    for edit in edits where edit.group < groups && edit.row < height && edit.column < width {
      changed[(edit.group * height + edit.row) * width + edit.column] = Int32(edit.code)
    }
    return CodeGrid(groups: groups, height: height, width: width, indices: changed)
  }
}

extension [CodeEdit] {
  /// `group 3 (4,7) → 88, …`, for provenance.
  package var words: String {
    map { "group \($0.group + 1) (\($0.row),\($0.column)) → \($0.code)" }.joined(separator: ", ")
  }
}

package import Tensor
package import Trace

/// What the lower half of the Anchors panel shows.
package enum CodePage: String, Sendable, CaseIterable {
  /// The code at the cursor: neighbours, margin, where it fires.
  case code
  /// The picture decoded from a choice of codes.
  case decoded
  /// Which cells and groups drive the anchor.
  case provenance

  var next: CodePage { self == .code ? .decoded : self == .decoded ? .provenance : .code }
}

/// Which codes the decoded page decodes.
package enum DecodeKind: String, Sendable, CaseIterable {
  case swapped, firstGroups, withoutGroup, shuffled

  var next: DecodeKind {
    let all = DecodeKind.allCases
    return all[((all.firstIndex(of: self) ?? 0) + 1) % all.count]
  }
}

/// The debugger of codes: what it shows, what was computed for it, and the runs on edited codes.
package struct CodeLab: Sendable {
  package internal(set) var page = CodePage.code
  package internal(set) var kind = DecodeKind.swapped
  /// The place of the candidate among the codes nearest to the one at the cursor, from 1.
  package internal(set) var candidate = 1
  /// A candidate chosen by its index instead.
  package internal(set) var chosen: Int?
  package internal(set) var decoded: [DecodeRequest: DecodeResult] = [:]
  package internal(set) var provenance: [[CodeEdit]: AnchorAblation] = [:]
  /// The run on the picture's own codes.
  package internal(set) var original: Trace?
  /// Finished runs on edited codes.
  package internal(set) var runs: [[CodeEdit]: Trace] = [:]
  /// The edits of the trace on screen.
  package internal(set) var shownEdits: [CodeEdit] = []
  /// The mean margin of each group's choices, and the latent that it was measured on.
  package internal(set) var margins: (latent: Tensor, means: [Double])?
  /// What was asked for and has not come back.
  var pending: CodeLabRequest?
  /// What failed or was cancelled, not to be asked for again.
  var refused: Set<CodeLabRequest> = []

  /// Results kept; older ones are forgotten all together.
  static let kept = 64

  package init() {}
}

/// Work for the model, by the run loop's effect `.codeLab`.
package enum CodeLabRequest: Sendable, Hashable {
  /// Decode; `.codeLab(.decoded)` comes back.
  case decode(DecodeRequest)
  /// Leave out every cell and group of the codes with these edits; `.codeLab(.provenance)` comes back.
  case provenance([CodeEdit])
  /// Run the model on the codes with these edits; `.codeLab(.edited)` comes back.
  case run([CodeEdit], prompt: String)
  /// Write the trace on screen to this file name; `.exported` comes back.
  case save([CodeEdit], name: String)
}

/// What came back.
package enum CodeLabEvent: Sendable {
  case decoded(DecodeResult)
  case provenance(AnchorAblation, edits: [CodeEdit])
  case edited(Trace, edits: [CodeEdit])
}

/// One code replaced by hand.
package struct CodeEdit: Sendable, Hashable, Codable {
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

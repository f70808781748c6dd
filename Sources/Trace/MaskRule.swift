/// Which position may attend to which, and why: the table of the model's mask, used by the model and by whoever explains
/// it.
package struct MaskRule: Sendable, Hashable {
  package let visualMask: VisualMask
  /// The segment kind at each position.
  package let kinds: [SegmentKind]
  /// The first voco's position; behind the end without one.
  private let firstVoco: Int

  package init(_ visualMask: VisualMask, kinds: [SegmentKind]) {
    self.visualMask = visualMask
    self.kinds = kinds
    firstVoco = kinds.firstIndex(of: .voco) ?? kinds.count
  }

  /// Why an edge of the mask is open or closed.
  package enum Reason: Sendable, Hashable {
    /// The key comes after the query.
    case later
    /// A model without voco, whose rows see everything before them.
    case noVoco
    /// A voco sees this many keys: everything up to itself.
    case voco(keys: Int)
    /// A text row after the first voco, and a voco or a text row after it.
    case textSeesVoco
    /// A text row after the first voco, and a key before it.
    case textSeesNothingBeforeVoco
    /// A text row after the first voco, and an anchor or patch after it.
    case textSeesNoVisual
    /// The causal visual mask, and a query before the first voco.
    case causal
    /// The causal visual mask, and an anchor or patch after the first voco.
    case causalVisual
    case starSelf
    case starSeesNoVisual
    case starSeesText
    case starTextSeesText
    case starTextSeesNoVisual

    package var isAllowed: Bool {
      switch self {
      case .noVoco, .voco, .textSeesVoco, .causal, .causalVisual, .starSelf, .starSeesText, .starTextSeesText: true
      case .later, .textSeesNothingBeforeVoco, .textSeesNoVisual, .starSeesNoVisual, .starTextSeesNoVisual: false
      }
    }

    package var sentence: String {
      switch self {
      case .later: "Causal: no query sees a key that comes after it."
      case .noVoco: "Without <voco> every query sees everything before it and itself."
      case .voco(let keys): "<voco> sees everything before it and itself: \(keys) keys."
      case .textSeesVoco: "Text after <voco> sees every <voco> and the text before it."
      case .textSeesNothingBeforeVoco:
        "Text after <voco> never sees bos, visual or prefix keys: the picture reaches it only through <voco>."
      case .textSeesNoVisual: "Text after <voco> sees no anchor or patch: the picture reaches it only through <voco>."
      case .causal: "Causal visual mask: every query before <voco> sees everything before it and itself."
      case .causalVisual: "Causal visual mask: an anchor or patch sees everything before it and itself."
      case .starSelf: "Star mask: an anchor or patch sees itself."
      case .starSeesNoVisual: "Star mask: an anchor or patch sees no other visual token."
      case .starSeesText: "Star mask: an anchor or patch sees every non-visual key before it."
      case .starTextSeesText: "Star mask: text before <voco> sees the text before it and itself."
      case .starTextSeesNoVisual: "Star mask: text before <voco> sees no visual key."
      }
    }
  }

  /// The rule for query `row` and key `column`.
  package func reason(row: Int, column: Int) -> Reason {
    if column > row { return .later }
    guard firstVoco < kinds.count else { return .noVoco }
    let (query, key) = (kinds[row], kinds[column])
    if query == .voco { return .voco(keys: row + 1) }
    if query.isVisual {
      if visualMask == .causal { return row < firstVoco ? .causal : .causalVisual }
      return column == row ? .starSelf : key.isVisual ? .starSeesNoVisual : .starSeesText
    }
    if row > firstVoco {
      return column < firstVoco ? .textSeesNothingBeforeVoco : key.isVisual ? .textSeesNoVisual : .textSeesVoco
    }
    if visualMask == .causal { return .causal }
    return key.isVisual ? .starTextSeesNoVisual : .starTextSeesText
  }

  /// Whether query `row` may attend to key `column`.
  package func allows(row: Int, column: Int) -> Bool { reason(row: row, column: column).isAllowed }

  /// The whole mask `[S, S]`, 1 = the row may attend to the column.
  ///
  /// Left of the diagonal two facts about a key decide, whether it is visual and whether it comes before the first voco: a
  /// row asks the rule once for each of the four and for itself.
  package var table: [UInt8] {
    let length = kinds.count
    let classes = kinds.indices.map { (kinds[$0].isVisual ? 1 : 0) + ($0 < firstVoco ? 0 : 2) }
    let examples = (0..<4).map { classes.firstIndex(of: $0) ?? length }
    var table = [UInt8](repeating: 0, count: length * length)
    for row in 0..<length {
      let allowed = examples.map { UInt8($0 < row && allows(row: row, column: $0) ? 1 : 0) }
      for column in 0..<row { table[row * length + column] = allowed[classes[column]] }
      table[row * length + row] = allows(row: row, column: row) ? 1 : 0
    }
    return table
  }
}

package import ColorMaps
package import Evidence
import Statistics
package import Tensor
import TerminalUI
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
  package internal(set) var decoded = Latest<DecodeRequest, DecodeResult>(limit: 8)
  package internal(set) var provenance = Latest<[CodeEdit], AnchorAblation>(limit: 8)
  /// The run on the picture's own codes.
  package internal(set) var original: Trace?
  /// Finished runs on edited codes.
  package internal(set) var runs = Latest<[CodeEdit], Trace>(limit: PastRun.kept)
  /// The edits of the trace on screen.
  package internal(set) var shownEdits: [CodeEdit] = []
  /// The mean margin of each group's choices, and the latent that it was measured on.
  package internal(set) var margins: (latent: Tensor, means: [Double])?
  /// What was asked for and has not come back.
  var pending: CodeLabRequest?
  /// What failed or was cancelled, not to be asked for again.
  var refused: Set<CodeLabRequest> = []

  package init() {}
}

/// The latest results by what they answer. Older ones are forgotten: a trace of a large model takes hundreds of megabytes,
/// a decoded picture one.
package struct Latest<Request: Hashable & Sendable, Result: Sendable>: Sendable {
  let limit: Int
  private var results: [(request: Request, result: Result)] = []

  init(limit: Int) {
    precondition(limit > 0)
    self.limit = limit
  }

  package var count: Int { results.count }
  var all: some Sequence<Result> { results.lazy.map(\.result) }

  package subscript(request: Request) -> Result? { results.last { $0.request == request }?.result }

  mutating func add(_ result: Result, for request: Request) {
    results.removeAll { $0.request == request }
    if results.count == limit { results.removeFirst() }
    results.append((request, result))
  }
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

/// The quantizer's codebook, read from the checkpoint: a trace does not hold it.
package struct CodebookView: Sendable, Equatable {
  package let codebook: Codebook
  /// One colour per code of each group, from its vector: near codes look alike, and none says "more".
  package let colors: [[Color]]
  /// The groups' codes on the planes of their two main directions.
  package let planes: [PrincipalPlane]

  /// One `[K/G, C/G]` tensor per group, each row at length 1.
  package init(groups: [Tensor]) {
    codebook = Codebook(normalized: groups)
    planes = groups.map { PrincipalPlane($0) }
    colors = planes.map { CategoricalColors(components: $0.points.map { [$0.x, $0.y] }).colors }
  }

  package static func == (left: CodebookView, right: CodebookView) -> Bool { left.codebook == right.codebook }

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
}

/// What the Anchors panel draws of the codes, made when picture, codebook, group or cursor change.
struct CodeFigures: Sendable {
  /// A cell where the code at the cursor fires, with its neighbours as they are in the picture.
  struct Exemplar: Sendable {
    let cell: GridPoint
    let crop: Picture
  }

  /// The trace it was made for, by its number.
  let trace: Int
  let hasBook: Bool
  /// `[G][h·w]`, colours of the codes' vectors; `nil` for a group without them.
  let colors: [[Color]?]
  /// `[G][h·w]`, how often the code of a cell occurs in this picture.
  let usage: [[Double]]
  var group = -1
  var cell = GridPoint(column: -1, row: -1)
  /// The shown group's codes, most used first.
  var usageChart = Chart(x: .categories([]), y: .categories([]), marks: [])
  /// The same codes one by one.
  var ranking: [Bars.Row] = []
  var book: Chart?
  var exemplars: [Exemplar] = []
  /// The shown group's most used codes, and the cosines of their vectors, `[n, n]`; `nil` without the book.
  var likeness: (codes: [Int], cosines: [Double])?

  init(_ codes: CodeGrid, _ codebook: CodebookView?, usage counts: CodeUsage, trace: Int) {
    self.trace = trace
    hasBook = codebook != nil
    let plane = codes.height * codes.width
    func indices(_ group: Int) -> [Int] { codes.indices[group * plane..<(group + 1) * plane].map(Int.init) }
    colors = (0..<codes.groups).map { group in
      guard let colors = codebook?.colors, colors.indices.contains(group) else { return nil }
      let cells = indices(group)
      return cells.allSatisfy(colors[group].indices.contains) ? cells.map { colors[group][$0] } : nil
    }
    usage = (0..<codes.groups).map { group in
      indices(group).map { Double(counts.counts[group][$0]) }
    }
  }

  /// What the maps' colours mean.
  func legend(_ look: Appearance) -> String {
    look.mapsHaveColor && colors.contains { $0 != nil }
      ? "colour: the code's vector; near codes look alike"
      : "how often the cell's code occurs in this picture, log"
  }
}

extension InspectorState {
  /// Pictures of so many cells are shown where a code fires.
  private static let exemplarCount = 9

  /// Makes the figures of the codes again where what they show has changed.
  mutating func refreshCodeFigures() {
    guard let codes = trace?.mgvq?.codes, let usage = statistics?.codes, usage.groups == codes.groups,
      view.group < codes.groups, codes.height > cursor.code.row, codes.width > cursor.code.column
    else {
      codeFigures = nil
      return
    }
    if codeFigures?.trace != traceCount || codeFigures?.hasBook != (codebook != nil) {
      codeFigures = CodeFigures(codes, codebook, usage: usage, trace: traceCount)
    }
    // Crops are shown where the panel is large: while it is looked at.
    let wantsCrops = focus == .anchors && codeFigures?.exemplars.isEmpty ?? false
    guard var figures = codeFigures, figures.group != view.group || figures.cell != cursor.code || wantsCrops else {
      return
    }
    let code = codes[view.group, cursor.code.row, cursor.code.column]
    let isNewGroup = figures.group != view.group
    (figures.group, figures.cell) = (view.group, cursor.code)
    let counts = usage.counts[view.group]
    let sorted = counts.indices.filter { counts[$0] > 0 }.sorted { (counts[$1], $0) < (counts[$0], $1) }
    figures.usageChart = usageChart(counts, sorted, code)
    figures.ranking = sorted.map {
      Bars.Row(label: "code \($0)", value: Double(counts[$0]), text: "\(counts[$0])×", isMarked: $0 == code)
    }
    if isNewGroup { figures.likeness = likeness(of: sorted) }
    figures.book = bookChart(usage.counts[view.group], code)
    figures.exemplars = firingCells.prefix(focus == .anchors ? Self.exemplarCount : 0).compactMap { cell in
      magnified(cell, in: links.geometry.latent).map { CodeFigures.Exemplar(cell: cell, crop: $0) }
    }
    codeFigures = figures
  }

  /// So many of the most used codes are held against each other.
  private static let likenessCount = 64

  private func likeness(of sorted: [Int]) -> (codes: [Int], cosines: [Double])? {
    guard let groups = codebook?.groups, groups.indices.contains(view.group) else { return nil }
    // Rows of the book have length 1.
    let (book, codes) = (groups[view.group], Array(sorted.prefix(Self.likenessCount)))
    guard codes.count > 1, codes.allSatisfy({ $0 < book.shape[0] }) else { return nil }
    let vectors = codes.map { book[row: $0].values }
    let cosines = vectors.flatMap { a in vectors.map { b in Double(zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }) } }
    return (codes, cosines)
  }

  private func usageChart(_ counts: [Int], _ sorted: [Int], _ code: Int) -> Chart {
    let usage = UsageStatistics(counts: counts)
    let points = sorted.enumerated().map { ChartPoint(Double($0.offset + 1), Double(counts[$0.element])) }
    let here = (sorted.firstIndex(of: code) ?? 0) + 1
    let most = Double(max(2, sorted.first.map { counts[$0] } ?? 2))
    return Chart(
      title:
        "usage: \(usage.used) of \(codesPerGroup) codes, \(Format.number(usage.perplexity)) used alike",
      x: Chart.Axis("rank", .linear(0.5...(Double(max(2, points.count)) + 0.5))),
      // A column of a code that fires once is seen.
      y: Chart.Axis("times", .logarithmic(0.5...most)),
      marks: [
        .columns(ChartSeries("codes", color: 0, points: points)), .position(Double(here), name: "code \(code)"),
      ], cursor: here - 1)
  }

  private func bookChart(_ counts: [Int], _ code: Int) -> Chart? {
    guard let planes = codebook?.planes, planes.indices.contains(view.group) else { return nil }
    let plane = planes[view.group]
    let points = plane.points.map { ChartPoint($0.x, $0.y) }
    guard points.indices.contains(code), let left = points.map(\.x).min(), let right = points.map(\.x).max(),
      let low = points.map(\.y).min(), let high = points.map(\.y).max(), left < right, low < high
    else { return nil }
    let used = counts.indices.filter { counts[$0] > 0 }.compactMap { points.indices.contains($0) ? points[$0] : nil }
    let part = Format.percent(plane.variance.0 + plane.variance.1)
    return Chart(
      title: "codebook of group \(view.group + 1), \(part) of variance",
      x: Chart.Axis("first direction", .linear(left...right)), y: Chart.Axis("second", .linear(low...high)),
      marks: [
        .scatter(ChartSeries("all \(points.count)", color: 2, points: points)),
        .points(ChartSeries("\(used.count) here", color: 1, points: used)),
        .points(ChartSeries("code \(code)", color: 3, points: [points[code]])),
      ])
  }
}

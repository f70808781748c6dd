import ColorMaps

/// A whole square matrix of what may look at what, scaled into its room: queries down, keys across, bands of segments
/// with their names at both sides.
///
/// A segment is given room by its length, but always at least one column and row, so that a single token between hundreds
/// is seen; a cell's colour is the share of its edges that are allowed.
package struct MaskMap: Widget, Sendable, Hashable {
  package struct Segment: Sendable, Hashable {
    package var name: String
    /// Positions.
    package var range: Range<Int>
    /// Whether its row and column are drawn in the accent colour: what the mask turns on.
    package var isEmphasized: Bool

    package init(_ name: String, _ range: Range<Int>, isEmphasized: Bool = false) {
      (self.name, self.range, self.isEmphasized) = (name, range, isEmphasized)
    }
  }

  package var coverage: Coverage
  /// In order, together all positions.
  package var segments: [Segment]
  /// Query and key that are looked at, as row and column.
  package var cursor: GridPoint?
  /// A second set of edges: the first is then drawn as what went, this one as what came.
  package var added: Coverage?

  package init(_ coverage: Coverage, segments: [Segment], cursor: GridPoint? = nil, added: Coverage? = nil) {
    precondition(
      segments.first?.range.lowerBound == 0 && segments.last?.range.upperBound == coverage.size,
      "segments hold all positions")
    self.added = added
    (self.coverage, self.segments, self.cursor) = (coverage, segments, cursor)
  }

  /// Parts are the drawn cells' first key and query as column and row; with half blocks those of the upper half.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<GridPoint>] {
    let gutter = min(segments.map { displayWidth($0.name) }.max() ?? 0, rect.width / 4)
    let room = rect.dropping(top: 1).dropping(left: gutter + 1)
    guard !room.isEmpty else { return [] }
    let units = look.drawsHalfBlocks ? 2 : 1
    let side = min(room.width / (units == 2 ? 1 : 2), room.height * units)
    let across = parts(min(room.width, units == 2 ? side : side * 2), of: units == 2 ? 1 : 2)
    let down = parts(side / units * units, of: units)
    guard !across.isEmpty && !down.isEmpty else { return [] }
    drawNames(across, down, units, gutter: gutter, in: rect, of: &frame, look)
    var hits: [Hit<GridPoint>] = []
    for y in 0..<down.count / units {
      for (x, keys) in across.enumerated() {
        let queries = down[y * units]
        let upper = shade(queries, keys, look)
        let cell =
          units == 2
          ? halfBlockCell(upper: upper.color, lower: shade(down[y * 2 + 1], keys, look).color, look.glyphs)
          : Cell(upper.character, look.theme.text)
        frame.put(cell.character, cell.style, x: room.x + x, y: room.y + y, clip: rect)
        let place = Rect(x: room.x + x, y: room.y + y, width: 1, height: 1)
        hits.append(Hit(GridPoint(column: keys.lowerBound, row: queries.lowerBound), place))
      }
    }
    drawCursor(across, down, units, in: room, of: &frame, look)
    return hits
  }

  /// Splits all positions into so many units, `least` of them for every segment at least; fewer units than that leave
  /// the segments out from the end.
  private func parts(_ units: Int, of least: Int) -> [Range<Int>] {
    let spare = units - least * segments.count
    guard spare >= 0 else {
      return (0..<max(0, units)).map { coverage.size * $0 / units..<coverage.size * ($0 + 1) / units }
    }
    var result: [Range<Int>] = []
    var before = 0
    for segment in segments {
      let end = (before + segment.range.count) * spare / coverage.size
      let count = end - before * spare / coverage.size + least
      before += segment.range.count
      // Even counts keep two segments from sharing a character.
      for unit in 0..<count {
        let start = segment.range.lowerBound + segment.range.count * unit / count
        let stop = max(start + 1, segment.range.lowerBound + segment.range.count * (unit + 1) / count)
        result.append(start..<min(stop, segment.range.upperBound))
      }
    }
    return result
  }

  private func isEmphasized(_ position: Int) -> Bool {
    segments.first { $0.range.contains(position) }?.isEmphasized ?? false
  }

  private func shade(_ queries: Range<Int>, _ keys: Range<Int>, _ look: Appearance) -> (
    color: Color, character: Character
  ) {
    let share = coverage.share(rows: queries, columns: keys)
    if let added { return change(gone: share, come: added.share(rows: queries, columns: keys), look) }
    let isEmphasized = isEmphasized(queries.lowerBound) || isEmphasized(keys.lowerBound)
    guard share > 0 else {
      return (look.theme.noDataColor.blended(with: look.theme.background, 0.5), look.noEdge)
    }
    // What is allowed at all is told from what is not, however little it is.
    let amount = 0.35 + 0.65 * share
    let full = isEmphasized ? look.theme.cursorColor : look.theme.selectionColor
    let ramp: Character = isEmphasized ? look.glyphs.full : look.glyphs.isUnicode ? "▒" : "+"
    return (look.theme.background.blended(with: full, amount), ramp)
  }

  /// Blue what went, orange what came: the larger of the two, told from none however little it is.
  private func change(gone: Double, come: Double, _ look: Appearance) -> (color: Color, character: Character) {
    guard max(gone, come) > 0 else {
      return (look.theme.noDataColor.blended(with: look.theme.background, 0.5), look.noEdge)
    }
    let half = (0.4 + 0.6 * max(gone, come)) / 2
    return come > gone
      ? (ColorMap.blueOrange.color(0.5 + half, look.depth), "+")
      : (ColorMap.blueOrange.color(0.5 - half, look.depth), "-")
  }

  /// Names of the segments at their bands: at the left one per row, on top where they fit beside each other.
  private func drawNames(
    _ across: [Range<Int>], _ down: [Range<Int>], _ units: Int, gutter: Int, in rect: Rect, of frame: inout Frame,
    _ look: Appearance
  ) {
    var lastRow = -1
    var free = rect.x
    for segment in segments {
      let style = segment.isEmphasized ? look.theme.accent : look.theme.dim
      if let first = down.firstIndex(where: { segment.range.contains($0.lowerBound) }) {
        let row = max(first / units, lastRow + 1)
        if row < (down.count + units - 1) / units {
          let line = Rect(x: rect.x, y: rect.y + 1 + row, width: gutter, height: 1)
          frame.writeLine(segment.name, in: line, style: style, alignment: .trailing, ellipsis: look.glyphs.ellipsis)
          lastRow = row
        }
      }
      guard let first = across.firstIndex(where: { segment.range.contains($0.lowerBound) }) else { continue }
      let x = rect.x + gutter + 1 + first
      guard x >= free && x + displayWidth(segment.name) <= rect.maxX else { continue }
      frame.write(segment.name, at: Point(x: x, y: rect.y), style: style, clippedTo: rect)
      free = x + displayWidth(segment.name) + 1
    }
  }

  private func drawCursor(
    _ across: [Range<Int>], _ down: [Range<Int>], _ units: Int, in room: Rect, of frame: inout Frame,
    _ look: Appearance
  ) {
    guard let cursor, let x = across.firstIndex(where: { $0.contains(cursor.column) }),
      let unit = down.firstIndex(where: { $0.contains(cursor.row) })
    else { return }
    let under = frame[room.x + x, room.y + unit / units].meanColor
    let style = look.hasColor ? Style(ColorMap.contrasting(under), on: under, .bold) : look.theme.cursor
    frame.put(look.glyphs.isUnicode ? "◎" : "@", style, x: room.x + x, y: room.y + unit / units, clip: room)
  }
}

/// The edges around one of a mask, each a cell of its own.
package struct MaskMagnifier: Widget, Sendable {
  package var size: Int
  package var center: GridPoint
  package var isAllowed: @Sendable (_ query: Int, _ key: Int) -> Bool

  package init(size: Int, center: GridPoint, isAllowed: @escaping @Sendable (_ query: Int, _ key: Int) -> Bool) {
    (self.size, self.center, self.isAllowed) = (size, center, isAllowed)
  }

  /// Parts are the edges, key as column and query as row. Rows and columns carry their positions.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<GridPoint>] {
    let digits = String(size - 1).count
    let room = rect.dropping(top: 1).dropping(left: digits + 1)
    guard !room.isEmpty else { return [] }
    let rows = window(center.row, room.height)
    let columns = window(center.column, room.width / 2)
    frame.writeLine(
      columns.isEmpty ? "" : "\(columns.lowerBound)–\(columns.upperBound - 1)",
      in: Rect(x: room.x, y: rect.y, width: room.width, height: 1), style: look.theme.dim)
    var hits: [Hit<GridPoint>] = []
    for (y, query) in rows.enumerated() {
      let name = Rect(x: rect.x, y: room.y + y, width: digits, height: 1)
      let style = query == center.row ? look.theme.accent : look.theme.dim
      frame.writeLine(String(query), in: name, style: style, alignment: .trailing)
      for (x, key) in columns.enumerated() {
        let place = Rect(x: room.x + 2 * x, y: room.y + y, width: 2, height: 1)
        drawEdge(
          isAllowed(query, key), isCenter: query == center.row && key == center.column, in: place, of: &frame, look)
        hits.append(Hit(GridPoint(column: key, row: query), place))
      }
    }
    return hits
  }

  private func drawEdge(_ isAllowed: Bool, isCenter: Bool, in place: Rect, of frame: inout Frame, _ look: Appearance) {
    let style = isCenter ? look.theme.cursor : isAllowed ? look.theme.accent : look.theme.dim
    frame.fill(place, with: Cell(isAllowed ? look.glyphs.full : " ", style))
    if !isAllowed { frame.put(look.noEdge, style, x: place.x, y: place.y, clip: place) }
    guard isCenter else { return }
    frame.put("[", look.theme.cursor, x: place.x, y: place.y, clip: place)
    frame.put("]", look.theme.cursor, x: place.maxX - 1, y: place.y, clip: place)
  }

  /// So many positions around one, all of them inside.
  private func window(_ middle: Int, _ count: Int) -> Range<Int> {
    let count = min(count, size)
    let first = min(max(0, middle - count / 2), size - count)
    return first..<first + count
  }
}

extension Appearance {
  /// A blocked edge, which is known: nothing is missing.
  fileprivate var noEdge: Character { glyphs.isUnicode ? "·" : "." }
}

/// How much of any rectangle of a square matrix is set, in constant time: the whole mask of a sequence is drawn from it
/// at any size.
///
/// A summed-area table (Crow: Summed-area tables for texture mapping, SIGGRAPH 1984) over at most `mostBins` bins a side.
package struct Coverage: Sendable, Hashable {
  package static let mostBins = 1024

  /// Positions a side.
  package let size: Int
  private let bins: Int
  /// `[bins + 1, bins + 1]`: set cells above and to the left.
  private let sums: [Int64]

  /// - Parameter isSet: asked once for each row and column.
  package init(size: Int, isSet: (_ row: Int, _ column: Int) -> Bool) {
    precondition(size > 0, "a matrix has cells")
    let bins = min(size, Self.mostBins)
    var counts = [Int64](repeating: 0, count: (bins + 1) * (bins + 1))
    for row in 0..<size {
      let line = (row * bins / size + 1) * (bins + 1)
      for column in 0..<size where isSet(row, column) { counts[line + column * bins / size + 1] += 1 }
    }
    for row in 1...bins {
      var running: Int64 = 0
      for column in 1...bins {
        running += counts[row * (bins + 1) + column]
        counts[row * (bins + 1) + column] = running + counts[(row - 1) * (bins + 1) + column]
      }
    }
    (self.size, self.bins, sums) = (size, bins, counts)
  }

  /// The share of set cells in these rows and columns, 0…1; where a bin holds several positions, of the bins they touch.
  package func share(rows: Range<Int>, columns: Range<Int>) -> Double {
    guard !rows.isEmpty && !columns.isEmpty else { return 0 }
    let (top, bottom) = bins(rows)
    let (left, right) = bins(columns)
    func sum(_ row: Int, _ column: Int) -> Int64 { sums[row * (bins + 1) + column] }
    let set = sum(bottom, right) - sum(top, right) - sum(bottom, left) + sum(top, left)
    return Double(set) / Double(positions(top, bottom) * positions(left, right))
  }

  private func bins(_ range: Range<Int>) -> (Int, Int) {
    (range.lowerBound * bins / size, (range.upperBound - 1) * bins / size + 1)
  }

  /// Positions whose bin lies in `from..<to`.
  private func positions(_ from: Int, _ to: Int) -> Int {
    (to * size + bins - 1) / bins - (from * size + bins - 1) / bins
  }
}

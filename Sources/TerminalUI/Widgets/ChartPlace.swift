import ColorMaps

/// The room between a chart's axes: where values stand in it, and the marks drawn there.
struct ChartPlace {
  let plot: Rect
  let x: ValueScale
  let y: ValueScale

  /// The column of a value; `nil` outside the axis.
  func column(_ value: Double) -> Int? {
    Self.inside(x.position(value)).map { plot.x + Int(($0 * Double(plot.width - 1)).rounded()) }
  }

  func row(_ value: Double) -> Int? {
    Self.inside(y.position(value)).map { plot.maxY - 1 - Int(($0 * Double(plot.height - 1)).rounded()) }
  }

  private static func inside(_ position: Double?) -> Double? {
    position.flatMap { (-1e-9...1 + 1e-9).contains($0) ? min(max($0, 0), 1) : nil }
  }

  func draw(_ mark: ChartMark, of frame: inout Frame, _ look: Appearance) {
    switch mark {
    case .line(let series): drawLine(series, of: &frame, look)
    case .scatter(let series): drawDots(series, of: &frame, look)
    case .points(let series): drawPoints(series, of: &frame, look)
    case .columns(let series): drawColumns(series, of: &frame, look)
    case .level(let value, _):
      guard let row = row(value) else { return }
      for column in plot.x..<plot.maxX where frame[column, row].character == " " {
        frame.put(look.dashes.across, look.theme.referenceLine, x: column, y: row, clip: plot)
      }
    case .position(let value, _):
      guard let column = column(value) else { return }
      for row in plot.y..<plot.maxY where frame[column, row].character == " " {
        frame.put(look.dashes.upward, look.theme.referenceLine, x: column, y: row, clip: plot)
      }
    }
  }

  private func dot(_ point: ChartPoint, in raster: DotRaster) -> (x: Int, y: Int)? {
    guard let across = Self.inside(x.position(point.x)), let up = y.position(point.y), up.isFinite else { return nil }
    // A line leaves the plot where its values do; far outside, its direction is all that counts.
    let height = min(max(up, -4), 5)
    return (
      Int((across * Double(raster.width - 1)).rounded()), Int(((1 - height) * Double(raster.height - 1)).rounded())
    )
  }

  private func drawLine(_ series: ChartSeries, of frame: inout Frame, _ look: Appearance) {
    var raster = DotRaster(cells: plot.size, look.glyphs)
    var last: (x: Int, y: Int)?
    for point in series.points {
      let here = dot(point, in: raster)
      if let last, let here { raster.line(last, here) } else if let here { raster.set(here.x, here.y) }
      last = here
    }
    put(raster, look.seriesStyle(series.color), of: &frame)
    guard series.points.count * 4 <= plot.width else { return }
    drawPoints(series, of: &frame, look)
  }

  private func drawDots(_ series: ChartSeries, of frame: inout Frame, _ look: Appearance) {
    var raster = DotRaster(cells: plot.size, look.glyphs)
    for point in series.points {
      if let here = dot(point, in: raster) { raster.set(here.x, here.y) }
    }
    put(raster, look.seriesStyle(series.color), of: &frame)
  }

  private func put(_ raster: DotRaster, _ style: Style, of frame: inout Frame) {
    for row in 0..<plot.height {
      for column in 0..<plot.width {
        guard let character = raster.character(column: column, row: row) else { continue }
        frame.put(character, style, x: plot.x + column, y: plot.y + row, clip: plot)
      }
    }
  }

  private func drawPoints(_ series: ChartSeries, of frame: inout Frame, _ look: Appearance) {
    let style = look.seriesStyle(series.color)
    for point in series.points {
      guard let column = column(point.x) else { continue }
      if let low = point.low, let high = point.high { drawWhisker(low, high, column, style, of: &frame, look) }
      guard let row = row(point.y) else { continue }
      frame.put(look.pointGlyph(series.color), style, x: column, y: row, clip: plot)
    }
  }

  /// From `low` to `high`, ends marked; what lies outside the axis is cut without an end.
  private func drawWhisker(
    _ low: Double, _ high: Double, _ column: Int, _ style: Style, of frame: inout Frame, _ look: Appearance
  ) {
    let foot = row(low) ?? (y.position(low) ?? 0 < 0 || y.position(low) == nil ? plot.maxY - 1 : plot.y)
    let top = row(high) ?? (y.position(high) ?? 0 > 1 ? plot.y : plot.maxY - 1)
    guard foot > top else { return }
    for y in top...foot { frame.put(look.glyphs.vertical, style, x: column, y: y, clip: plot) }
    if row(high) != nil { frame.put(look.glyphs.teeTop, style, x: column, y: top, clip: plot) }
    if row(low) != nil { frame.put(look.glyphs.teeBottom, style, x: column, y: foot, clip: plot) }
  }

  private func drawColumns(_ series: ChartSeries, of frame: inout Frame, _ look: Appearance) {
    guard let first = series.points.first else { return }
    let step = series.points.dropFirst().map { abs($0.x - first.x) }.min() ?? 1
    let unit = abs((x.position(first.x + step) ?? 0) - (x.position(first.x) ?? 0)) * Double(plot.width)
    // A gap between the columns where there is room for one.
    let width = max(1, Int(unit) - (unit >= 3 ? 1 : 0))
    let style = look.seriesStyle(series.color)
    for point in series.points {
      guard let middle = column(point.x), let part = y.clampedPosition(point.y) else { continue }
      let left = middle - width / 2
      let eighths = part <= 0 ? 0 : max(1, Int((part * Double(plot.height * 8)).rounded()))
      for row in 0..<plot.height where eighths > row * 8 {
        let glyph = look.glyphs.verticalEighths[min(eighths - row * 8, 8)]
        for x in left..<left + width { frame.put(glyph, style, x: x, y: plot.maxY - 1 - row, clip: plot) }
      }
    }
  }
}

/// Dots finer than characters: 2 × 4 per cell in Braille, 1 × 2 where only ASCII can be shown.
struct DotRaster {
  let cells: Size
  private let isUnicode: Bool
  private var dots: [UInt8]

  init(cells: Size, _ glyphs: Glyphs) {
    self.cells = cells
    isUnicode = glyphs.isUnicode
    dots = [UInt8](repeating: 0, count: max(0, cells.width * cells.height))
  }

  /// Dots to the right and down.
  var width: Int { cells.width * (isUnicode ? 2 : 1) }
  var height: Int { cells.height * (isUnicode ? 4 : 2) }

  /// Sets a dot, the first row on top; outside nothing happens.
  mutating func set(_ x: Int, _ y: Int) {
    guard (0..<width).contains(x) && (0..<height).contains(y) else { return }
    if isUnicode {
      dots[y / 4 * cells.width + x / 2] |= Self.braille[y % 4 * 2 + x % 2]
    } else {
      dots[y / 2 * cells.width + x] |= y % 2 == 0 ? 1 : 2
    }
  }

  /// A straight line between two dots (Bresenham).
  mutating func line(_ from: (x: Int, y: Int), _ to: (x: Int, y: Int)) {
    let (dx, dy) = (abs(to.x - from.x), -abs(to.y - from.y))
    let (stepX, stepY) = (from.x < to.x ? 1 : -1, from.y < to.y ? 1 : -1)
    var (x, y, error) = (from.x, from.y, dx + dy)
    while true {
      set(x, y)
      if x == to.x && y == to.y { return }
      let doubled = 2 * error
      if doubled >= dy { (error, x) = (error + dy, x + stepX) }
      if doubled <= dx { (error, y) = (error + dx, y + stepY) }
    }
  }

  /// The character of a cell; `nil` where no dot is set.
  func character(column: Int, row: Int) -> Character? {
    let bits = dots[row * cells.width + column]
    guard bits != 0 else { return nil }
    guard isUnicode else { return bits == 1 ? "'" : bits == 2 ? "." : ":" }
    return Unicode.Scalar(0x2800 + UInt32(bits)).map(Character.init)
  }

  /// Bits of the Braille block by row and column (Unicode, "Braille Patterns": dots 1–3 and 7 left, 4–6 and 8 right).
  private static let braille: [UInt8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]
}

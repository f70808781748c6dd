package import ColorMaps

/// An sRGB colour with opacity.
package struct PlotColor: Sendable, Hashable {
  package var hex: UInt32
  /// 0 clear … 1 solid.
  package var opacity: Double

  package init(hex: UInt32, opacity: Double = 1) {
    self.hex = hex
    self.opacity = opacity
  }

  package func faded(to opacity: Double) -> PlotColor { PlotColor(hex: hex, opacity: opacity) }

  package static let ink = PlotColor(hex: 0x202020)
  package static let faint = PlotColor(hex: 0x767676)
  package static let rule = PlotColor(hex: 0xDDDDDD)
  /// What stands where there is no value.
  package static let absent = PlotColor(hex: 0xE8E8E8)

  /// Colours told apart by colour-blind eyes (Okabe, Ito: Color Universal Design, 2008), in the order to use them in.
  package static let series = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000].map {
    PlotColor(hex: $0)
  }

  /// The colour of a series by its index; they repeat after seven.
  package static func series(_ index: Int) -> PlotColor { series[index % series.count] }

  /// A colour as screens show it; the terminal's own, which paper has not, is no value's.
  package init(_ color: Color) {
    guard case .rgb(let red, let green, let blue) = color else {
      self = .absent
      return
    }
    self.init(hex: UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue))
  }

  /// The colour of a value in 0…1: the map's levels, linearly between them. NaN has the colour of no value.
  package init(_ map: ColorMap, _ t: Double) {
    guard !t.isNaN else {
      self = .absent
      return
    }
    let position = min(max(t, 0), 1) * Double(map.table.count - 1)
    let below = Int(position)
    let above = min(below + 1, map.table.count - 1)
    let part = position - Double(below)
    let mixed = [16, 8, 0].reduce(UInt32(0)) { hex, shift in
      func channel(_ level: Int) -> Double { Double(map.table[level] >> UInt32(shift) & 0xFF) }
      return hex << 8 | UInt32((channel(below) * (1 - part) + channel(above) * part).rounded())
    }
    self.init(hex: mixed)
  }

  /// Black or white, whichever is easier to read on this colour. Luma: ITU-R BT.709.
  var contrasting: PlotColor {
    func channel(_ shift: UInt32) -> Double { Double(hex >> shift & 0xFF) / 255 }
    let luma = 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    return PlotColor(hex: luma < 0.5 ? 0xFFFFFF : 0x000000)
  }
}

/// Cells of kinds, each in its own colour: a mask, the codes of a picture. The first row stands on top.
package struct ColorGrid: FigurePanel {
  /// A rule between cells, with the names of what lies before and behind.
  package struct Band: Sendable, Hashable {
    package let start: Int
    package let count: Int
    package let name: String

    package init(start: Int, count: Int, name: String) {
      self.start = start
      self.count = count
      self.name = name
    }
  }

  package var title: String
  /// `[rows][columns]`, all rows of one length; nil is drawn as no value.
  package var colors: [[PlotColor?]]
  package var rowLabel: String
  package var columnLabel: String
  package var rowTicks: [ScaleTick]
  package var columnTicks: [ScaleTick]
  /// Parts of both sides, parted by lines.
  package var bands: [Band]
  /// What colours mean; below the title.
  package var legend: [(name: String, color: PlotColor)]
  package var isSquare: Bool

  package init(
    title: String = "", colors: [[PlotColor?]], rowLabel: String = "", columnLabel: String = "",
    rowTicks: [ScaleTick] = [], columnTicks: [ScaleTick] = [], bands: [Band] = [],
    legend: [(name: String, color: PlotColor)] = [], isSquare: Bool = true
  ) {
    precondition(!colors.isEmpty && colors.allSatisfy { $0.count == colors[0].count && !$0.isEmpty })
    (self.title, self.colors) = (title, colors)
    (self.rowLabel, self.columnLabel, self.rowTicks, self.columnTicks) = (rowLabel, columnLabel, rowTicks, columnTicks)
    (self.bands, self.legend, self.isSquare) = (bands, legend, isSquare)
  }

  package func draw(in box: PlotBox, on canvas: PlotCanvas) {
    canvas.text(title, at: PlotPoint(box.x, box.y), .heading, alignY: 0)
    let head = (title.isEmpty ? 0 : 22) + drawLegend(in: box, on: canvas)
    let frame = CellFrame(
      title: "", rows: colors.count, columns: colors[0].count, rowTicks: rowTicks, columnTicks: columnTicks,
      rowLabel: rowLabel, columnLabel: columnLabel, isSquare: isSquare)
    _ = frame.draw(in: box.inset(top: head), on: canvas, margin: 4) { cells in
      canvas.fill(cells, .absent)
      canvas.cells(colors, in: cells)
      drawBands(in: cells, on: canvas)
    }
  }

  /// Returns its height.
  private func drawLegend(in box: PlotBox, on canvas: PlotCanvas) -> Double {
    var x = box.x
    for entry in legend {
      let swatch = PlotBox(x: x, y: box.y + (title.isEmpty ? 2 : 22), width: 10, height: 10)
      canvas.fill(swatch, entry.color)
      canvas.outline(swatch, .faint, width: 0.5)
      canvas.text(entry.name, at: PlotPoint(x + 14, swatch.middle.y), .tick)
      x += canvas.width(of: entry.name, .tick) + 28
    }
    return legend.isEmpty ? 0 : 18
  }

  private func drawBands(in box: PlotBox, on canvas: PlotCanvas) {
    for band in bands where band.start > 0 {
      let x = box.x + box.width * Double(band.start) / Double(colors[0].count)
      let y = box.y + box.height * Double(band.start) / Double(colors.count)
      canvas.line([PlotPoint(x, box.y), PlotPoint(x, box.maxY)], .faint.faded(to: 0.6), width: 0.5)
      canvas.line([PlotPoint(box.x, y), PlotPoint(box.maxX, y)], .faint.faded(to: 0.6), width: 0.5)
    }
  }
}

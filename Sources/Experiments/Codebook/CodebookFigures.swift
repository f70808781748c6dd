import ColorMaps
import Evidence
import Foundation
import ImageLoading
import Plots
import Statistics
import Tensor
import Trace

/// Figures of a codebook's report, each as PNG, SVG and PDF.
package struct CodebookFigures {
  let codebook: Codebook
  let document: CodebookDocument
  /// The codes of the first picture, and its name.
  let first: (name: String, codes: CodeGrid)?
  let exemplars: CodeExemplars?

  /// Writes what there is into `directory`, which is made if need be.
  package func write(to directory: String) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    var figures: [(String, Figure)] = [("embedding", embedding)]
    if let usage = document.report.pictures?.usage { figures.append(("usage", histogram(usage))) }
    if let first { figures.append(("code-map", codeMap(first.name, first.codes))) }
    if let positions = document.report.pictures?.positions, positions.pictures > 1 {
      figures.append(("places", places(positions)))
    }
    if let anchors = document.report.anchors?.mean { figures.append(("anchors", cosines(anchors))) }
    if let anchors = document.report.anchors, let mean = anchors.mean {
      figures.append(("health", health(anchors.health, mean)))
    }
    if let curve = document.reconstruction, curve.pictures > 0 { figures.append(("groups", reconstruction(curve))) }
    if let exemplars, !exemplars.exemplars.isEmpty {
      figures.append(("code-\(exemplars.name.group + 1)-\(exemplars.name.code)", sheet(exemplars)))
    }
    for (name, var figure) in figures {
      figure.metadata = metadata
      for format in FigureFormat.allCases {
        let file = URL(fileURLWithPath: directory).appendingPathComponent("\(name).\(format.rawValue)")
        try figure.write(to: file.path)
      }
    }
  }

  private var metadata: FigureMetadata {
    let run = document.provenance
    return FigureMetadata(
      creator: "vocoscope \(run.version)",
      entries: [.init("model", run.modelName), .init("weights SHA-256", run.weightsSHA256)])
  }

  private var model: String { document.provenance.modelName }

  private var note: [String] {
    let run = document.provenance
    return [
      "\(run.modelName), weights \(run.weightsSHA256.prefix(12)), \(run.pictures) pictures, vocoscope \(run.version)"
    ]
  }

  /// Codes on the plane of their main directions, coloured by how often they were chosen.
  private var embedding: Figure {
    let usage = document.report.pictures?.usage
    let panels = (0..<codebook.groups).map { group -> any FigurePanel in
      let plane = PrincipalPlane(codebook.normalized[group])
      let shown = decimal(100 * (plane.variance.0 + plane.variance.1), digits: 0)
      return Chart(
        title: "group \(group + 1), \(shown)% of the variance", x: ChartAxis("first direction"),
        y: ChartAxis("second direction"), marks: points(plane, usage?.counts[group]))
    }
    return Figure(
      title: "\(model): codes on their main plane", columns: 4, panelWidth: 300, panelHeight: 260, panels: panels,
      notes: note)
  }

  private func points(_ plane: PrincipalPlane, _ counts: [Int]?) -> [ChartMark] {
    let point = { (code: Int) in DataPoint(plane.points[code].x, plane.points[code].y) }
    guard let counts else {
      return [
        .points(DataSeries(color: .series(0), points: plane.points.indices.map(point)), radius: 1.6)
      ]
    }
    let even = Double(counts.reduce(0, +)) / Double(max(1, counts.count))
    let classes: [(String, (Double) -> Bool, PlotColor)] = [
      ("never", { $0 == 0 }, .series(1)), ("rare", { $0 > 0 && $0 < 0.1 * even }, .series(4)),
      ("under an even share", { $0 >= 0.1 * even && $0 < even }, .series(5)),
      ("above", { $0 >= even && $0 > 0 }, .series(0)),
    ]
    return classes.compactMap { name, belongs, color in
      let codes = counts.indices.filter { belongs(Double(counts[$0])) }
      guard !codes.isEmpty else { return nil }
      return .points(DataSeries(name, color: color, points: codes.map(point)), radius: 1.8)
    }
  }

  /// Codes by how often they were chosen, most first, beside an even share.
  private func histogram(_ usage: CodeUsage) -> Figure {
    let panels = (0..<usage.groups).map { group -> any FigurePanel in
      let counts = usage.counts[group].sorted(by: >)
      let even = Double(counts.reduce(0, +)) / Double(max(1, counts.count))
      let points = counts.enumerated().map { DataPoint(Double($0.offset), Double($0.element)) }
      return Chart(
        title: "group \(group + 1), \(counts.count { $0 > 0 }) of \(counts.count) used",
        x: ChartAxis("codes, most used first"), y: ChartAxis("times chosen"),
        marks: [
          .bars(DataSeries(color: .series(0), points: points), width: 1, offset: 0),
          .horizontalRule(even, name: "even use", color: .series(1)),
        ])
    }
    return Figure(
      title: "\(model): usage over \(usage.pictures) pictures", columns: 4, panelWidth: 300, panelHeight: 220,
      panels: panels, notes: note)
  }

  private func codeMap(_ name: String, _ codes: CodeGrid) -> Figure {
    let panels = (0..<codes.groups).map { group -> any FigurePanel in
      let plane = PrincipalPlane(codebook.normalized[group])
      let colors = CategoricalColors(components: plane.points.map { [$0.x, $0.y] }).colors.map(PlotColor.init)
      return ColorGrid(
        title: "group \(group + 1)",
        colors: (0..<codes.height).map { row in (0..<codes.width).map { colors[Int(codes[group, row, $0])] } })
    }
    return Figure(
      title: "\(model): codes of \(name)", columns: 4, panelWidth: 240, panelHeight: 262, panels: panels,
      notes: [
        "Colour: a code's place on its group's main plane, the first direction as lightness and the second as hue; codes "
          + "that look alike are alike, and no colour says more."
      ] + note)
  }

  private func places(_ positions: PositionUsage) -> Figure {
    let maps = (0..<positions.groups).map { positions.entropyBits(group: $0) }
    let largest = maps.flatMap { $0 }.max() ?? 0
    let panels = maps.enumerated().map { group, values -> any FigurePanel in
      MatrixPlot(
        title: "group \(group + 1)",
        values: (0..<positions.height).map { row in
          (0..<positions.width).map { values[row * positions.width + $0] }
        }, range: 0...max(largest, 1e-9), map: .cividis, measure: "bits", isSquare: true)
    }
    return Figure(
      title: "\(model): entropy of the code at each place over \(positions.pictures) pictures", columns: 4,
      panelWidth: 300, panelHeight: 280, panels: panels, notes: note)
  }

  private func cosines(_ anchors: AnchorSimilarity) -> Figure {
    let ticks = anchors.norms.indices.map { ScaleTick(Double($0), "A\($0 + 1)") }
    let panel = MatrixPlot(
      title: document.report.anchorSource == .pictures ? "mean over pictures" : "anchors of random codes",
      values: anchors.cosines.map { $0.map { $0.isFinite ? $0 : nil } }, rowTicks: ticks, columnTicks: ticks,
      range: -1...1, map: .blueOrange, measure: "cosine",
      words: anchors.cosines.map { $0.map { decimal($0, digits: 2) } }, isSquare: true)
    return Figure(
      title: "\(model): how alike the anchors are", columns: 1, panelWidth: 420, panelHeight: 360, panels: [panel],
      notes: note)
  }

  /// Lengths of the anchors, and how much of the projector lies where GELU is flat.
  private func health(_ health: AnchorHealth, _ anchors: AnchorSimilarity) -> Figure {
    let layers = Array(zip(["first layer", "second layer"], zip(health.saturated, health.dead)))
    func bars(_ name: String, _ color: Int, _ values: [Double]) -> ChartMark {
      .points(
        DataSeries(
          name, color: .series(color), points: values.enumerated().map { DataPoint(Double($0.offset), $0.element) }),
        radius: 5)
    }
    let rank = health.rank.map { "effective rank of the unit anchors over pictures \(significant($0))" }
    return Figure(
      title: "\(model): anchors and their projector\(health.isCollapsed ? ", collapsed" : "")", columns: 2,
      panelWidth: 380, panelHeight: 260,
      panels: [
        Chart(
          title: "length of the mean anchors", x: .categories(anchors.norms.indices.map { "A\($0 + 1)" }),
          y: ChartAxis("norm", range: 0...max(1e-9, 1.1 * (anchors.norms.max() ?? 1))),
          marks: [
            bars("mean over pictures", 0, anchors.norms),
            .horizontalRule(health.norms.mean, name: "mean length", color: .series(1)),
          ]),
        Chart(
          title: "where GELU is flat (below \(AnchorHealth.flat))", x: .categories(layers.map(\.0)),
          y: ChartAxis("share", range: 0...1),
          marks: [
            bars("of pre-activations", 0, layers.map(\.1.0)), bars("units flat in every picture", 1, layers.map(\.1.1)),
            .horizontalRule(AnchorHealth.collapsedDead, name: "collapsed", color: .ink),
          ]),
      ], notes: [rank].compactMap { $0 } + note)
  }

  /// What each further group adds to the pictures.
  private func reconstruction(_ curve: ReconstructionCurve) -> Figure {
    func chart(_ name: String, _ value: (ReconstructionCurve.Point) -> Double?) -> any FigurePanel {
      let points = curve.points.compactMap { point in value(point).map { DataPoint(Double(point.groups), $0) } }
      return Chart(
        title: name, x: ChartAxis("groups decoded"), y: ChartAxis(name),
        marks: [.line(DataSeries(color: .series(0), points: points))])
    }
    return Figure(
      title: "\(model): pictures from the first groups of their codes", columns: 2, panelWidth: 380, panelHeight: 260,
      panels: [chart("PSNR in dB") { $0.psnr }, chart("SSIM") { $0.ssim }], notes: note)
  }

  private func sheet(_ exemplars: CodeExemplars) -> Figure {
    let tiles = exemplars.exemplars.map {
      TileGrid.Tile($0.crop, caption: "\($0.picture) (\($0.row),\($0.column)) \(significant($0.distance))")
    }
    let columns = min(6, tiles.count)
    let rows = (tiles.count + columns - 1) / columns
    return Figure(
      title: "\(model): where code \(exemplars.name.code) of group \(exemplars.name.group + 1) fits best", columns: 1,
      panelWidth: Double(150 * columns), panelHeight: Double(150 * rows),
      panels: [TileGrid(tiles: tiles, columns: columns, isSmooth: false)],
      notes: note + ["the cell and one cell of context around it; the number is the distance of the latent to the code"]
    )
  }
}

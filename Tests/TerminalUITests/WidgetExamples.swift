import ColorMaps
import TerminalUI

/// One of every widget, with text that is awkward to draw.
struct WidgetExamples {
  let look: Appearance

  var all: [any Widget] { text + plots }

  private var text: [any Widget] {
    let style = look.theme.text
    let cells = (0..<9).map { [Span("文字 \($0)", style), Span("x", style)] }
    return [
      Table(columns: [.init("中文"), .init("b", .trailing)], rows: cells, selected: 8), ListView(cells, selected: 5),
      Tabs(["Image", "文字"], selected: 1), ScrollBar(visible: 2..<5, count: 9),
      ProgressBar(label: "MGVQ 中", fraction: 0.3, text: "1 s"), ProgressBar(label: "MGVQ 中", fraction: nil),
      Dialog(title: "中文", content: Size(width: 9, height: 3)), Banner("untrained 中"),
      StatusLine(message: [Span("中 x", style)], hints: [.init("q", "quit", 1)]), TextField("中文 text"),
    ]
  }

  private var plots: [any Widget] {
    let rows = (0..<6).map { Bars.Row(label: "中 \($0)", value: Double($0), text: "\($0)", isMarked: $0 == 1) }
    return [
      Bars(rows, maximum: 5, reference: 2), Curve([0, 1, 2, .nan], range: 0...2, reference: 1, marked: 2),
      MapLegend(map: .cividis, low: "中", high: "1"), costs, layers, books, lift, Headline("中文 text of a headline"),
      heads, matrix, mask, magnifier, ColorBar(scale: .logarithmic(0.0001...0.09), hasAbove: true, marked: 0.01),
      ProbabilityText([.init("中", 0.9), .init("\n", 0.1), .init("", nil)], firstDifference: 1, selected: 0), answer,
      norms, thumbnails, shares, effects,
    ]
  }

  /// All plots on one sheet, to be looked at.
  func sheet(_ size: Size) -> Frame {
    var frame = Frame(size: size)
    let rows = Layout(.vertical, [.fixed(14), .fixed(5), .fixed(4), .fixed(15), .fill], gap: 1).split(frame.bounds)
    let charts = Layout(.horizontal, [.fill, .fill], gap: 2).split(rows[0])
    layers.draw(in: charts[0], of: &frame, look)
    books.draw(in: charts[1], of: &frame, look)
    costs.draw(in: rows[1], of: &frame, look)
    lift.draw(in: rows[2], of: &frame, look)
    let maps = Layout(.horizontal, [.fill, .fixed(30)], gap: 2).split(rows[3])
    heads.draw(in: maps[0], of: &frame, look)
    matrix.draw(in: maps[1], of: &frame, look)
    let masks = Layout(.horizontal, [.fill, .fixed(38)], gap: 2).split(rows[4])
    mask.draw(in: masks[0], of: &frame, look)
    magnifier.draw(in: masks[1].top(7), of: &frame, look)
    norms.draw(in: masks[1].dropping(top: 8).top(7), of: &frame, look)
    ColorBar(scale: .logarithmic(0.0001...0.09), name: "share", hasAbove: true, marked: 0.01)
      .draw(in: masks[1].dropping(top: 16).top(1), of: &frame, look)
    answer.draw(in: masks[1].dropping(top: 18), of: &frame, look)
    return frame
  }

  private var norms: Histogram {
    Histogram(
      title: "norms of the codes", name: "norm", counts: [1, 2, 5, 9, 14, 20, 13, 8, 3, 1], range: 0...4, marked: 4)
  }

  /// Parts of a whole, layer by layer.
  private var shares: StackedBars {
    StackedBars(
      title: "where each 中 layer looks", parts: [.init("anchors", color: 1), .init("文字", color: 0)],
      rows: [[0.25, 0.75], [1, 0], [0, 0.004]].enumerated().map { index, values in
        .init("L\(index + 1)", values, texts: values.map { "\($0)" })
      }, selected: 1)
  }

  /// Quantities with intervals against a threshold.
  private var effects: ForestPlot {
    ForestPlot(
      title: "part of the answer's way",
      [
        .init("anchors' values", text: "0.62 [0.5, 0.7]", point: 0.62, interval: 0.5...0.7),
        .init("中", text: "0.01", point: 0.01, interval: nil),
      ], scale: .linear(0...1), threshold: 0.05, thresholdName: "0.05")
  }

  private var answer: ProbabilityText {
    ProbabilityText(
      [.init("a", 0.93), .init("plate", 0.5), .init("of", 0.97), .init("bacon", 0.22), .init(".", nil)],
      firstDifference: 3, selected: 1)
  }

  /// Measured values on a logarithmic axis.
  var costs: Bars {
    Bars(
      title: "KV cache per image",
      [
        .init(label: "580 visual tokens", value: 580, text: "580"), .init(label: "4 anchors", value: 4, text: "4"),
        .init(label: "1 <voco>", value: 1, text: "1", isMarked: true),
      ], scale: .logarithmic(0.5...1000))
  }

  /// A curve over layers beside its heads, with the uniform level.
  var layers: Chart {
    let means = [0.02, 0.31, 0.12, 0.05, 0.08, 0.22]
    let heads = means.enumerated().flatMap { layer, mean in
      [0.3, 0.8, 1.2, 1.7].map { ChartPoint(Double(layer), mean * $0) }
    }
    return Chart(
      title: "anchor share by layer", x: .init("layer", .linear(0...5)), y: .init("share", .linear(0...0.55)),
      marks: [
        .level(0.007, name: "uniform 0.007"), .line(ChartSeries("mean", values: means)),
        .scatter(ChartSeries("a head", color: 1, points: heads)),
      ], cursor: 1)
  }

  /// Points with intervals on a logarithmic axis.
  var books: Chart {
    Chart(
      title: "interchange effect",
      x: .categories(["A1", "A2", "A3", "A4"]), y: .init("KL, nats", .logarithmic(0.001...10)),
      marks: [
        .level(0.05, name: "threshold"),
        .points(
          ChartSeries(
            "95 % interval",
            points: [
              ChartPoint(0, 2, low: 0.8, high: 5), ChartPoint(1, 0.02, low: 0.004, high: 0.09),
              ChartPoint(2, 0.4, low: 0.2, high: 0.7), ChartPoint(3, 0.0001, low: 0.00001, high: 0.002),
            ])),
      ])
  }

  var lift: Gauge {
    Gauge(
      title: "attends more to an anchor than to a patch", text: "×7.4 [5.9, 9.1]",
      badge: Span(" yes ", look.theme.good),
      scale: .logarithmic(0.3...20), point: 7.4, interval: 5.9...9.1, threshold: 2, thresholdName: "≥ 2",
      nulls: [0.8, 0.9, 1, 1, 1.02, 1.1, 1.3])
  }

  /// Two layers of three heads, one of which nothing reads.
  var heads: SmallMultiples {
    let tiles = (0..<6).map { tile -> SmallMultiples.Tile in
      if tile == 4 { return .init(values: [], note: "read by nobody") }
      let values = (0..<24 * 24).map { index -> Double in
        let (x, y) = (Double(index % 24 - 3 * tile), Double(index / 24 - 12))
        return 0.02 / (1 + (x * x + y * y) / Double(4 + 4 * tile))
      }
      return .init(values: values, strip: [0.001, 0.02, 0.0001, 0.004], caption: "×\(tile + 1).2")
    }
    return SmallMultiples(
      tiles, rowNames: ["L1", "L2"], columnNames: ["head 1", "head 2", "head 3"], shape: Size(width: 24, height: 24),
      scale: .logarithmic(0.0001...0.02), selected: GridPoint(column: 1, row: 0))
  }

  var matrix: ScoreMatrix {
    let values: [[Double?]] = [[1.2, 0.9, 4], [98.1, nil, 22], [0.7, 3, 0.1]]
    return ScoreMatrix(
      rowNames: ["L1", "L2", "L3"], columnNames: ["h1", "h2", "h3"], values: values,
      texts: values.map { $0.map { $0.map { tickText($0) } ?? "" } }, scale: .logarithmic(0.1...100),
      order: ScoreMatrix.order(of: values, byColumn: 2), sortedBy: 2, selected: GridPoint(column: 2, row: 1))
  }

  /// A star: the text sees what is before it only through one token.
  var mask: MaskMap {
    let isAllowed = { (query: Int, key: Int) in key <= query && (query < 70 || key >= 69) }
    return MaskMap(
      Coverage(size: 100, isSet: isAllowed),
      segments: [
        .init("bos", 0..<1), .init("anchors", 1..<5), .init("patches", 5..<69),
        .init("voco", 69..<70, isEmphasized: true), .init("text", 70..<100),
      ], cursor: GridPoint(column: 30, row: 90))
  }

  var magnifier: MaskMagnifier {
    MaskMagnifier(size: 100, center: GridPoint(column: 69, row: 71)) { query, key in
      key <= query && (query < 70 || key >= 69)
    }
  }

  private var thumbnails: Tiles {
    let tile = Tiles.Tile(pixels: (0..<48).map { UInt8($0 * 5) }, width: 4, height: 4, caption: "中 code")
    return Tiles([tile, tile, tile], tileWidth: 6, selected: 1, pictures: .best(for: look))
  }
}

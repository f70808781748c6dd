import Evidence

/// The paper's heat map as rows of shares.
package struct PaperFigureRows: Sendable, Equatable {
  package struct Row: Sendable, Equatable {
    package let name: String
    package let anchors: Int
    /// Shares of the anchors, then of the patches in raster order.
    package let all: [Double]

    /// The anchors and the first twelve patches.
    package var short: [Double] { Array(all.prefix(anchors + VocoRow.firstPatches)) }
  }

  package let rows: [Row]
  /// What the lines and values are.
  package let caption: String

  /// From nothing to the largest share.
  package var range: ClosedRange<Double> { 0...max(rows.flatMap(\.all).max() ?? 1, 1e-9) }

  func keysPerColumn(_ width: Int) -> Int {
    let keys = rows.first?.all.count ?? 0
    return max(1, (keys + max(width, 1) - 1) / max(width, 1))
  }

  /// Every row in at most `width` columns, each the largest of its keys.
  func binned(to width: Int) -> [[Double]] {
    let step = keysPerColumn(width)
    return rows.map { row in
      stride(from: 0, to: row.all.count, by: step).map { row.all[$0..<min($0 + step, row.all.count)].max() ?? 0 }
    }
  }
}

extension InspectorState {
  /// The verified pictures' rows; without them this picture's, in each layer and over all.
  package var paperFigure: PaperFigureRows {
    if !vocoRows.isEmpty {
      let rows = vocoRows.map {
        PaperFigureRows.Row(name: $0.name, anchors: $0.anchors.count, all: $0.anchors + $0.patches)
      }
      return PaperFigureRows(
        rows: rows,
        caption: "<voco> over the anchors and the first \(VocoRow.firstPatches) patches of \(rows.count) pictures: "
          + VocoRow.formula + ". The paper names no layer, head or averaging; alone this proves nothing.")
    }
    guard let attention = statistics?.attention else { return PaperFigureRows(rows: [], caption: "") }
    let layout = attention.layout
    let layers: [LayerSelection] = [.all] + (0..<attention.layers).map { .single($0) }
    let rows = layers.compactMap { layer -> PaperFigureRows.Row? in
      guard let view = AttentionView(attention, AttentionQuery(layer: layer)) else { return nil }
      let name = if case .single(let index) = layer { "layer \(index + 1)" } else { "all layers" }
      return PaperFigureRows.Row(name: name, anchors: layout.anchors.count, all: view.anchorValues + view.patchValues)
    }
    return PaperFigureRows(
      rows: rows,
      caption:
        "<voco> over the anchors and the first \(VocoRow.firstPatches) patches of this picture: mean over heads of "
        + "the softmax weight. For the paper's 16 pictures run verify and open its state with --evidence.")
  }

  /// The first patches and the sum of all, a row a picture or layer.
  var figureTable: PanelReport.Table? {
    let figure = paperFigure
    guard let first = figure.rows.first else { return nil }
    let heads = first.short.indices.map { $0 < first.anchors ? "A\($0 + 1)" : "P\($0 - first.anchors + 1)" }
    return PanelReport.Table(
      "the paper's heat map", columns: ["row"] + heads + ["all patches"],
      rows: figure.rows.map { row in
        [.text(row.name)] + row.short.map { .number($0) } + [.number(row.all.dropFirst(row.anchors).reduce(0, +))]
      })
  }
}

import ColorMaps
import Evidence
import ImageLoading
import Plots

/// The paper's heat map: voco over the anchors and the first patches, one line a picture, with all visual keys beside it.
struct PaperFigure {
  let rows: [VocoRow]
  let plan: VerifyPlan

  /// - Parameter pictures: the files of the run in its order, for thumbnails; those that cannot be read are left out.
  func figure(pictures: [String]) -> Figure? {
    guard let first = rows.first, !first.anchors.isEmpty else { return nil }
    let shown = min(VocoRow.firstPatches, first.patches.count)
    let all = rows.map { $0.anchors + $0.patches }
    let range = 0...max(all.joined().max() ?? 1, 1e-9)
    let height = Double(rows.count) * 26 + 60
    let thumbnails = tiles(pictures)
    let panels: [any FigurePanel] = [
      map(
        "anchors and first \(shown) patches", all.map { Array($0.prefix(first.anchors.count + shown)) }, range,
        first, names: true),
      map("all \(all[0].count) visual keys", all, range, first, names: false),
    ]
    let strip: [any FigurePanel] =
      thumbnails.isEmpty ? [] : [TileGrid(title: "pictures", tiles: thumbnails, columns: 2)]
    return Figure(
      title: "Attention of <voco> over \(first.anchors.count) anchors and the patches, \(rows.count) pictures",
      columnWidths: (strip.isEmpty ? [] : [max(90, height / 4.6)]) + [520, 620], rowHeights: [height],
      panels: strip + panels,
      notes: [
        "Colour: \(VocoRow.formula). One range for both maps. The paper states no layer, head or averaging rule for its "
          + "figure; the anchors hold the first visual positions, where attention sinks live, so this map alone "
          + "proves nothing: see the controls.",
        "\(plan.run.modelName), weights \(plan.run.weightsSHA256.prefix(12)), pictures "
          + "\(plan.inputs.picturesSHA256.prefix(12)), prompts “\(plan.run.prompts.joined(separator: " | "))”, vocoscope \(plan.run.version)",
      ])
  }

  private func map(
    _ title: String, _ values: [[Double]], _ range: ClosedRange<Double>, _ first: VocoRow, names: Bool
  ) -> MatrixPlot {
    let anchors = first.anchors.count
    let columns = values[0].count
    let ticks =
      names
      ? (0..<columns).map { ScaleTick(Double($0), $0 < anchors ? "A\($0 + 1)" : "P\($0 - anchors + 1)") }
      : [ScaleTick(0, "A1")]
        + stride(from: 0, to: columns - anchors, by: max(1, (columns - anchors) / 6)).dropFirst().map {
          ScaleTick(Double($0 + anchors), "P\($0 + 1)")
        }
    return MatrixPlot(
      title: title, values: values,
      rowTicks: rows.enumerated().map { ScaleTick(Double($0.offset), label($0.element, names)) },
      columnTicks: ticks, range: range, measure: "share")
  }

  /// The picture's number, and its name where there is room.
  private func label(_ row: VocoRow, _ isLong: Bool) -> String {
    isLong ? "\(row.index + 1) \(row.name.count > 18 ? "…" + row.name.suffix(17) : row.name)" : "\(row.index + 1)"
  }

  private func tiles(_ pictures: [String]) -> [TileGrid.Tile] {
    rows.filter { pictures.indices.contains($0.index) }.compactMap { row in
      (try? ImageDecoder.decode(path: pictures[row.index]).image.preview(maxSide: 160)).map {
        TileGrid.Tile($0, caption: "\(row.index + 1)")
      }
    }
  }
}

import ColorMaps

/// The box between a chart's axes: where values stand in it, and the marks drawn there.
struct ChartFrame {
  let box: PlotBox
  /// Axes whose ranges are set.
  let x: ChartAxis
  let y: ChartAxis

  private func column(_ value: Double) -> Double { box.x + box.width * (x.place(value) ?? 0.5) }
  private func row(_ value: Double) -> Double { box.maxY - box.height * (y.place(value) ?? 0.5) }

  private func place(_ xValue: Double, _ yValue: Double) -> PlotPoint? {
    x.place(xValue) != nil && y.place(yValue) != nil ? PlotPoint(column(xValue), row(yValue)) : nil
  }

  func drawAxes(rows: [ScaleTick], columns: [ScaleTick], isTilted: Bool, on canvas: PlotCanvas) {
    for tick in rows {
      let height = row(tick.value)
      canvas.line([PlotPoint(box.x, height), PlotPoint(box.maxX, height)], .rule, width: 0.7)
      canvas.text(tick.label, at: PlotPoint(box.x - 5, height), .tick, alignX: 1)
    }
    for tick in columns {
      let place = column(tick.value)
      canvas.line([PlotPoint(place, box.maxY), PlotPoint(place, box.maxY + 4)], .faint)
      if isTilted {
        canvas.text(tick.label, at: PlotPoint(place + 3, box.maxY + 8), .tick, alignX: 1, degrees: -40)
      } else {
        canvas.text(tick.label, at: PlotPoint(place, box.maxY + 6), .tick, alignX: 0.5, alignY: 0)
      }
    }
    canvas.line(
      [PlotPoint(box.x, box.y), PlotPoint(box.x, box.maxY), PlotPoint(box.maxX, box.maxY)], .faint)
  }

  func draw(_ mark: ChartMark, on canvas: PlotCanvas) {
    switch mark {
    case .line(let series): drawLine(series, on: canvas)
    case .dashedLine(let series): drawLine(series, dash: 5, on: canvas)
    case .band(let series): drawBand(series, on: canvas)
    case .points(let series, let radius):
      drawIntervals(series, on: canvas)
      for point in series.points {
        if let place = place(point.x, point.y) { canvas.disc(place, radius: radius, series.color) }
      }
    case .bars(let series, let width, let offset): drawBars(series, width: width, offset: offset, on: canvas)
    case .horizontalRule(let value, _, let color):
      guard y.place(value) != nil else { return }
      canvas.line([PlotPoint(box.x, row(value)), PlotPoint(box.maxX, row(value))], color, width: 1.2, dash: 4)
    case .verticalRule(let value, _, let color):
      guard x.place(value) != nil else { return }
      canvas.line([PlotPoint(column(value), box.y), PlotPoint(column(value), box.maxY)], color, width: 1.2, dash: 4)
    }
  }

  private func drawLine(_ series: DataSeries, dash: Double = 0, on canvas: PlotCanvas) {
    canvas.line(series.points.compactMap { place($0.x, $0.y) }, series.color, width: 2, dash: dash)
    drawIntervals(series, on: canvas)
  }

  private func drawBand(_ series: DataSeries, on canvas: PlotCanvas) {
    let ends = series.points.compactMap { point -> (PlotPoint, PlotPoint)? in
      guard let low = place(point.x, point.low ?? point.y), let high = place(point.x, point.high ?? point.y) else {
        return nil
      }
      return (low, high)
    }
    canvas.polygon(ends.map(\.1) + ends.reversed().map(\.0), series.color.faded(to: 0.22))
    canvas.line(series.points.compactMap { place($0.x, $0.y) }, series.color, width: 2)
  }

  private func drawIntervals(_ series: DataSeries, offset: Double = 0, color: PlotColor? = nil, on canvas: PlotCanvas) {
    for point in series.points {
      guard let low = point.low, let high = point.high, let top = place(point.x + offset, high) else { continue }
      let foot = place(point.x + offset, low) ?? PlotPoint(top.x, box.maxY)
      canvas.line([foot, top], color ?? series.color, width: 1.2)
      for end in [foot, top] {
        canvas.line([PlotPoint(end.x - 3, end.y), PlotPoint(end.x + 3, end.y)], color ?? series.color, width: 1.2)
      }
    }
  }

  private func drawBars(_ series: DataSeries, width: Double, offset: Double, on canvas: PlotCanvas) {
    let foot = y.scale == .linear ? row(min(max(0, y.range?.lowerBound ?? 0), y.range?.upperBound ?? 0)) : box.maxY
    for point in series.points {
      guard let top = place(point.x + offset, point.y) else { continue }
      let left = column(point.x + offset - width / 2)
      let right = column(point.x + offset + width / 2)
      canvas.fill(
        PlotBox(x: left, y: min(top.y, foot), width: right - left, height: abs(foot - top.y)), series.color)
    }
    drawIntervals(series, offset: offset, color: .ink, on: canvas)
  }
}

package import ColorMaps

/// How often values fall into bins of equal width, as columns to an eighth of a cell over an axis.
package struct Histogram: Widget, Sendable, Hashable {
  package var title: String
  /// What is counted, with its unit.
  package var name: String
  package var counts: [Int]
  /// The lowest value of the first bin, the highest of the last.
  package var range: ClosedRange<Double>
  /// The bin that is looked at.
  package var marked: Int?
  /// Values to be held against, with their names: a mean, what is looked at.
  package var references: [ScaleTick]

  package init(
    title: String = "", name: String, counts: [Int], range: ClosedRange<Double>, marked: Int? = nil,
    references: [ScaleTick] = []
  ) {
    (self.title, self.name, self.counts, self.range) = (title, name, counts, range)
    (self.marked, self.references) = (marked, references)
  }

  /// Parts are the bins by number.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Int>] {
    let width = range.upperBound - range.lowerBound
    let points = counts.enumerated().map { index, count in
      ChartPoint(range.lowerBound + (Double(index) + 0.5) * width / Double(counts.count), Double(count))
    }
    let marks: [ChartMark] =
      [.columns(ChartSeries(points: points))] + references.map { ChartMark.position($0.value, name: $0.label) }
    let most = Double(max(1, counts.max() ?? 1))
    let chart = Chart(
      title: title, x: Chart.Axis(name, .linear(range)), y: Chart.Axis("", .linear(0...most)),
      marks: marks, cursor: marked)
    return chart.draw(in: rect, of: &frame, look)
  }
}

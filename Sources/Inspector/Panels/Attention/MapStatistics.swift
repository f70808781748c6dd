package import Evidence
import Foundation
import Trace

/// What follows from a trace under one choice of layer, head and metric; computed when one of them changes.
package struct MapStatistics: Sendable {
  package let view: AttentionView
  /// The range of values that the colours span.
  package let range: ClosedRange<Double>
  package let scale: MapScale
  /// `[P]`, where each patch lies between the colours' ends, 0…1; not a number where it is not shown.
  package let positions: [Double]
  /// The matrix and the curve, which do not depend on layer and head.
  package let cells: CellStatistics
  /// The same numbers of the run with edges cut; `nil` when no knock-out is shown.
  package let knockOut: AttentionView?

  /// `nil` if the trace holds no such metric.
  init?(_ attention: VocoAttention, settings: ViewSettings, cells: CellStatistics?, knockOut: KnockOutResult?) {
    guard let view = AttentionView(attention, settings.query) else { return nil }
    self.view = view
    scale = settings.scale
    let patches = view.layout.patches.filter { view.shown[$0] }.map { view.values[$0] }
    range = settings.heldRange ?? (patches.min() ?? 0)...(patches.max() ?? 0)
    let wanted = CellStatistics.statistic(for: settings.metric, attention.layout)
    self.cells =
      if let cells, cells.statistic == wanted, cells.hidesSinks == settings.hidesSinks {
        cells
      } else {
        CellStatistics(attention, wanted, hidesSinks: settings.hidesSinks)
      }
    self.knockOut = knockOut.flatMap { result in
      let cut = try? VocoAttention(layout: attention.layout, attention: result.attentionVoco)
      return cut.flatMap { AttentionView($0, settings.query) }
    }
    positions = MapStatistics.positions(of: view, range: range, scale: scale)
  }

  /// Where a key lies between the colours' ends, 0…1; not a number where it is not shown.
  package func position(of key: Int) -> Double {
    MapStatistics.position(of: key, view, range: range, scale: scale)
  }

  static func positions(of view: AttentionView, range: ClosedRange<Double>, scale: MapScale) -> [Double] {
    view.layout.patches.map { position(of: $0, view, range: range, scale: scale) }
  }

  private static func position(of key: Int, _ view: AttentionView, range: ClosedRange<Double>, scale: MapScale)
    -> Double
  {
    guard view.shown.indices.contains(key), view.shown[key] else { return .nan }
    switch scale {
    case .linear: return fraction(view.values[key], range.lowerBound, range.upperBound)
    case .logarithmic:
      let low = logarithmicFloor(range)
      guard low > 0, view.values[key] > 0 else { return 0 }
      return fraction(log(view.values[key]), log(low), log(range.upperBound))
    case .rank:
      guard let rank = view.rank(of: key), view.shownCount > 1 else { return 1 }
      return 1 - Double(rank - 1) / Double(view.shownCount - 1)
    }
  }

  /// The lower end of a logarithmic scale: the smallest value, but at most four decades below the largest.
  package static func logarithmicFloor(_ range: ClosedRange<Double>) -> Double {
    max(range.lowerBound, range.upperBound * 1e-4)
  }

  private static func fraction(_ value: Double, _ low: Double, _ high: Double) -> Double {
    high > low ? min(1, max(0, (value - low) / (high - low))) : value >= high && value > 0 ? 1 : 0
  }
}

/// One number of every layer and head, and its curve over layers.
package struct CellStatistics: Sendable {
  package let statistic: CellStatistic
  package let hidesSinks: Bool
  /// `[L][H]`; `nil` where it is undefined.
  package let matrix: [[Double?]]
  /// `[L]`.
  package let curve: [Double?]
  /// What uniform attention would give; `nil` where that depends on the values.
  package let uniform: Double?
  package let formula: String

  init(_ attention: VocoAttention, _ statistic: CellStatistic, hidesSinks: Bool) {
    let sinks = hidesSinks ? Set(attention.sinks(.all)) : []
    self.statistic = statistic
    self.hidesSinks = hidesSinks
    matrix = attention.matrix(statistic, excluding: sinks)
    curve = attention.curve(statistic, excluding: sinks)
    uniform = statistic.uniform(layout: attention.layout)
    formula = statistic.formula(layout: attention.layout)
  }

  /// The largest defined number of matrix, curve and uniform line.
  package var maximum: Double {
    max(matrix.flatMap { $0 }.compactMap { $0 }.max() ?? 0, curve.compactMap { $0 }.max() ?? 0, uniform ?? 0)
  }

  /// Rollout has no heads: beside it the matrix shows the anchors' share. Without anchors it is the patches'.
  static func statistic(for metric: AttentionMetric, _ layout: KeyLayout) -> CellStatistic {
    guard !layout.anchors.isEmpty else { return .patchShare }
    return switch metric {
    case .share, .rollout: .anchorShare
    case .lift: .lift
    case .normWeighted: .normWeightedShare
    }
  }
}

extension InspectorState {
  /// Computes the map again after the view or the trace changed.
  mutating func refreshMap() {
    let previous = statistics?.attention == nil ? nil : map?.cells
    if let available = statistics?.attention?.metrics, !available.contains(view.metric) { view.metric = .share }
    map = statistics?.attention.flatMap {
      MapStatistics($0, settings: view, cells: previous, knockOut: shownKnockOut)
    }
    refreshPicture()
  }
}

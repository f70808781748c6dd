package import ColorMaps
package import Evidence
import Reports
import Statistics
import TerminalUI
import Trace

/// What follows from a trace under one choice of layer, head and metric; computed when one of them changes.
package struct MapStatistics: Sendable {
  package let view: AttentionView
  /// The values that the colours span.
  package let colors: ValueScale
  /// `[P]`, where each patch lies between the colours' ends, 0…1; not a number where it is not shown.
  package let positions: [Double]
  /// The curve over layers and its heads, which do not depend on layer and head.
  package let cells: CellStatistics
  /// What the layer × head matrix shows: lifts, or a share where there are no anchors to compare.
  package let matrix: CellStatistics
  /// Where each layer and head looks, whatever is chosen.
  let profile: LayerProfile
  /// The same numbers of the run with edges cut; `nil` when no knock-out is shown.
  package let knockOut: AttentionView?
  /// `[P]`, the knock-out's values minus the run's; not a number where either is not shown. Empty without a knock-out.
  package let difference: [Double]
  /// The largest change of a patch; the ends of the difference's colours.
  package let differenceLimit: Double
  /// `[P]`, the knock-out's patches on the same colours.
  package let cutPositions: [Double]
  /// The keys that stand beside the map, with their positions.
  let listed: [(key: KeyReference, position: Int)]

  package var scale: ValueScale.Kind { colors.kind }
  package var range: ClosedRange<Double> { colors.range }

  /// `nil` if the trace holds no such metric.
  init?(
    _ attention: VocoAttention, settings: ViewSettings, links: CursorLinks, previous: MapStatistics?,
    knockOut result: KnockOutResult?
  ) {
    guard let view = AttentionView(attention, settings.query) else { return nil }
    self.view = view
    let shown = (view.layout.patches + view.layout.anchors).filter { view.shown[$0] }.map { view.values[$0] }
    let colors =
      settings.heldRange.map { ValueScale(settings.scale, over: $0, values: shown) }
      ?? ValueScale(settings.scale, holding: shown)
    self.colors = colors
    let hasAnchors = !view.layout.anchors.isEmpty
    cells = CellStatistics.kept(
      previous?.cells, attention, CellStatistics.statistic(for: settings.metric, view.layout),
      hidesSinks: settings.hidesSinks)
    matrix = CellStatistics.kept(
      previous?.matrix, attention,
      !hasAnchors ? .patchShare : settings.metric == .normWeighted ? .normWeightedLift : .lift,
      hidesSinks: settings.hidesSinks)
    profile = LayerProfile.kept(previous?.profile, attention, hidesSinks: settings.hidesSinks)
    let cut = result.flatMap { result in
      (try? VocoAttention(layout: attention.layout, attention: result.attentionVoco))
        .flatMap { AttentionView($0, settings.query) }
    }
    knockOut = cut
    positions = MapStatistics.positions(of: view, colors)
    cutPositions = cut.map { MapStatistics.positions(of: $0, colors) } ?? []
    difference =
      cut.map { cut in
        view.layout.patches.map { view.shown[$0] && cut.shown[$0] ? cut.values[$0] - view.values[$0] : .nan }
      } ?? []
    differenceLimit = difference.filter(\.isFinite).map(abs).max() ?? 0
    let answer = (links.sequence?.length ?? 0)..<max(links.sequence?.length ?? 0, view.layout.length)
    listed =
      links.listedKeys(upTo: view.layout.query).compactMap { key in
        links.position(of: key).flatMap { view.layout.roles[$0] == .unseen ? nil : (key: key, position: $0) }
      } + answer.filter { view.layout.roles[$0] != .unseen }.map { (key: KeyReference.position($0), position: $0) }
  }

  /// Where a key lies between the colours' ends, 0…1; not a number where it is not shown.
  package func position(of key: Int) -> Double { MapStatistics.position(of: key, view, colors) }

  private static func positions(of view: AttentionView, _ colors: ValueScale) -> [Double] {
    view.layout.patches.map { position(of: $0, view, colors) }
  }

  private static func position(of key: Int, _ view: AttentionView, _ colors: ValueScale) -> Double {
    guard view.shown.indices.contains(key), view.shown[key] else { return .nan }
    if colors.range.lowerBound == colors.range.upperBound { return view.values[key] > 0 ? 1 : 0 }
    return colors.clampedPosition(view.values[key]) ?? .nan
  }
}

extension ValueScale {
  /// The scale of a kind over a range that is held; ranks are always among `values`.
  init(_ kind: Kind, over range: ClosedRange<Double>, values: [Double]) {
    switch kind {
    case .rank: self = .rank(of: values)
    case .logarithmic where range.upperBound > 0:
      self = .logarithmic(max(range.lowerBound, range.upperBound * 1e-4)...range.upperBound)
    case .linear, .logarithmic: self = .linear(range)
    }
  }
}

/// One number of every layer and head, and its curve over layers.
package struct CellStatistics: Sendable {
  package let statistic: CellStatistic
  package let hidesSinks: Bool
  /// The query that the numbers belong to.
  let query: Int
  /// `[L][H]`; `nil` where it is undefined.
  package let matrix: [[Double?]]
  /// `[L]`.
  package let curve: [Double?]
  /// `[H]`, each head over the live layers, and one number of them all.
  let headCurve: [Double?]
  let whole: Double?
  /// What uniform attention would give; `nil` where that depends on the values.
  package let uniform: Double?
  package let formula: String
  /// The largest defined number of matrix, curve and uniform line, and the smallest positive one.
  package let maximum: Double
  let leastPositive: Double

  private init(_ attention: VocoAttention, _ statistic: CellStatistic, hidesSinks: Bool) {
    let sinks = hidesSinks ? Set(attention.sinks(.all)) : []
    self.statistic = statistic
    self.hidesSinks = hidesSinks
    query = attention.layout.query
    matrix = attention.matrix(statistic, excluding: sinks)
    curve = attention.curve(statistic, excluding: sinks)
    (headCurve, whole) = attention.headCurve(statistic, excluding: sinks)
    uniform = statistic.uniform(layout: attention.layout)
    formula = statistic.formula(layout: attention.layout)
    let all = (matrix.joined() + curve + [uniform]).compactMap { $0 }
    maximum = all.max() ?? 0
    leastPositive = all.filter { $0 > 0 }.min() ?? 0
  }

  /// The numbers computed before where they are the ones that are asked for.
  static func kept(
    _ before: CellStatistics?, _ attention: VocoAttention, _ statistic: CellStatistic, hidesSinks: Bool
  ) -> CellStatistics {
    if let before, before.statistic == statistic, before.hidesSinks == hidesSinks,
      before.query == attention.layout.query
    {
      return before
    }
    return CellStatistics(attention, statistic, hidesSinks: hidesSinks)
  }

  /// Rollout has no heads: beside it the curve shows the anchors' share.
  static func statistic(for metric: AttentionMetric, _ layout: KeyLayout) -> CellStatistic {
    if layout.anchors.isEmpty { return layout.patches.isEmpty ? .prefixShare : .patchShare }
    return switch metric {
    case .share, .rollout: .anchorShare
    case .lift: .lift
    case .normWeighted: .normWeightedShare
    }
  }

  /// Whether the numbers are ratios, which stand on a logarithmic axis.
  var isRatio: Bool { [.lift, .normWeightedLift, .liftOverUniform].contains(statistic) }

  /// What the numbers are counted in.
  var unit: String {
    switch statistic {
    case .entropy: "nats"
    case .effectiveKeys: "keys"
    default: isRatio ? "lift" : "share"
    }
  }

  /// The axis of the numbers: ratios over powers of ten with a floor, shares from 0.
  var axis: ValueScale {
    guard isRatio, maximum > 0 else { return .linear(0...max(maximum, .ulpOfOne)) }
    return .logarithmic(max(min(leastPositive, 0.5), CellStatistics.floor)...max(maximum, 2))
  }

  /// A ratio below this is as good as none.
  static let floor = 0.01

  /// The number in a report.
  func value(_ value: Double?) -> ReportValue { isRatio ? .init(lift: value) : .init(number: value) }

  func text(_ value: Double) -> String {
    switch statistic {
    case .entropy, .effectiveKeys: Format.number(value)
    default: isRatio ? liftText(value) : Format.percent(value)
    }
  }
}

/// Where the inspected token looks in each layer and head: parts of a whole, how far it spreads, and the keys it looks at
/// most. It depends on neither layer, head nor metric.
struct LayerProfile: Sendable {
  private static let listedKeys = 5

  /// The query that it belongs to.
  private let query: Int
  private let hidesSinks: Bool
  /// A row a layer of its heads' mean, and a row a head, layer by layer; what nobody reads is left out.
  let layers: StackedBars
  let heads: StackedBars
  /// Head as column and layer as row, of each row of `heads`.
  let places: [GridPoint]
  /// Over how many keys each head spreads.
  let spread: CellStatistics
  /// `[L]`, the most attended keys of each layer's mean over heads, the first of them first; empty where nobody reads.
  let keys: [[(position: Int, share: Double)]]

  /// What was computed before, where it is what is asked for.
  static func kept(_ before: LayerProfile?, _ attention: VocoAttention, hidesSinks: Bool) -> LayerProfile {
    let same = before.flatMap { $0.query == attention.layout.query ? $0 : nil }
    if let same, same.hidesSinks == hidesSinks { return same }
    // How far heads spread is counted over all keys.
    let spread = same?.spread ?? CellStatistics.kept(nil, attention, .effectiveKeys, hidesSinks: false)
    return LayerProfile(attention, spread, hidesSinks: hidesSinks)
  }

  private init(_ attention: VocoAttention, _ spread: CellStatistics, hidesSinks: Bool) {
    let sinks = hidesSinks ? Set(attention.sinks(.all)) : []
    (query, self.hidesSinks) = (attention.layout.query, hidesSinks)
    self.spread = spread
    let live = Array(attention.liveLayers)
    let shares = live.map { layer in
      (0..<attention.heads).map { attention.shares(layer: layer, head: $0, excluding: sinks) }
    }
    let hasAnchors = !attention.layout.anchors.isEmpty
    let vocos = attention.layout.earlierVocos
    let kinds: [(part: StackedBars.Kind, value: (AttentionShares) -> Double)] = [
      (.init("anchors", color: 1), \.anchors), (.init("patches", color: 0), \.patches),
      (.init(attention.layout.prefixName, color: 2), \.prefix), (.init("voco", color: 3), \.earlierVocos),
      (.init("self", color: 4), \.itself),
    ].filter { (hasAnchors || $0.0.name != "anchors") && (!vocos.isEmpty || $0.0.name != "voco") }
    func row(_ name: String, _ shares: AttentionShares) -> StackedBars.Row {
      let values = kinds.map { $0.value(shares) }
      return StackedBars.Row(name, values, texts: values.map(Format.percent))
    }
    func bars(_ title: String, _ rows: [StackedBars.Row]) -> StackedBars {
      StackedBars(title: title, parts: kinds.map(\.part), rows: rows)
    }
    layers = bars(
      "where each layer looks", zip(live, shares).map { row("L\($0 + 1)", AttentionShares.mean($1)) })
    places = live.flatMap { layer in (0..<attention.heads).map { GridPoint(column: $0, row: layer) } }
    heads = bars(
      "where each head looks",
      zip(places, shares.joined()).map { row("L\($0.row + 1) h\($0.column + 1)", $1) })
    keys = live.map { layer in
      var mean = [Double](repeating: 0, count: attention.layout.length)
      for head in 0..<attention.heads {
        let row = attention.row(layer: layer, head: head)
        for key in attention.layout.visible where !sinks.contains(key) { mean[key] += row[key] }
      }
      var best: [(position: Int, share: Double)] = []
      for key in attention.layout.visible {
        let share = mean[key] / Double(attention.heads)
        guard best.count < Self.listedKeys || share > best[best.count - 1].share else { continue }
        best.insert((key, share), at: best.firstIndex { $0.share < share } ?? best.count)
        if best.count > Self.listedKeys { best.removeLast() }
      }
      return best
    }
  }
}

/// A lift in words: one of almost nothing, or over almost nothing, has no digits that mean anything.
package func liftText(_ lift: Double?) -> String {
  guard let lift, lift.isFinite else { return "×\(Format.none)" }
  if lift < CellStatistics.floor { return "<×0.01" }
  return lift >= 1000 ? ">×999" : lift < 1 ? "×" + decimal(lift, digits: 2) : Format.times(lift)
}

extension CursorLinks {
  /// The keys that have no place in the picture, up to a query: anchors, then everything else.
  func listedKeys(upTo query: Int) -> [KeyReference] {
    guard let sequence else { return [] }
    return (0..<sequence.anchors.count).map(KeyReference.anchor)
      + sequence.others.filter { $0 <= query }.map(KeyReference.position)
  }
}

/// What the panel says of the map.
extension InspectorState {
  var attentionFindings: [String] {
    guard map != nil else { return [] }
    if view.display == .lens { return [lensFinding ?? "lens", "view: lens"] }
    let token = view.inspected == .voco ? "" : "of \(inspectedToken)"
    let isWhole = view.layer == nil && view.head == nil
    return [token, attentionFinding, isWhole ? strongestWords : choiceWords, "view: \(view.display.rawValue)"]
  }

  /// `anchors ×7.4 a patch`, of the layer and head on screen.
  var attentionFinding: String {
    guard let map else { return "" }
    let shares = map.view.shares
    if let lift = shares.lift { return "anchors \(liftText(lift)) a patch" }
    if map.view.layout.anchors.isEmpty && shares.patches > 0 { return "patches \(Format.percent(shares.patches))" }
    let others = map.listed.filter { $0.position != map.view.layout.query }
    guard let most = others.max(by: { map.view.values[$0.position] < map.view.values[$1.position] }) else { return "" }
    return "most at \(keyName(most.position)) (\(Format.percent(map.view.values[most.position])))"
  }

  /// `most in layer 2 head 1 (×98)`
  var strongestWords: String {
    guard let best = inspected?.strongest else { return "" }
    return "most in layer \(best.layer + 1) head \(best.head + 1) (\(liftText(best.lift)))"
  }

  /// The upper end of a colour bar in words, where its number may have digits that mean nothing; nil prints the number.
  func highEnd(of scale: ValueScale) -> String? {
    view.metric == .lift ? liftText(scale.range.upperBound) : nil
  }

  /// `layer 2 head 1: anchors get most, ×98 a patch; z cuts <voco> off there`
  var strongestNotice: String? {
    guard let best = inspected?.strongest else { return nil }
    let place = "layer \(best.layer + 1) head \(best.head + 1)"
    let key = keyMap.hint(.knockOutHead, unicode: glyphs.isUnicode)
    let next =
      key.isEmpty || knockOutObstacle(.knockOutHead) != nil ? "" : "; \(key) cuts \(inspectedToken) off there"
    return "\(place): anchors get most, \(liftText(best.lift)) a patch\(next)"
  }

  /// The shares of the kinds of keys under the metric on screen.
  func shareLines(_ map: MapStatistics) -> [String] {
    let shares = map.view.shares
    let uniform = view.metric == .lift ? Format.times(map.view.uniform) : Format.percent(map.view.uniform)
    let vocos = map.view.layout.earlierVocos.isEmpty ? [] : ["voco    \(Format.percent(shares.earlierVocos))"]
    let prefix = TextTable.padded(map.view.layout.prefixName, to: 7)
    return [
      "anchors \(Format.percent(shares.anchors)) \(liftText(shares.lift))",
      "patches \(Format.percent(shares.patches))", "\(prefix) \(Format.percent(shares.prefix))",
    ] + vocos + ["self    \(Format.percent(shares.itself))", "uniform \(uniform) \(glyphs.vertical)"]
  }

  /// What single heads of `<voco>` carry of what the anchors hold, by the verified pictures.
  var causalHeadWords: String? {
    guard view.inspected == .voco, let effects = verdict?.headEffects.first else { return nil }
    let above = effects.heads.filter(\.isAbove).map { "\($0.place.name) \($0.effect.text)" }
    let found = above.isEmpty ? "no head of \(effects.heads.count)" : above.joined(separator: ", ")
    return
      "Part of the answer's way that the anchors' values go in one head alone: \(found); in all \(effects.together.text)."
  }

  /// The formula of the numbers on the map, and the rule by which keys are left out.
  func formulaWords(_ map: MapStatistics) -> String {
    var words = map.view.formula
    if let dead = inspected?.deadLayer, view.layer == dead {
      words = "Layer \(dead + 1) is read by nobody: what \(inspectedToken) attends to there goes nowhere. " + words
    }
    if view.hidesSinks { words += ". \(SinkRule().sentence(visible: map.view.layout.visible.count))" }
    return causalHeadWords.map { words + (words.hasSuffix(".") ? " " : ". ") + $0 } ?? words
  }
}

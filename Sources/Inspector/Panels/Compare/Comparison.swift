package import ColorMaps
import Evidence
import Reports
import Statistics
package import Tensor
import TerminalUI
package import Trace

/// What the run on screen is held against.
package struct ComparedRun: Sendable {
  /// What was made different.
  package enum Kind: String, Sendable, CaseIterable, Codable {
    case picture, prompt, checkpoint, trace, cut, precision
  }

  package enum Outcome: Sendable {
    /// A whole run; its picture as it was decoded, `nil` where only the trace is there.
    case run(Trace, picture: Picture?)
    /// The same run with edges cut or anchors swapped.
    case cut(KnockOutResult)
  }

  package let kind: Kind
  /// A picture's name, a question, a checkpoint's name, a file's, a cut in words.
  package let name: String
  package let outcome: Outcome

  package init(kind: Kind, name: String, outcome: Outcome) {
    (self.kind, self.name, self.outcome) = (kind, name, outcome)
  }

  package init(_ cut: KnockOutResult) { self.init(kind: .cut, name: cut.request.words, outcome: .cut(cut)) }

  package var trace: Trace? { if case .run(let trace, _) = outcome { trace } else { nil } }

  var answer: String {
    switch outcome {
    case .run(let trace, _): trace.generation?.text ?? ""
    case .cut(let result): result.answer
    }
  }

  /// The picture that the second run saw; of a cut that of the first.
  func picture(first: Picture?) -> Picture? {
    switch outcome {
    case .run(let trace, let picture): picture ?? trace.mgvq.map { Picture(signed: $0.pixelValues) }
    case .cut: first
    }
  }
}

/// A second run that has to be made; it comes back as `.compared`.
package enum CompareRequest: Sendable, Hashable {
  /// The same question about another picture; without a path the next one of the folder.
  case picture(path: String)
  /// Another question about the same picture.
  case prompt(String)
  /// A trace file, or a checkpoint that runs on the same picture and question.
  case file(path: String)
}

/// Two runs held against each other under one choice of layer, head and metric; computed when one of them changes.
package struct Comparison: Sendable {
  /// A key that both runs see, with its value in each.
  package struct Change: Sendable, Equatable {
    package let key: KeyReference
    package let name: String
    package let first: Double
    package let second: Double

    package var difference: Double { Comparison.difference(first, second) }
  }

  /// One property of the two runs.
  package struct Setting: Sendable, Equatable {
    package let name: String
    package let first: String
    package let second: String
  }

  /// What differs first: it is why the two are held against each other.
  package let settings: [Setting]
  /// What the runs' results have in common, as numbers.
  package let facts: [PanelReport.Fact]
  /// Why there are no maps to hold against each other; `nil` where there are.
  package let obstacle: String?
  /// `the second has no anchors`; nil where both have some or neither has.
  let anchorless: String?
  /// The values that both maps' colours span.
  package let scale: ValueScale
  /// `[P]`, values of both; not a number where a run does not show the patch.
  package let first: [Double]
  package let second: [Double]
  /// `[P]`, second − first, and the largest magnitude of any key: the ends of its colours.
  package let difference: [Double]
  package let limit: Double
  /// Keys by the magnitude of their change, the largest first.
  package let changes: [Change]
  /// `[L][H]`, the anchors' share in the second run minus that in the first; empty where the heads differ.
  package let heads: [[Double?]]
  package let headLimit: Double
  /// What each kind of key gets of the attention in both.
  let shares: [(name: String, first: Double, second: Double)]
  /// The edges that one run may use and the other may not; `nil` where there are none.
  package let masks: MaskDifference?
  /// The second picture's square, reduced for display.
  package let picture: Picture?
  private let places: [KeyReference: Int]

  /// Second − first; what two orders of the same sum differ by is nothing.
  private static func difference(_ first: Double, _ second: Double) -> Double {
    let difference = second - first
    return abs(difference) <= 1e-12 * max(abs(first), abs(second)) ? 0 : difference
  }

  package subscript(key: KeyReference) -> Change? { places[key].map { changes[$0] } }
}

extension Comparison {
  /// - Parameters:
  ///   - row: the first run's inspected row.
  ///   - before: what was computed of the same two runs.
  init(
    _ state: InspectorState, row: InspectedAttention?, with compared: ComparedRun, display: Picture?,
    before: Comparison?
  ) {
    let query = state.view.query
    let other = row.flatMap { Self.attention(of: compared, like: $0.attention) }
    let views = row.flatMap { row in
      other.flatMap { other -> (AttentionView, AttentionView)? in
        guard let a = AttentionView(row.attention, query), let b = AttentionView(other, query) else { return nil }
        return (a, b)
      }
    }
    let pairs = views.map { Self.pairs($0.0, $0.1, state) } ?? []
    let patches = pairs.compactMap { pair -> (Double, Double)? in
      if case .patch = pair.key { (pair.first, pair.second) } else { nil }
    }
    let fits = views.map { $0.0.layout.patches.count == $0.1.layout.patches.count } ?? false
    picture = display
    obstacle = Self.obstacle(views: views, fits: fits, row: row, other: other, compared)
    anchorless = views.flatMap { first, second in
      let (hasFirst, hasSecond) = (!first.layout.anchors.isEmpty, !second.layout.anchors.isEmpty)
      return hasFirst == hasSecond ? nil : "the \(hasFirst ? "second" : "first") has no anchors"
    }
    scale = ValueScale(state.view.scale, holding: pairs.flatMap { [$0.first, $0.second] })
    (first, second) = (patches.map(\.0), patches.map(\.1))
    difference = patches.map { Self.difference($0.0, $0.1) }
    changes = pairs.filter { $0.difference.isFinite }
      .enumerated().sorted { (abs($1.element.difference), $0.offset) < (abs($0.element.difference), $1.offset) }
      .map(\.element)
    limit = changes.first.map { abs($0.difference) } ?? 0
    places = Dictionary(changes.enumerated().map { ($0.element.key, $0.offset) }) { first, _ in first }
    heads = row.flatMap { row in other.map { Self.heads(row.attention, $0) } } ?? []
    headLimit = heads.joined().compactMap { $0.map(abs) }.max() ?? 0
    shares = views.map { Self.shares($0.0.shares, $0.1.shares) } ?? []
    masks = before.map(\.masks) ?? Self.masks(state, compared)
    let all = Self.settings(state, compared)
    settings = all.filter { $0.first != $0.second } + all.filter { $0.first == $0.second }
    facts = Self.facts(state, compared, views: views, masks: masks)
  }

  /// The second run's row of the token that is looked at in the first.
  private static func attention(of compared: ComparedRun, like first: VocoAttention) -> VocoAttention? {
    switch compared.outcome {
    case .cut(let result):
      return first.layout.isVoco ? try? VocoAttention(layout: first.layout, attention: result.attentionVoco) : nil
    case .run(let trace, _):
      guard first.layout.isVoco || trace.model.vocoTokens == 0 else {
        return trace.language.flatMap { language in
          trace.sequence.flatMap { sequence in
            (try? KeyLayout(sequence, patchGrid: trace.model.patchGrid, query: sequence.length - 1)).flatMap {
              try? VocoAttention(layout: $0, attention: language.attentionLast)
            }
          }
        }
      }
      return try? VocoAttention(trace)
    }
  }

  private static func obstacle(
    views: (AttentionView, AttentionView)?, fits: Bool, row: InspectedAttention?, other: VocoAttention?,
    _ compared: ComparedRun
  ) -> String? {
    if row == nil { return "the decoder has not run yet" }
    if other == nil { return "\(compared.name) holds no attention of this token" }
    if views == nil { return "one of the two has no such layer, head or metric" }
    return fits ? nil : "the two grids of patches differ, so that no patch stands for another"
  }

  /// Keys that are the same thing in both: an anchor or patch by its number, any other by its place from the start.
  private static func pairs(_ a: AttentionView, _ b: AttentionView, _ state: InspectorState) -> [Change] {
    func change(_ key: KeyReference, _ first: Int, _ second: Int) -> Change {
      Change(
        key: key, name: state.keyName(first), first: a.shown[first] ? a.values[first] : .nan,
        second: b.shown[second] ? b.values[second] : .nan)
    }
    let anchors = zip(a.layout.anchors, b.layout.anchors).enumerated().map { change(.anchor($0), $1.0, $1.1) }
    let others = zip(a.layout.prefix + [a.layout.query], b.layout.prefix + [b.layout.query]).map {
      change(.position($0), $0, $1)
    }
    guard a.layout.patches.count == b.layout.patches.count else { return anchors + others }
    return anchors + others
      + zip(a.layout.patches, b.layout.patches).enumerated().map { change(.patch($0), $1.0, $1.1) }
  }

  private static func shares(
    _ a: AttentionShares, _ b: AttentionShares
  ) -> [(name: String, first: Double, second: Double)] {
    [
      ("anchors", a.anchors, b.anchors), ("patches", a.patches, b.patches), ("prefix", a.prefix, b.prefix),
      ("self", a.itself, b.itself),
    ].filter { $0.1 > 0 || $0.2 > 0 }
  }

  /// A whole run has a mask of its own; a cut takes edges of `<voco>` away.
  private static func masks(_ state: InspectorState, _ compared: ComparedRun) -> MaskDifference? {
    guard let sequence = state.trace?.sequence else { return nil }
    switch compared.outcome {
    case .run(let trace, _): return trace.sequence.flatMap { MaskDifference(sequence, $0) }
    case .cut(let result):
      guard result.request.donor == nil else { return nil }
      return MaskDifference(sequence, cut: result.request.keys, words: result.request.scope)
    }
  }

  private static func heads(_ a: VocoAttention, _ b: VocoAttention) -> [[Double?]] {
    guard a.layers == b.layers, a.heads == b.heads, !a.layout.anchors.isEmpty, !b.layout.anchors.isEmpty else {
      return []
    }
    let (first, second) = (a.matrix(.anchorShare), b.matrix(.anchorShare))
    return zip(first, second).enumerated().map { layer, rows in
      zip(rows.0, rows.1).map { x, y in
        guard a.liveLayers.contains(layer), let x, let y else { return nil }
        return y - x
      }
    }
  }
}

extension Comparison {
  /// What the two runs were made with, line by line.
  static func settings(_ state: InspectorState, _ compared: ComparedRun) -> [Setting] {
    guard let trace = state.trace else { return [] }
    guard let other = compared.trace else {
      return [
        Setting(name: "run", first: "nothing cut", second: compared.name),
        Setting(name: "answer", first: trace.generation?.text ?? "", second: compared.answer),
      ]
    }
    func setting(_ name: String, _ value: (Trace) -> String) -> Setting {
      Setting(name: name, first: value(trace), second: value(other))
    }
    func digest(_ text: String) -> String { text.isEmpty ? "not known" : String(text.prefix(12)) }
    return [
      setting("picture") { $0.provenance.imageName }, setting("picture SHA-256") { digest($0.provenance.imageSHA256) },
      setting("prompt") { $0.provenance.prompt }, setting("checkpoint") { $0.provenance.modelName },
      setting("weights SHA-256") { digest($0.provenance.weightsSHA256) },
      setting("config SHA-256") { digest($0.provenance.configSHA256) },
      setting("mask") { $0.model.visualMask.rawValue }, setting("precision") { $0.model.precision.rawValue },
      setting("layers × heads") { "\($0.model.layers) × \($0.model.heads)" },
      setting("edits") { $0.provenance.edits.isEmpty ? "none" : $0.provenance.edits },
      setting("answer") { $0.generation?.text ?? "" },
    ]
  }

  /// How far the runs' results are apart.
  static func facts(
    _ state: InspectorState, _ compared: ComparedRun, views: (AttentionView, AttentionView)?, masks: MaskDifference?
  ) -> [PanelReport.Fact] {
    guard let trace = state.trace else { return [] }
    var facts: [PanelReport.Fact] = []
    func add(_ name: String, _ value: ReportValue) { facts.append(.init(name: name, value: value)) }
    add("same answer", .flag((trace.generation?.text ?? "") == compared.answer))
    switch compared.outcome {
    case .cut(let result):
      add("KL of the next token, nat", .number(result.kl))
      add("change of the answer's lead, logits", .number(result.leadChange))
    case .run(let other, _):
      if let p = trace.language?.logits, let q = other.language?.logits, p.count == q.count {
        add("KL of the next token, nat", .number(Divergence.kl(reference: p, changed: q)))
      }
      if let a = trace.language?.hiddenVoco, let b = other.language?.hiddenVoco, a.shape == b.shape, a.shape[0] > 0 {
        let last = a.shape[0] - 1
        add("cosine of the last state", .number(Divergence.cosine(a[row: last], b[row: last])))
      }
      addParts(trace, other, masks, add)
    }
    guard let (a, b) = views else { return facts }
    if !a.layout.anchors.isEmpty || !b.layout.anchors.isEmpty {
      // A share of nothing that a model has is no share of 0.
      add("anchors' share, first", a.layout.anchors.isEmpty ? .missing : .share(a.shares.anchors))
      add("anchors' share, second", b.layout.anchors.isEmpty ? .missing : .share(b.shares.anchors))
      add("lift, first", .init(lift: a.shares.lift))
      add("lift, second", .init(lift: b.shares.lift))
    }
    if a.layout == b.layout, a.query.metric != .lift {
      add("rows apart, Jensen–Shannon bits", .number(Divergence.jensenShannon(a.values, b.values)))
    }
    return facts
  }

  /// Anchors, codes and mask of two whole runs.
  private static func addParts(
    _ trace: Trace, _ other: Trace, _ masks: MaskDifference?, _ add: (String, ReportValue) -> Void
  ) {
    if let a = trace.anchors, let b = other.anchors, a.rank == 2, a.shape == b.shape {
      for index in 0..<a.shape[0] {
        add("cosine of A\(index + 1)", .number(Divergence.cosine(a[row: index], b[row: index])))
      }
    }
    if let a = trace.mgvq?.codes, let b = other.mgvq?.codes, a.indices.count == b.indices.count, a.groups == b.groups {
      add("equal codes", .integer(zip(a.indices, b.indices).count { $0 == $1 }))
      add("of codes", .integer(a.indices.count))
    }
    guard let a = trace.sequence, let b = other.sequence else { return }
    if a.mask.count == b.mask.count {
      add("mask edges that differ", .integer(masks.map { $0.firstCount + $0.secondCount } ?? 0))
    } else {
      add("sequence, first", .integer(a.length))
      add("sequence, second", .integer(b.length))
    }
  }
}

extension InspectorState {
  /// What a comparison was computed for.
  struct ComparisonKey: Equatable {
    let compared: Int
    let trace: Int
    let query: AttentionQuery
    let scale: ValueScale.Kind
    let inspected: InspectedRow
  }

  /// Computes the comparison again after one of its sides or the view changed.
  mutating func refreshComparison() {
    guard let compared, let trace, trace.language != nil else {
      (comparison, comparisonKey) = (nil, nil)
      return
    }
    let key = ComparisonKey(
      compared: comparedCount, trace: traceCount, query: view.query, scale: view.scale, inspected: view.inspected)
    guard key != comparisonKey else { return }
    let kept = comparisonKey?.compared == key.compared && comparisonKey?.trace == key.trace ? comparison : nil
    comparison = Comparison(
      self, row: inspected, with: compared, display: kept?.picture ?? comparedSquare, before: kept)
    comparisonKey = key
  }

  private var comparedSquare: Picture? {
    guard let compared else { return nil }
    if case .cut = compared.outcome { return square }
    guard let picture = compared.picture(first: picture) else { return nil }
    let geometry = links.geometry
    return PictureGeometry(
      width: picture.width, height: picture.height, aspect: geometry.aspect, patches: geometry.patches,
      latent: geometry.latent
    ).square(of: picture, limit: Self.displaySide, padding: Self.padding)
  }

  /// The second run is there.
  mutating func take(_ run: ComparedRun) {
    if case .comparison = work { work = nil }
    compared = run
    comparedCount += 1
    focus(.compare)
    notice = "compared with \(run.name)"
  }

  /// The exact run in the place of the one of 8 bits, which is kept to compare with unless something else was asked for.
  mutating func replace(_ rounded: ComparedRun, by trace: Trace, words: String) {
    show(trace)
    notice = words
    guard compared == nil || compared?.kind == .precision else { return }
    compared = rounded
    comparedCount += 1
  }
}

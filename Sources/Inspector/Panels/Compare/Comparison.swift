package import ColorMaps
import Evidence
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

    package var difference: Double { second - first }
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
  /// The second picture's square, reduced for display.
  package let picture: Picture?
  private let places: [KeyReference: Int]

  package subscript(key: KeyReference) -> Change? { places[key].map { changes[$0] } }
}

extension Comparison {
  /// - Parameters:
  ///   - row: the first run's inspected row.
  ///   - settings: layer, head, metric and scale of both.
  init(
    _ state: InspectorState, row: InspectedAttention?, with compared: ComparedRun, display: Picture?
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
    scale = ValueScale(state.view.scale, holding: pairs.flatMap { [$0.first, $0.second] })
    (first, second) = (patches.map(\.0), patches.map(\.1))
    difference = patches.map { $0.1 - $0.0 }
    changes = pairs.filter { $0.difference.isFinite }
      .enumerated().sorted { (abs($1.element.difference), $0.offset) < (abs($0.element.difference), $1.offset) }
      .map(\.element)
    limit = changes.first.map { abs($0.difference) } ?? 0
    places = Dictionary(changes.enumerated().map { ($0.element.key, $0.offset) }) { first, _ in first }
    heads = row.flatMap { row in other.map { Self.heads(row.attention, $0) } } ?? []
    headLimit = heads.joined().compactMap { $0.map(abs) }.max() ?? 0
    let all = Self.settings(state, compared)
    settings = all.filter { $0.first != $0.second } + all.filter { $0.first == $0.second }
    facts = Self.facts(state, compared, views: views)
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

  private static func heads(_ a: VocoAttention, _ b: VocoAttention) -> [[Double?]] {
    guard a.layers == b.layers, a.heads == b.heads, !a.layout.anchors.isEmpty else { return [] }
    let (first, second) = (a.matrix(.anchorShare), b.matrix(.anchorShare))
    return zip(first, second).enumerated().map { layer, rows in
      zip(rows.0, rows.1).map { x, y in
        guard a.liveLayers.contains(layer), let x, let y else { return nil }
        return y - x
      }
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
    let kept = comparisonKey?.compared == key.compared ? comparison?.picture : nil
    comparison = Comparison(self, row: inspected, with: compared, display: kept ?? comparedSquare)
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
    startLab(trace)
    take(trace)
    measureMargins()
    notice = words
    guard compared == nil || compared?.kind == .precision else { return }
    compared = rounded
    comparedCount += 1
  }

  // MARK: Choosing

  var compareObstacle: String? { decoderObstacle }

  /// Why a row of the chooser does nothing; `nil` when it works.
  func obstacle(to choice: CompareChoice) -> String? {
    switch choice {
    case .picture, .prompt: busyObstacle
    case .file: decoderObstacle ?? (work == nil ? nil : "the model is busy")
    case .cut: knockOuts.isEmpty ? "nothing was cut or swapped yet" : nil
    case .nothing: compared == nil ? "nothing is compared" : nil
    }
  }

  mutating func accept(_ choice: CompareChoice) -> [Effect] {
    if let obstacle = obstacle(to: choice) {
      notice = "\(choice.title): \(obstacle)"
      return []
    }
    switch choice {
    case .picture, .file: mode = .comparePath(choice, TextField())
    case .prompt: mode = .comparePath(choice, TextField(prompt))
    case .cut: if let cut = shownKnockOut ?? knockOuts.last { take(ComparedRun(cut)) }
    case .nothing: (compared, comparison, comparisonKey) = (nil, nil, nil)
    }
    return []
  }

  mutating func compare(_ choice: CompareChoice, _ text: String) -> [Effect] {
    mode = .normal
    let text = text.trimmingSpaces
    let request: CompareRequest
    switch choice {
    case .picture: request = .picture(path: text)
    case .prompt where !text.isEmpty: request = .prompt(text)
    case .file where !text.isEmpty: request = .file(path: text)
    default:
      notice = "nothing was given to compare with"
      return []
    }
    return compare(request)
  }

  package mutating func compare(_ request: CompareRequest) -> [Effect] {
    work = .comparison
    notice = "making the second run"
    return [.compare(request)]
  }
}

/// What the run on screen can be held against.
package enum CompareChoice: String, Sendable, CaseIterable {
  case picture, prompt, file, cut, nothing

  var title: String {
    switch self {
    case .picture: "another picture"
    case .prompt: "another question"
    case .file: "another checkpoint, or a trace file"
    case .cut: "the last cut or swap"
    case .nothing: "nothing"
    }
  }

  /// The line under the field.
  var hint: String {
    switch self {
    case .picture: "The path of a PNG or JPEG file; nothing takes the next picture of the folder. Esc leaves."
    case .prompt: "Enter asks it of the same picture. Esc leaves."
    case .file, .cut, .nothing: "A checkpoint's directory, or a file that 'vocoscope trace' or W wrote. Esc leaves."
    }
  }

  var summary: String {
    switch self {
    case .picture: "The same question about another picture."
    case .prompt: "Another question about this picture."
    case .file: "A checkpoint's directory runs on this picture and question; a trace file is opened."
    case .cut: "The run with edges cut, or anchors swapped, against the run before."
    case .nothing: "Puts the comparison away."
    }
  }
}

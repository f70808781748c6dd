package import Evaluation
package import Evidence
import HTCVLM
import JSON
import Reports
import Statistics

/// What is taken from a checkpoint, or put in its place, while it is asked: what that is worth in right answers.
package enum EvalIntervention: Sendable, Hashable {
  /// voco's edges to these keys are cut in every layer and head.
  case cut(Keys)
  /// The anchors of another of the questions' pictures stand in the place of the picture's own.
  case swapAnchors

  package enum Keys: Sendable, Hashable {
    case anchors, patches
    /// So many patches, drawn for each picture.
    case random(Int)

    /// `anchors`, `patches` or `random:N`, N at least 1; nil for anything else.
    package init?(_ text: String) {
      switch text {
      case "anchors": self = .anchors
      case "patches": self = .patches
      default:
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "random", let count = Int(parts[1]), count > 0 else { return nil }
        self = .random(count)
      }
    }
  }

  /// What reports call it, such as `cut random:4`.
  package var title: String {
    switch self {
    case .cut(.anchors): "cut anchors"
    case .cut(.patches): "cut patches"
    case .cut(.random(let count)): "cut random:\(count)"
    case .swapAnchors: "swap anchors"
    }
  }

  /// Its part of the settings that a file of answers keeps; what is drawn depends on the seed.
  func clause(seed: UInt64) -> String {
    switch self {
    case .cut(.anchors), .cut(.patches): title
    case .cut(.random), .swapAnchors: "\(title) by seed \(seed)"
    }
  }

  /// The settings of the run that the one with these settings is compared with; nil for a run without intervention.
  static func plain(_ settings: String) -> String? {
    let clauses = settings.split(separator: ", ")
    let kept = clauses.filter { !$0.hasPrefix("cut ") && !$0.hasPrefix("swap ") }
    return kept.count < clauses.count ? kept.joined(separator: ", ") : nil
  }
}

extension EvalIntervention.Keys {
  /// The keys' positions in the sequence of a compressed picture.
  ///
  /// - Parameter picture: seeds what is drawn, so that all questions about a picture miss the same patches.
  func positions(_ cache: VisualCache, picture: String, seed: UInt64, model: String) throws(ExperimentError) -> Set<Int>
  {
    switch self {
    case .anchors:
      guard !cache.anchorPositions.isEmpty else { throw ExperimentError("\(model): has no anchors to cut") }
      return Set(cache.anchorPositions)
    case .patches: return Set(cache.patchPositions)
    case .random(let count):
      let patches = cache.patchPositions
      guard count <= patches.count else {
        throw ExperimentError("\(model): has \(patches.count) patches, too few to cut \(count)")
      }
      var generator = SplitMix64(seed: seed, stream: "cut patches of \(picture)")
      return Set(generator.distinct(count, below: patches.count).map { patches[$0] })
    }
  }
}

/// Whose anchors stand in the place of whose: every picture gives its anchors once and takes another's once.
struct AnchorDonors: Sendable {
  private let donors: [String: ImageReference]

  /// A cycle through the questions' pictures in random order.
  ///
  /// - Throws: unless there are two pictures.
  init(_ questions: [Question], seed: UInt64) throws(ExperimentError) {
    let pictures = questions.map(\.image).grouped(by: \.key).map { $0.elements[0] }
    guard pictures.count > 1 else {
      throw ExperimentError("all questions are about one picture: there is no other to take anchors from")
    }
    var generator = SplitMix64(seed: seed, stream: "anchor donors")
    let order = generator.distinct(pictures.count, below: pictures.count)
    donors = Dictionary(
      uniqueKeysWithValues: order.indices.map {
        (pictures[order[$0]].key, pictures[order[($0 + 1) % order.count]])
      })
  }

  func donor(of picture: ImageReference) -> ImageReference {
    guard let donor = donors[picture.key] else { preconditionFailure("every question's picture has a donor") }
    return donor
  }
}

/// What an intervention costs a model in right answers: a run with it beside the run without.
package struct InterventionEffect: Sendable, Equatable {
  /// Models' names as reports have them.
  package let model: String
  package let uncut: String
  package let difference: PairedDifference

  /// Every run with an intervention beside the first run of the same weights, questions and settings without it.
  static func all(_ comparison: Comparison, sources: [EvaluationReport.Source]) -> [InterventionEffect] {
    sources.indices.compactMap { place in
      let header = sources[place].header
      guard let plain = EvalIntervention.plain(header.settings),
        let base = sources.indices.first(where: {
          let other = sources[$0].header
          return other.modelSHA256.isExactly(header.modelSHA256) && other.settings.isExactly(plain)
            && other.promptTemplate.isExactly(header.promptTemplate)
        })
      else { return nil }
      let (model, uncut) = (comparison.models[place], comparison.models[base])
      return InterventionEffect(
        model: model.model, uncut: uncut.model,
        difference: PairedDifference(
          before: uncut.scorecard.items, after: model.scorecard.items, method: comparison.method))
    }
  }

  private var rows: [PairedMeans] {
    difference.families.count == 1 ? difference.families : difference.families + [difference.overall].compactMap { $0 }
  }

  /// As it is drawn.
  package var change: AccuracyChange { AccuracyChange(model: model, uncut: uncut, families: rows) }

  var text: String {
    let head = ["points", "n", "before", "after", "difference", "lost", "gained"]
    let lines = rows.map { family in
      [
        family.name, "\(family.count)", Score.text(family.before), Score.text(family.after),
        "\(Score.signed(family.difference)) [\(Score.signed(family.interval.low)), \(Score.signed(family.interval.high))]",
        "\(family.lost)", "\(family.gained)",
      ]
    }
    let table = TextTable(.trailingButFirst, indent: 0).lines([head] + lines).joined(separator: "\n")
    return "\(model) beside \(uncut), question by question\n\(table)\n"
  }

  var json: JSONValue {
    let families: [JSONValue] = rows.map { family in
      .object([
        "family": .string(family.name), "n": .integer(family.count), "before": .number(family.before),
        "after": .number(family.after), "difference": .number(family.difference),
        "interval": .array([.number(family.interval.low), .number(family.interval.high)]),
        "lost": .integer(family.lost), "gained": .integer(family.gained),
      ])
    }
    return .object(["model": .string(model), "uncut": .string(uncut), "families": .array(families)])
  }

  /// Rows in the comparison's columns.
  func csv(_ benchmark: Benchmark) -> [[String]] {
    rows.flatMap { family -> [[String]] in
      let head = [benchmark.rawValue, model, family.name]
      return [
        head + [
          "difference from \(uncut)", "\(family.count)", "\(family.difference)", "\(family.interval.low)",
          "\(family.interval.high)",
        ],
        head + ["lost", "\(family.count)", "\(family.lost)", "", ""],
        head + ["gained", "\(family.count)", "\(family.gained)", "", ""],
      ]
    }
  }
}

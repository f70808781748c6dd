import Foundation
package import Statistics
import Trace

/// One number of a run, with its interval over pictures: what texts and figures quote.
package struct Measurement: Sendable, Hashable, Codable {
  /// A stable name such as `attends.lift`.
  package var name: String
  /// What it is, in words.
  package var label: String
  package var unit: Unit
  package var mean: Double
  /// `nil` for one picture.
  package var interval: Interval?
  /// Pictures.
  package var n: Int

  package enum Unit: String, Sendable, Hashable, Codable {
    /// A ratio; the mean is geometric.
    case ratio
    case nats
    /// A part of 1.
    case part
    case rank
    case logits
    case cosine
    case keys
  }

  /// "×8.21 [6.9, 9.7]", "0.02 [0.01, 0.03]".
  package var text: String {
    let number = { (value: Double) in
      unit == .part ? decimal(100 * value, digits: 1) : significant(value)
    }
    let range = interval.map { " [\(number($0.low)), \(number($0.high))]" } ?? ""
    switch unit {
    case .ratio: return "×" + number(mean) + range
    case .part: return number(mean) + " %" + range
    default: return number(mean) + range
    }
  }
}

extension VerdictEngine {
  /// Every number of a run, in the order of the three claims.
  package func measurements(_ summary: EvidenceSummary) -> [Measurement] {
    let rows = summary.pictures.compactMap(\.spread)
    return priorityMeasurements(summary, .attends) + spreadMeasurements(rows)
      + priorityMeasurements(summary, .contributes)
      + list([
        one("contributes.rollout", "rollout lift, residual ½", .ratio, summary.pictures.compactMap(\.rolloutLogLift))
      ]) + causalMeasurements(summary.pictures.compactMap(\.causes))
  }

  private func list(_ all: [Measurement?]) -> [Measurement] { all.compactMap { $0 } }

  /// `values` are logarithms for ratios.
  private func one(_ name: String, _ label: String, _ unit: Measurement.Unit, _ values: [Double]) -> Measurement? {
    estimate(values, name).map { estimate in
      let scale = { (value: Double) in unit == .ratio ? exp(value) : value }
      return Measurement(
        name: name, label: label, unit: unit, mean: scale(estimate.mean),
        interval: estimate.n > 1 ? estimate.interval.map(scale) : nil, n: estimate.n)
    }
  }

  private func priorityMeasurements(_ summary: EvidenceSummary, _ tier: EvidenceTier) -> [Measurement] {
    let name = tier.rawValue
    let of = tier == .contributes ? "α·‖v·W_o‖: " : ""
    let all = summary.pictures.compactMap { tier == .attends ? $0.attends : $0.contributes }
    let orders = { (order: MovedOrder) in
      summary.pictures.compactMap { (tier == .attends ? $0.attends : $0.contributes)?.orders[order] }
    }
    return list([
      one("\(name).anchor_share", of + "share of all anchors", .part, all.map(\.anchorShare)),
      one("\(name).patch_share", of + "share of all patches", .part, all.map(\.patchShare)),
      one("\(name).lift", of + "an anchor over a patch", .ratio, all.map(\.logLift)),
      one("\(name).lift_visual", of + "without prefix and voco itself", .ratio, all.compactMap(\.logLiftVisual)),
      one("\(name).lift_without_sinks", of + "without sinks", .ratio, all.compactMap(\.logLiftWithoutSinks)),
      one("\(name).lift_behind", of + "anchors behind the patches", .ratio, orders(.behind)),
      one("\(name).lift_swapped", of + "positions swapped with patches", .ratio, orders(.swapped)),
      one("\(name).lift_moved", of + "anchors moved, mean of both", .ratio, all.compactMap(\.logLiftMoved)),
      one(
        "\(name).lift_same_position", of + "against patches in the same positions", .ratio,
        all.compactMap(\.logLiftSamePosition)),
    ])
  }

  private func spreadMeasurements(_ rows: [RowSpread]) -> [Measurement] {
    let anchors = rows.map(\.anchorRanks.count).min() ?? 0
    let ranks = (0..<anchors).map { anchor in
      one(
        "attends.rank_\(anchor + 1)", "rank of anchor \(anchor + 1) among the keys", .rank,
        rows.map { Double($0.anchorRanks[anchor]) })
    }
    return list(
      [
        one(
          "attends.lift_over_uniform", "anchor share over even attention", .ratio,
          rows.map { log(max($0.liftOverUniform, 1e-12)) }),
        one("attends.entropy", "entropy of a head's row", .nats, rows.map(\.entropy)),
        one("attends.effective_keys", "keys a head spreads over, exp(entropy)", .keys, rows.map(\.effectiveKeys)),
      ] + ranks)
  }

  private func causalMeasurements(_ all: [CausalMeasurement]) -> [Measurement] {
    let part = { (flags: [Bool?]) in flags.compactMap { $0 }.map { $0 ? 1.0 : 0 } }
    let comparators = CutComparator.allCases.map { comparator in
      one(
        "causes.kl_\(comparator)", "KL, \(comparator.rawValue) cut", .nats,
        all.compactMap { $0.comparators[comparator] })
    }
    let ablations = Ablation.allCases.map { ablation in
      one(
        "causes.kl_\(ablation)", "KL, anchors' values by \(ablation.rawValue)", .nats,
        all.compactMap { $0.ablations[ablation] })
    }
    return list(
      [
        one("causes.kl", "KL, anchors cut", .nats, all.map(\.kl)),
        one("causes.kl_matched", "KL, as many random patches cut", .nats, all.map(\.matchedKL)),
        one("causes.percentile", "matched cuts that change less", .part, all.map(\.percentile)),
      ] + comparators
        + [one("causes.kl_all_patches", "KL, all patches cut", .nats, all.compactMap(\.allPatchesKL))] + ablations
        + [
          one("causes.kl_content", "KL, another picture's anchors", .nats, all.compactMap(\.contentKL)),
          one("causes.kl_content_matched", "KL, as many of its patches", .nats, all.compactMap(\.contentMatchedKL)),
          one("causes.kl_shuffled", "KL, anchors of shuffled codes", .nats, all.compactMap(\.shuffledKL)),
          one(
            "causes.logit_difference", "lead lost by the answer, anchors cut", .logits,
            all.compactMap(\.logitDifference)),
          one(
            "causes.logit_difference_matched", "lead lost, random patches cut", .logits,
            all.compactMap(\.matchedLogitDifference)),
          one("causes.cosine", "cosine of voco's state, anchors cut", .cosine, all.compactMap(\.cosine)),
          one("causes.cosine_matched", "cosine, random patches cut", .cosine, all.compactMap(\.matchedCosine)),
          one("causes.answer_changed", "answers changed, anchors cut", .part, part(all.map(\.answerChanged))),
          one(
            "causes.answer_changed_matched", "answers changed, random patches cut", .part,
            part(all.map(\.matchedAnswerChanged))),
          one(
            "causes.answer_changed_all_patches", "answers changed, all patches cut", .part,
            part(all.map(\.allPatchesAnswerChanged))),
        ])
  }
}

import Evidence
import Reports
import Statistics

/// A codebook's report as `codebook` prints it.
package struct CodebookText {
  let document: CodebookDocument
  private var report: CodebookReport { document.report }

  package init(_ document: CodebookDocument) { self.document = document }

  package var text: String { sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n" }

  package var json: String { get throws { try prettyJSON(document) } }

  private var sections: [[String]] {
    let all =
      [head, findings, vectors, usage, places, shared, anchors, reconstruction, code]
      + document.comparisons.map(comparison)
      + [[report.buffers.sentence], provenance]
    return all.filter { !$0.isEmpty }
  }

  private var head: [String] {
    let shape = document.provenance.shape
    let grid = shape.latentSize.map { ", \($0)×\($0) places a picture" } ?? ""
    let untrained = document.provenance.untrainedParts
    let title =
      "\(document.provenance.modelName): \(shape.groups) groups × \(shape.codesPerGroup) codes of \(shape.dimension) "
      + "values\(grid)"
    return [title]
      + (untrained.isEmpty ? [] : ["UNTRAINED, random or substituted weights: \(untrained.joined(separator: ", "))"])
  }

  private var findings: [String] {
    ["findings"]
      + TextTable().lines(report.findings.map { [$0.severity.rawValue, $0.what.rawValue, $0.sentence] })
  }

  private var vectors: [String] {
    let head = ["group", "codes", "norm min", "mean", "max", "nearest", "near-duplicates", "unreachable", "rank"]
    let rows = report.groups.enumerated().map { index, group in
      let geometry = group.geometry
      return [
        "\(index + 1)", "\(geometry.codes)", significant(geometry.normMinimum), significant(geometry.normMean),
        significant(geometry.normMaximum), significant(geometry.nearestDistance(quantile: 0.5)),
        "\(geometry.nearDuplicates)", "\(geometry.unreachable)",
        "\(significant(geometry.effectiveRank)) of \(geometry.dimension)",
      ]
    }
    return [
      "vectors (norm before normalization; nearest = median distance to the nearest other code, 0…2; rank = effective)"
    ] + TextTable().lines([head] + rows)
  }

  private var usage: [String] {
    guard let pictures = report.pictures else { return [] }
    let head = ["group", "used", "dead", "rare", "perplexity", "corrected", "entropy", "corrected", "margin"]
    let rows = report.groups.enumerated().map { index, group -> [String] in
      guard let usage = group.usage else { return ["\(index + 1)"] }
      return [
        "\(index + 1)", "\(usage.used) of \(usage.codes)", "\(usage.dead)", "\(usage.rare)",
        significant(usage.perplexity), significant(usage.perplexityCorrected), significant(usage.entropyBits),
        significant(usage.entropyBitsCorrected), group.margin.map(significant) ?? "",
      ]
    }
    let first = report.groups.first?.usage
    func rounded(_ value: Double?) -> Int { Int((value ?? 0).rounded()) }
    return [
      "usage over \(pictures.pictures) pictures, \(first?.samples ?? 0) places a group (even use would miss "
        + "\(rounded(first?.expectedUnseen)) codes; places of one picture are no independent samples, and as "
        + "√(pictures·places) = \(rounded(first?.effectiveSamples)) samples it would miss "
        + "\(rounded(first?.expectedUnseenEffective)))",
      "entropy in bits, corrected after Miller–Madow; margin = second minus first distance, mean over places",
    ] + TextTable().lines([head] + rows)
  }

  private var places: [String] {
    guard let positions = report.pictures?.positions, positions.pictures > 1 else { return [] }
    let parts = (0..<positions.groups).map { group in
      let used = positions.used(group: group)
      return "\(used.count { $0 == 1 }) of \(used.count)"
    }
    let all = parts.joined(separator: ", ")
    return ["places that show one code in all \(positions.pictures) pictures, by group: \(all)"]
  }

  private var shared: [String] {
    guard let coOccurrence = report.pictures?.coOccurrence, coOccurrence.groups > 1 else { return [] }
    let pairs = (0..<coOccurrence.groups).flatMap { a in (a + 1..<max(a + 1, coOccurrence.groups)).map { (a, $0) } }
      .map { (first: $0.0, second: $0.1, shared: coOccurrence.mutualInformation($0.0, $0.1)) }
      .sorted {
        $0.shared.isAboveUnrelated == $1.shared.isAboveUnrelated
          ? $0.shared.bitsCorrected > $1.shared.bitsCorrected : $0.shared.isAboveUnrelated
      }
    return [
      "what groups share most (mutual information of their codes at one place; unrelated = mean ± spread of "
        + "\(MutualInformation.shuffles) shuffles of one group's codes over the places)"
    ]
      + pairs.prefix(3).map {
        "  \($0.first + 1) and \($0.second + 1): \($0.shared.sentence)"
      }
  }

  private var anchors: [String] {
    guard let anchors = report.anchors, let mean = anchors.mean else { return [] }
    let title =
      report.anchorSource == .pictures
      ? "anchors, means over pictures" : "anchors of 8 draws of random codes (no pictures were given)"
    let names = mean.norms.indices.map { "A\($0 + 1)" }
    var head = ["", "‖v‖"] + names.map { "cos \($0)" }
    if anchors.acrossPictures != nil && report.anchorSource == .pictures { head.append("across pictures") }
    if anchors.toPatches != nil { head += ["patches, mean", "largest"] }
    let rows = mean.norms.indices.map { anchor in
      var row = [names[anchor], significant(mean.norms[anchor])]
      row += mean.cosines[anchor].map { decimal($0, digits: 3) }
      if report.anchorSource == .pictures, let across = anchors.acrossPictures {
        row.append(decimal(across[anchor], digits: 3))
      }
      if let patches = anchors.toPatches?[anchor] {
        row += [decimal(patches.mean, digits: 3), decimal(patches.largest, digits: 3)]
      }
      return row
    }
    return [title] + TextTable().lines([head] + rows) + [projector(anchors.health)]
  }

  private func projector(_ health: AnchorHealth) -> String {
    let parts = zip(["first", "second"], zip(health.saturated, health.dead)).map { name, shares in
      "\(name) layer \(Format.percent(shares.0)) flat, \(Format.percent(shares.1)) in every picture"
    }
    let rank = health.rank.map {
      ["the anchors vary along \(significant($0)) directions over pictures (effective rank)"]
    }
    return "  projector: " + ((rank ?? []) + parts).joined(separator: "; ")
  }

  private var reconstruction: [String] {
    guard let curve = document.reconstruction, curve.pictures > 0 else { return [] }
    let rows = curve.points.map {
      ["\($0.groups)", decimal($0.psnr, digits: 2), $0.ssim.map { decimal($0, digits: 3) } ?? ""]
    }
    return ["pictures decoded from the first groups alone, the others zero; means over \(curve.pictures) pictures"]
      + TextTable().lines([["groups", "PSNR dB", "SSIM"]] + rows)
  }

  private var code: [String] { document.code?.lines ?? [] }

  private func comparison(_ comparison: CodebookComparison) -> [String] {
    var lines = ["against \(comparison.against)"]
    if let codes = comparison.codes { lines.append("  \(codes.sentence)") }
    if let agreement = comparison.agreement {
      lines.append("  \(decimal(100 * agreement, digits: 1))% of the places of the same pictures have the same code.")
    }
    for (group, drift) in comparison.usage.enumerated() { lines.append("  group \(group + 1): \(drift.sentence)") }
    return lines
  }

  private var provenance: [String] {
    let run = document.provenance
    let config = run.configSHA256.isEmpty ? "none (bare MGVQ state dict)" : run.configSHA256
    let size = run.imageSize.map { ", encoded at \($0) pixels" } ?? ""
    return [
      "model \(run.modelName), config \(config), weights \(run.weightsSHA256)",
      run.pictures == 0
        ? "no pictures, vocoscope \(run.version)"
        : "pictures \(run.pictures), \(run.picturesSHA256)\(size), vocoscope \(run.version)",
    ]
  }
}

/// A codebook's report as rows of `kind,group,name,value,sentence` (RFC 4180).
extension CodebookText {
  package var csv: String {
    CSV.text(
      [["kind", "group", "name", "value", "sentence"]] + findingRows + groupRows + anchorRows + comparisonRows
        + provenanceRows)
  }

  private var findingRows: [[String]] {
    document.report.findings.map {
      ["finding", $0.group.map { "\($0 + 1)" } ?? "", $0.what.rawValue, $0.severity.rawValue, $0.sentence]
    }
  }

  private var groupRows: [[String]] {
    document.report.groups.enumerated().flatMap { index, group -> [[String]] in
      let geometry = group.geometry
      var values: [(String, String)] = [
        ("codes", "\(geometry.codes)"), ("near_duplicates", "\(geometry.nearDuplicates)"),
        ("unreachable", "\(geometry.unreachable)"), ("effective_rank", "\(geometry.effectiveRank)"),
        ("norm_mean", "\(geometry.normMean)"),
        ("nearest_distance_median", "\(geometry.nearestDistance(quantile: 0.5))"),
      ]
      if let usage = group.usage {
        values += [
          ("used", "\(usage.used)"), ("dead", "\(usage.dead)"), ("rare", "\(usage.rare)"),
          ("samples", "\(usage.samples)"), ("effective_samples", "\(usage.effectiveSamples)"),
          ("perplexity", "\(usage.perplexity)"),
          ("entropy_bits", "\(usage.entropyBits)"), ("entropy_bits_corrected", "\(usage.entropyBitsCorrected)"),
        ]
      }
      if let margin = group.margin { values.append(("margin_mean", "\(margin)")) }
      return values.map { ["group", "\(index + 1)", $0.0, $0.1, ""] }
    }
  }

  private var anchorRows: [[String]] {
    guard let anchors = document.report.anchors, let mean = anchors.mean else { return [] }
    var rows: [[String]] = []
    for anchor in mean.norms.indices {
      rows.append(["anchor", "", "norm A\(anchor + 1)", "\(mean.norms[anchor])", ""])
      for other in 0..<anchor {
        rows.append(["anchor", "", "cosine A\(other + 1) A\(anchor + 1)", "\(mean.cosines[anchor][other])", ""])
      }
      if let across = anchors.acrossPictures {
        rows.append(["anchor", "", "across A\(anchor + 1)", "\(across[anchor])", document.report.anchorSource.rawValue])
      }
    }
    return rows + health(anchors.health)
  }

  private func health(_ health: AnchorHealth) -> [[String]] {
    var values: [(String, String)] = [("norm_mean", "\(health.norms.mean)")]
    if let rank = health.rank { values.append(("rank", "\(rank)")) }
    for (layer, (saturated, dead)) in zip(health.saturated, health.dead).enumerated() {
      values += [("saturated \(layer + 1)", "\(saturated)"), ("dead \(layer + 1)", "\(dead)")]
    }
    values.append(("collapsed", "\(health.isCollapsed)"))
    return values.map { ["projector", "", $0.0, $0.1, document.report.anchorSource.rawValue] }
  }

  private var comparisonRows: [[String]] {
    document.comparisons.flatMap { comparison in
      comparison.usage.enumerated().map {
        ["drift", "\($0.offset + 1)", comparison.against, "\($0.element.bits)", $0.element.sentence]
      } + (comparison.codes.map { [["drift", "", comparison.against, "", $0.sentence]] } ?? [])
    }
  }

  private var provenanceRows: [[String]] {
    let run = document.provenance
    return [
      ("version", run.version), ("model", run.modelName), ("config_sha256", run.configSHA256),
      ("weights_sha256", run.weightsSHA256), ("pictures", "\(run.pictures)"), ("pictures_sha256", run.picturesSHA256),
    ].map { ["provenance", "", $0.0, $0.1, ""] }
  }
}

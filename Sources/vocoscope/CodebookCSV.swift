import Evidence
import Foundation
import Statistics

/// A codebook's report as rows of `kind,group,name,value,sentence` (RFC 4180).
struct CodebookCSV {
  let document: CodebookDocument

  init(_ document: CodebookDocument) { self.document = document }

  var text: String {
    let rows =
      [["kind", "group", "name", "value", "sentence"]] + findings + groups + anchors + comparisons + provenance
    return rows.map { $0.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
  }

  private var findings: [[String]] {
    document.report.findings.map {
      ["finding", $0.group.map { "\($0 + 1)" } ?? "", $0.what.rawValue, $0.severity.rawValue, $0.sentence]
    }
  }

  private var groups: [[String]] {
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
          ("samples", "\(usage.samples)"), ("perplexity", "\(usage.perplexity)"),
          ("entropy_bits", "\(usage.entropyBits)"), ("entropy_bits_corrected", "\(usage.entropyBitsCorrected)"),
        ]
      }
      if let margin = group.margin { values.append(("margin_mean", "\(margin)")) }
      return values.map { ["group", "\(index + 1)", $0.0, $0.1, ""] }
    }
  }

  private var anchors: [[String]] {
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

  private var comparisons: [[String]] {
    document.comparisons.flatMap { comparison in
      comparison.usage.enumerated().map {
        ["drift", "\($0.offset + 1)", comparison.against, "\($0.element.bits)", $0.element.sentence]
      } + (comparison.codes.map { [["drift", "", comparison.against, "", $0.sentence]] } ?? [])
    }
  }

  private var provenance: [[String]] {
    let run = document.provenance
    return [
      ("version", run.version), ("model", run.modelName), ("config_sha256", run.configSHA256),
      ("weights_sha256", run.weightsSHA256), ("pictures", "\(run.pictures)"), ("pictures_sha256", run.picturesSHA256),
    ].map { ["provenance", "", $0.0, $0.1, ""] }
  }

  private static func quoted(_ field: String) -> String {
    guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
    return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}

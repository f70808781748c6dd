/// One thing a codebook report says.
package struct CodebookFinding: Sendable, Hashable, Codable {
  package enum Severity: String, Sendable, Hashable, Codable, Comparable {
    case ok, warning, broken

    package static func < (a: Severity, b: Severity) -> Bool { a.order < b.order }
    private var order: Int { self == .ok ? 0 : self == .warning ? 1 : 2 }
  }

  /// Stable words for scripts.
  package enum What: String, Sendable, Hashable, Codable, CaseIterable {
    case healthy
    case nonFinite = "non_finite"
    case zeroCodes = "zero_codes"
    case nearDuplicates = "near_duplicates"
    case lowRank = "low_rank"
    case duplicateGroups = "duplicate_groups"
    case deadCodes = "dead_codes"
    case rareCodes = "rare_codes"
    case fewSamples = "few_samples"
    case dependentGroups = "dependent_groups"
    case collapsedAnchors = "collapsed_anchors"
    case constantAnchors = "constant_anchors"
    case collapsedProjector = "projector_collapsed"
    case unpopulatedBuffers = "unpopulated_buffers"
    case missingAnchors = "missing_anchors"
    case usageDrift = "usage_drift"
    case codeDrift = "code_drift"
    case quantizerKind = "quantizer_kind"
  }

  package var severity: Severity
  package var what: What
  /// From 0; `nil` for what concerns all groups.
  package var group: Int?
  package var sentence: String

  package init(_ severity: Severity, _ what: What, group: Int? = nil, _ sentence: String) {
    self.severity = severity
    self.what = what
    self.group = group
    self.sentence = sentence
  }
}

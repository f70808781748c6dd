import Statistics

/// What keeps a record of a file from being one of its run: the field, what it holds and what it may hold.
package struct EvidenceFault: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ field: String, _ found: String, expected: String) {
    description = "\(field) is \(found), expected \(expected)"
  }
}

/// Numbers read from a file, before anything is computed from them.
private struct Bounds {
  static let logarithm = -200.0...200
  static let logit = -1e7...1e7
  static let square = 0.0...1e15
  static let divergence = 0.0...1e6
  static let share = -1e-6...1.001

  static func check(_ field: String, _ value: Double, _ range: ClosedRange<Double>) throws(EvidenceFault) {
    guard value.isFinite, range.contains(value) else {
      throw EvidenceFault(field, "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
    }
  }

  static func count(_ field: String, _ found: Int, _ expected: Int) throws(EvidenceFault) {
    guard found == expected else { throw EvidenceFault(field, "a list of \(found)", expected: "\(expected)") }
  }

  static func number(_ field: String, _ found: Int, below bound: Int) throws(EvidenceFault) {
    guard found >= 0, found < bound else { throw EvidenceFault(field, "\(found)", expected: "0 to \(bound - 1)") }
  }
}

extension EvidenceRun {
  /// Sizes that later sums and allocations rely on.
  package func check() throws(EvidenceFault) {
    let sizes = [
      ("layers", layers, (inspected == nil ? 2 : 1)...4096), ("heads", heads, 1...4096),
      ("anchors", anchors, 1...65_536),
      ("patches", patches, 1...1_048_576), ("vocoTokens", vocoTokens, 1...4096), ("prompts", prompts.count, 1...64),
    ]
    for (name, value, range) in sizes where !range.contains(value) {
      throw EvidenceFault(name, "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
    }
  }
}

extension PriorityMeasurement {
  fileprivate func check(_ field: String) throws(EvidenceFault) {
    try Bounds.check("\(field).logLift", logLift, Bounds.logarithm)
    try Bounds.check("\(field).logSamePosition", logSamePosition, Bounds.logarithm)
  }
}

extension PictureEvidence {
  package func check(_ run: EvidenceRun, pictures: Int) throws(EvidenceFault) {
    try Bounds.number("index", index, below: pictures)
    try Bounds.count("vocos", vocos.count, run.vocoTokens)
    for (number, voco) in vocos.enumerated() { try voco.check("vocos[\(number)]", run) }
    try Bounds.count("prompts", prompts.count, run.prompts.count)
    for (number, prompt) in prompts.enumerated() {
      try prompt.check("prompts[\(number)]", run, picture: index, pictures: pictures)
    }
    guard let row else { return }
    try Bounds.count("row.anchors", row.anchors.count, run.anchors)
    try Bounds.count("row.patches", row.patches.count, run.patches)
    for value in row.anchors + row.patches { try Bounds.check("row", value, Bounds.share) }
  }
}

extension VocoEvidence {
  fileprivate func check(_ field: String, _ run: EvidenceRun) throws(EvidenceFault) {
    try Bounds.check("\(field).anchorShare", anchorShare, Bounds.share)
    try Bounds.check("\(field).patchShare", patchShare, Bounds.share)
    try attends.check("\(field).attends")
    try contributes?.priority.check("\(field).contributes.priority")
    try Bounds.check("\(field).rawContribution", rawContribution, Bounds.logarithm)
    let liveCells = run.liveLayers * run.heads
    try Bounds.count("\(field).cells", cells.count, liveCells)
    try Bounds.count("\(field).cellLifts", cellLifts.count, liveCells)
    try Bounds.count("\(field).layers", layers.count, run.liveLayers)
    for layer in layers { try Bounds.check("\(field).layers", layer, Bounds.logarithm) }
    for cell in cells { try Bounds.check("\(field).cells", cell, Bounds.logarithm) }
    for cell in cellLifts { try Bounds.check("\(field).cellLifts", cell, Bounds.logarithm) }
  }
}

extension PromptEvidence {
  fileprivate func check(_ field: String, _ run: EvidenceRun, picture: Int, pictures: Int) throws(EvidenceFault) {
    try Bounds.check("\(field).noise", noise, Bounds.divergence)
    for value in donorKL { try Bounds.check("\(field).donorKL", value, Bounds.divergence) }
    try Bounds.count("\(field).vocos", vocos.count, run.vocoTokens)
    for (number, voco) in vocos.enumerated() {
      let field = "\(field).vocos[\(number)]"
      try Bounds.check("\(field).presence", voco.presence, Bounds.divergence)
      try Bounds.check("\(field).matchedPresence", voco.matchedPresence, Bounds.divergence)
      guard voco.pairs.count <= DonorChoice.perPicture else {
        throw EvidenceFault(
          "\(field).pairs", "a list of \(voco.pairs.count)", expected: "at most \(DonorChoice.perPicture)")
      }
      for (place, pair) in voco.pairs.enumerated() {
        try pair.check("\(field).pairs[\(place)]", picture: picture, pictures: pictures)
      }
    }
  }
}

extension PairEvidence {
  fileprivate func check(_ field: String, picture: Int, pictures: Int) throws(EvidenceFault) {
    try Bounds.number("\(field).donor", donor, below: pictures)
    guard donor != picture else { throw EvidenceFault("\(field).donor", "\(donor)", expected: "another picture") }
    try Bounds.check("\(field).logitDifference", logitDifference, Bounds.logit)
    try Bounds.check("\(field).squaredNorm", squaredNorm, Bounds.square)
    for quantity in Interchanged.allCases {
      guard let shift = shifts[quantity] else {
        throw EvidenceFault("\(field).shifts", "without \(quantity.rawValue)", expected: "all quantities")
      }
      try Bounds.check("\(field).shifts.\(quantity.rawValue).logitDifference", shift.logitDifference, Bounds.logit)
      try Bounds.check("\(field).shifts.\(quantity.rawValue).projection", shift.projection, -1e15...1e15)
    }
  }
}

extension HeadEvidence {
  package func check(_ run: EvidenceRun, pictures: Int) throws(EvidenceFault) {
    try Bounds.number("index", index, below: pictures)
    guard (1...HeadChoice.most).contains(heads.count) else {
      throw EvidenceFault("heads", "a list of \(heads.count)", expected: "1 to \(HeadChoice.most)")
    }
    for (number, place) in heads.enumerated() {
      try Bounds.number("heads[\(number)].voco", place.voco, below: run.vocoTokens)
      try Bounds.number("heads[\(number)].layer", place.layer, below: run.liveLayers)
      try Bounds.number("heads[\(number)].head", place.head, below: run.heads)
    }
    try Bounds.count("prompts", prompts.count, run.prompts.count)
    for (number, pairs) in prompts.enumerated() {
      guard pairs.count <= DonorChoice.perPicture else {
        throw EvidenceFault(
          "prompts[\(number)]", "a list of \(pairs.count)", expected: "at most \(DonorChoice.perPicture)")
      }
      for (place, pair) in pairs.enumerated() {
        try pair.check("prompts[\(number)][\(place)]", heads: heads.count, pictures: pictures)
      }
    }
  }
}

extension HeadEvidence.Pair {
  fileprivate func check(_ field: String, heads: Int, pictures: Int) throws(EvidenceFault) {
    try Bounds.number("\(field).donor", donor, below: pictures)
    try Bounds.check("\(field).logitDifference", logitDifference, Bounds.logit)
    try Bounds.check("\(field).squaredNorm", squaredNorm, Bounds.square)
    // The heads, and all of them together.
    try Bounds.count("\(field).shifts", shifts.count, heads + 1)
    for shift in shifts {
      try Bounds.check("\(field).shifts.logitDifference", shift.logitDifference, Bounds.logit)
      try Bounds.check("\(field).shifts.projection", shift.projection, -1e15...1e15)
    }
  }
}

extension BlankEvidence {
  package func check(_ run: EvidenceRun, blanks: Int) throws(EvidenceFault) {
    try Bounds.number("index", index, below: blanks)
    try Bounds.count("movement", movement.count, run.prompts.count)
    for values in movement {
      guard values.isEmpty || values.count == run.vocoTokens else {
        throw EvidenceFault("movement", "a list of \(values.count)", expected: "\(run.vocoTokens), or none")
      }
      for value in values { try Bounds.check("movement", value, 0...1e7) }
    }
  }
}

extension RandomModelEvidence {
  package func check(_ run: EvidenceRun, models: Int, pictures: Int) throws(EvidenceFault) {
    try Bounds.number("number", number, below: models)
    for picture in self.pictures { try Bounds.number("pictures", picture, below: pictures) }
    try Bounds.count("pairs", pairs.count, run.prompts.count)
    for pair in pairs.joined() {
      try Bounds.number("pairs.picture", pair.picture, below: pictures)
      try Bounds.number("pairs.donor", pair.donor, below: pictures)
    }
    try Bounds.check("attends", attends, Bounds.logarithm)
    try Bounds.check("contributes", contributes, Bounds.logarithm)
    try Bounds.count("movement", movement.count, run.prompts.count)
    for value in movement { try Bounds.check("movement", value, Bounds.logit) }
  }
}

/// What a statistic cannot be computed from.
package enum EvidenceError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The stage of the trace that the statistic reads has not run.
  case missing(stage: String)
  /// A tensor of the trace does not fit the others.
  case shape(tensor: String, found: [Int], expected: String)
  /// Two summaries cannot be merged: they come from different runs.
  case unmergeable(field: String, found: String, expected: String)

  package var description: String {
    switch self {
    case .missing(let stage): "the trace has no \(stage) yet"
    case .shape(let tensor, let found, let expected): "\(tensor) has shape \(found), expected \(expected)"
    case .unmergeable(let field, let found, let expected):
      "the summaries come from different runs: \(field) is \(found) in one and \(expected) in the other"
    }
  }
}

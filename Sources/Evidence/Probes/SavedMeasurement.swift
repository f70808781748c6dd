package import Foundation
package import Statistics

/// What an intervention costs a model in right answers: `eval --cut` and `--swap`.
package struct AccuracyChange: Sendable, Hashable, Codable {
  /// Models' names as reports have them: `htc-demo (cut anchors)` and `htc-demo`.
  package let model: String
  package let uncut: String
  /// In the order of the questions, last over all where there are several.
  package let families: [PairedMeans]

  package init(model: String, uncut: String, families: [PairedMeans]) {
    (self.model, self.uncut, self.families) = (model, uncut, families)
  }

  /// `cut anchors`
  package var intervention: String {
    let inside = model.split(separator: "(").last.flatMap { $0.split(separator: ")").first }
    return model.contains("(") ? inside.map(String.init) ?? model : model
  }
}

/// What `probe` or `eval` printed as JSON, to be looked at beside a verdict.
package struct SavedMeasurement: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case probes(ProbeReport)
    /// Of one model, an intervention each.
    case accuracy([AccuracyChange])
  }

  package let kind: Kind

  /// - Parameters:
  ///   - configSHA256, weightsSHA256, precision: of the model on screen.
  /// - Returns: nil for a file of another kind.
  /// - Throws: `EvidenceFault` if it is of another model, or a number of it cannot be.
  package init?(
    json: Data, configSHA256: String, weightsSHA256: String, precision: String
  ) throws(EvidenceFault) {
    let decoder = JSONDecoder()
    guard let outline = try? decoder.decode(Outline.self, from: json) else { return nil }
    func decoded<T: Decodable>(_ type: T.Type) throws(EvidenceFault) -> T {
      do { return try decoder.decode(type, from: json) } catch { throw EvidenceFault(error) }
    }
    if outline.results != nil, outline.permutations != nil {
      let run = try decoded(ProbeDocument.self).provenance
      try Self.check("weights", run.weights, weightsSHA256)
      try Self.check("config.json", run.config, configSHA256)
      if let found = run.precision { try Self.check("precision", found, precision) }
      let report = try decoded(ProbeReport.self)
      try report.check()
      kind = .probes(report)
    } else if outline.questions != nil, outline.models != nil {
      let document = try decoded(AccuracyDocument.self)
      let alike = document.provenance.models.filter { $0.sha256 == "\(configSHA256)+\(weightsSHA256)" }
      guard let one = alike.first else {
        let found = document.provenance.models.first?.sha256.split(separator: "+").last.map { "\($0.prefix(12))" }
        throw EvidenceFault("model", "of weights \(found ?? "unknown")", expected: "\(weightsSHA256.prefix(12))")
      }
      // One document may hold answers of both precisions.
      let own = Set(alike.filter { ($0.precision ?? precision) == precision }.map(\.model))
      if own.isEmpty { try Self.check("precision", one.precision ?? "", precision) }
      let changes = (document.differences ?? []).filter { own.contains($0.model) }
      guard !changes.isEmpty else {
        throw EvidenceFault("differences", "empty", expected: "what --cut or --swap cost this model")
      }
      for change in changes { try change.check() }
      kind = .accuracy(changes)
    } else {
      return nil
    }
  }

  private static func check(_ name: String, _ found: String, _ expected: String) throws(EvidenceFault) {
    guard found == expected else {
      throw EvidenceFault(name, "\(found.prefix(12))", expected: "\(expected.prefix(12))")
    }
  }

  /// The keys that tell the two from each other and from anything else.
  private struct Outline: Decodable {
    struct Anything: Decodable {}

    let results, models: [Anything]?
    let permutations: Int?
    let questions: String?
  }

  private struct ProbeDocument: Decodable {
    struct Run: Decodable {
      let weights, config: String
      let precision: String?

      private enum CodingKeys: String, CodingKey {
        case precision
        case weights = "weights_sha256"
        case config = "config_sha256"
      }
    }

    let provenance: Run
  }

  private struct AccuracyDocument: Decodable {
    struct Provenance: Decodable {
      struct Model: Decodable {
        let model, sha256: String
        let settings: String?

        /// Out of what `eval` writes: `from voco, greedy, at most 128 tokens, precision exact, vocoscope 0.1.0`.
        var precision: String? {
          let clauses = (settings ?? "").split(separator: ", ")
          return clauses.first { $0.hasPrefix(Self.clause) }.map { String($0.dropFirst(Self.clause.count)) }
        }

        private static let clause = "precision "

        private enum CodingKeys: String, CodingKey {
          case model, settings
          case sha256 = "model_sha256"
        }
      }

      let models: [Model]
    }

    let differences: [AccuracyChange]?
    let provenance: Provenance
  }
}

extension EvidenceFault {
  /// The key that is missing or of another type.
  fileprivate init(_ error: any Error) {
    guard let error = error as? DecodingError else {
      self.init("the document", "unreadable", expected: "JSON")
      return
    }
    let (context, key): (DecodingError.Context, (any CodingKey)?) =
      switch error {
      case .keyNotFound(let key, let context): (context, key)
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): (context, nil)
      @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), nil)
      }
    let path = (context.codingPath + [key].compactMap { $0 }).map { $0.intValue.map { "\($0)" } ?? $0.stringValue }
    self.init(path.joined(separator: "."), key == nil ? "of another type" : "missing", expected: "a value as printed")
  }
}

extension ProbeReport {
  fileprivate func check() throws(EvidenceFault) {
    guard (2...100_000).contains(labels.count), labels.allSatisfy({ (1...10_000_000).contains($0.pictures) }) else {
      throw EvidenceFault("labels", "\(labels.count) with their pictures", expected: "2 or more with 1 or more each")
    }
    guard (1...1_000_000).contains(permutations), !results.isEmpty else {
      throw EvidenceFault("permutations", "\(permutations)", expected: "1 to 1000000, and results of them")
    }
    for result in results {
      let shares = [
        result.accuracy, result.permutedMean, result.pValue, result.interval.low, result.interval.high,
        result.permutedRange.low, result.permutedRange.high,
      ]
      guard shares.allSatisfy((0...1).contains), (1...1_000_000_000).contains(result.dimension) else {
        throw EvidenceFault("results", "\(result.name) with numbers that cannot be", expected: "shares of 0 to 1")
      }
    }
  }
}

extension AccuracyChange {
  fileprivate func check() throws(EvidenceFault) {
    for family in families {
      let counts = [family.count, family.lost, family.gained]
      guard (0...1).contains(family.before), (0...1).contains(family.after), (-1...1).contains(family.interval.low),
        (-1...1).contains(family.interval.high), counts.allSatisfy((0...100_000_000).contains)
      else {
        throw EvidenceFault("differences", "\(family.name) with numbers that cannot be", expected: "shares and counts")
      }
    }
    guard !families.isEmpty else { throw EvidenceFault("families", "empty", expected: "one or more") }
  }
}

package import Evidence
import Statistics
import Tensor
package import Trace

/// What follows from a trace alone, computed once when it arrives.
package struct TraceStatistics: Sendable {
  /// The row of `<voco>`; `nil` until the decoder ran, or when the trace does not fit together.
  package let inspected: InspectedAttention?
  /// The row of the last prompt token; `nil` too where it is the inspected one.
  package let lastToken: InspectedAttention?
  /// `[L]`, what the row reads that predicts the answer's first token.
  package let answerReadings: [AnswerTrace.Reading]
  /// The likeliest tokens that the last prompt token's logits give; without a tokenizer their pieces are ids.
  package let firstGuesses: [TokenProbability]
  /// Why there is no attention although the decoder ran.
  package let attentionProblem: String?
  /// What this one picture says about the anchors.
  package let anecdote: EvidenceVerdict?
  package let mask: MaskStatistics?
  /// That the projector has collapsed or the anchors are one vector, said out loud; `nil` while they are not.
  let collapse: String?
  /// That, or how far the nearest two anchors are apart.
  let health: String?
  package let anchors: AnchorSimilarity?
  /// How often this picture chooses each code; `nil` before the codes are known.
  package let codes: CodeUsage?
  /// What those counts tell, per group.
  package let usage: [UsageStatistics]
  /// Per anchor, its cosines with the patch tokens: their mean and the largest; `nil` before both are known.
  package let anchorPatchCosines: [(mean: Double, largest: Double)]?

  /// - Parameter before: the trace before this one with its statistics: what follows from parts that stayed is kept.
  package init(_ trace: Trace, index: SequenceIndex?, before: (trace: Trace, statistics: TraceStatistics)? = nil) {
    let attention: VocoAttention?
    (attention, attentionProblem) =
      if trace.language == nil {
        (nil, nil)
      } else {
        switch Result(catching: { () throws(EvidenceError) in try VocoAttention(trace) }) {
        case .success(let attention): (attention, nil)
        case .failure(let error): (nil, error.description)
        }
      }
    inspected = attention.map { InspectedAttention($0) }
    lastToken = Self.lastToken(trace)
    answerReadings = AnswerTrace.Reading.first(of: trace)
    firstGuesses =
      trace.language.map { language in
        Lens.guesses(language.logits.reshaped([1, language.logits.count])) { "token \($0)" }.first ?? []
      } ?? []
    anecdote = attention == nil ? nil : try? VerdictEngine().verdict(picture: trace)
    let earlier = before.flatMap { before in
      before.trace.sequence.flatMap { sequence in before.statistics.mask.map { (sequence, $0) } }
    }
    mask = trace.sequence.map {
      MaskStatistics($0, language: trace.language, vocoPosition: index?.vocoPosition, before: earlier)
    }
    anchors = trace.anchors.flatMap { $0.rank == 2 ? AnchorSimilarity($0) : nil }
    collapse = ProjectorHealth(trace)?.collapse ?? anchors.flatMap { CodebookFinding.of($0).first?.sentence }
    health = collapse ?? anchors.flatMap(Self.nearest)
    anchorPatchCosines = Self.cosines(trace)
    let codes = trace.mgvq.flatMap { mgvq in
      var usage = CodeUsage(groups: mgvq.codes.groups, codesPerGroup: trace.model.codesPerGroup)
      return (try? usage.add(mgvq.codes)).map { usage }
    }
    self.codes = codes
    usage = codes.map { codes in (0..<codes.groups).map { codes.statistics(group: $0) } } ?? []
  }
}

extension TraceStatistics {
  /// The row of `<voco>`, whatever token is inspected.
  package var attention: VocoAttention? { inspected?.attention }

  fileprivate static func lastToken(_ trace: Trace) -> InspectedAttention? {
    guard let language = trace.language, let sequence = trace.sequence, sequence.vocoPosition != nil,
      sequence.vocoPosition != sequence.length - 1,
      let layout = try? KeyLayout(sequence, patchGrid: trace.model.patchGrid, query: sequence.length - 1),
      let attention = try? VocoAttention(layout: layout, attention: language.attentionLast)
    else { return nil }
    return InspectedAttention(attention)
  }

  fileprivate static func nearest(_ anchors: AnchorSimilarity) -> String? {
    let cosines = anchors.cosines
    let pairs = cosines.indices.flatMap { a in cosines.indices.filter { $0 > a }.map { (a, $0) } }
    return pairs.max { cosines[$0.0][$0.1] < cosines[$1.0][$1.1] }.map { a, b in
      "The anchors differ: the nearest two are A\(a + 1) and A\(b + 1), cosine \(decimal(cosines[a][b], digits: 2))."
    }
  }

  fileprivate static func cosines(_ trace: Trace) -> [(mean: Double, largest: Double)]? {
    guard let anchors = trace.anchors, let patches = trace.vision?.patches, anchors.rank == 2, patches.rank == 2,
      anchors.shape[1] == patches.shape[1], patches.shape[0] > 0
    else { return nil }
    let a = normalizedRows(anchors)
    let products = matmul(a, normalizedRows(patches), transposeB: true)
    return (0..<anchors.shape[0]).map { anchor in
      let row = products[row: anchor].values
      return (Double(row.reduce(0, +)) / Double(row.count), Double(row.max() ?? 0))
    }
  }
}

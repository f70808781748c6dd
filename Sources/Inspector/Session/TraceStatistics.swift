package import Evidence
package import Tensor
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
  package let firstGuesses: [Lens.Guess]
  /// Why there is no attention although the decoder ran.
  package let attentionProblem: String?
  /// What this one picture says about the anchors.
  package let anecdote: EvidenceVerdict?
  package let mask: MaskStatistics?
  /// That the anchors are one vector, said out loud; `nil` while they are not.
  let collapse: String?
  package let anchors: AnchorStatistics?
  /// One a group; empty before the codes are known.
  package let codes: [CodeUsage]
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
    collapse = trace.anchors.flatMap {
      $0.rank == 2 ? CodebookFinding.of(AnchorSimilarity($0)).first?.sentence : nil
    }
    anchors = trace.anchors.flatMap { $0.rank == 2 ? AnchorStatistics($0) : nil }
    anchorPatchCosines = Self.cosines(trace)
    codes = trace.mgvq.map { mgvq in (0..<mgvq.codes.groups).map { CodeUsage(mgvq.codes, group: $0) } } ?? []
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

  fileprivate static func cosines(_ trace: Trace) -> [(mean: Double, largest: Double)]? {
    guard let anchors = trace.anchors, let patches = trace.vision?.patches, anchors.rank == 2, patches.rank == 2,
      anchors.shape[1] == patches.shape[1], patches.shape[0] > 0
    else { return nil }
    let a = unitRows(anchors)
    let products = matmul(a, unitRows(patches), transposeB: true)
    return (0..<anchors.shape[0]).map { anchor in
      let row = products[row: anchor].values
      return (Double(row.reduce(0, +)) / Double(row.count), Double(row.max() ?? 0))
    }
  }

  /// Rows at length 1; zero rows stay.
  private static func unitRows(_ x: Tensor) -> Tensor {
    let width = x.shape[1]
    return Tensor(shape: x.shape) { output in
      x.values.withUnsafeBufferPointer { input in
        for row in 0..<x.shape[0] {
          var squares: Float = 0
          for index in 0..<width { squares += input[row * width + index] * input[row * width + index] }
          let scale = squares > 0 ? 1 / squares.squareRoot() : 0
          for index in 0..<width { output[row * width + index] = input[row * width + index] * scale }
        }
      }
    }
  }
}

/// How one picture uses the codebook of a group.
package struct CodeUsage: Sendable, Equatable {
  /// How often each used code occurs.
  package let counts: [Int: Int]
  /// exp(−Σ p ln p) over the codes of this picture: as many codes used alike.
  package let perplexity: Double

  package init(_ codes: CodeGrid, group: Int) {
    let plane = codes.height * codes.width
    var counts: [Int: Int] = [:]
    for index in group * plane..<(group + 1) * plane { counts[Int(codes.indices[index]), default: 0] += 1 }
    self.counts = counts
    perplexity = effectiveCount(counts.keys.sorted().map { Double(counts[$0] ?? 0) })
  }

  /// Codes that occur at least once.
  package var used: Int { counts.count }
}

/// The anchor vectors compared.
package struct AnchorStatistics: Sendable, Equatable {
  /// `[A]`, Euclidean norms.
  package let norms: [Double]
  /// `[A][A]`, cosines between anchors; 0 with a vector of norm 0.
  package let cosines: [[Double]]

  /// - Parameter anchors: `[A, D]`.
  package init(_ anchors: Tensor) {
    let count = anchors.shape[0]
    let width = anchors.shape[1]
    let values = anchors.values
    func dot(_ a: Int, _ b: Int) -> Double {
      (0..<width).reduce(0) { $0 + Double(values[a * width + $1]) * Double(values[b * width + $1]) }
    }
    let norms = (0..<count).map { dot($0, $0).squareRoot() }
    self.norms = norms
    cosines = (0..<count).map { a in
      (0..<count).map { b in norms[a] > 0 && norms[b] > 0 ? dot(a, b) / (norms[a] * norms[b]) : 0 }
    }
  }
}

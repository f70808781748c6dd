/// What a checkpoint's own buffers say of usage: a record of training, not of the pictures at hand.
package struct UsageBuffers: Sendable, Hashable, Encodable {
  /// `codebook_used`: a window over the indices chosen last, zeros where it was never written.
  package struct Window: Sendable, Hashable, Encodable {
    package var places: Int
    /// Different values among them, index 0 counted whether it was chosen or never written.
    package var distinct: Int
    package var zeros: Int
  }

  /// `embed_prob` of one group: a running frequency of each code.
  package struct Frequencies: Sendable, Hashable, Encodable {
    package var codes: Int
    /// Codes with less than `UsageBuffers.hardly` of an even share.
    package var hardlyChosen: Int

    private enum CodingKeys: String, CodingKey {
      case codes
      case hardlyChosen = "hardly_chosen"
    }
  }

  /// Below this part of an even share, training hardly chose a code.
  package static let hardly = 0.001

  /// `nil` if the checkpoint has no such buffer.
  package var codebookUsed: Window?
  /// One a group; `nil` if the checkpoint has no such buffer, or one that does not fit.
  package var embedProbabilities: [Frequencies]?

  private enum CodingKeys: String, CodingKey {
    case codebookUsed = "codebook_used"
    case embedProbabilities = "embed_prob"
  }

  /// - Parameters:
  ///   - used: `codebook_used`, of any length.
  ///   - probabilities: `embed_prob` `[G, K]`, flat.
  package init(used: [Float]?, probabilities: [Float]?, groups: Int, codesPerGroup: Int) {
    codebookUsed = used.map {
      Window(places: $0.count, distinct: Set($0).count, zeros: $0.count { $0 == 0 })
    }
    guard let probabilities, probabilities.count == groups * codesPerGroup else { return }
    embedProbabilities = (0..<groups).map { group in
      let own = probabilities[group * codesPerGroup..<(group + 1) * codesPerGroup].map(Double.init)
      let even = own.reduce(0, +) / Double(codesPerGroup)
      return Frequencies(codes: codesPerGroup, hardlyChosen: own.count { !($0 >= Self.hardly * even) || $0 <= 0 })
    }
  }

  private var isWindowEmpty: Bool { codebookUsed.map { $0.zeros == $0.places } ?? false }
  private var areFrequenciesEmpty: Bool {
    embedProbabilities.map { $0.allSatisfy { $0.hardlyChosen == $0.codes } } ?? false
  }

  /// What to know before believing the buffers.
  package var sentence: String {
    let trap = "codebook_used starts as zeros, so index 0 looks used"
    switch (codebookUsed, embedProbabilities) {
    case (nil, nil):
      return "codebook_used and embed_prob are not in the checkpoint. (Where they are: \(trap).) Usage is counted from "
        + "codes."
    case (let window?, _) where !isWindowEmpty:
      return "codebook_used holds \(window.distinct) different indices in \(window.places) places, \(window.zeros) of "
        + "them 0: \(trap) wherever the window was not written. Usage is counted from codes."
    default:
      return "Of the buffers codebook_used and embed_prob, \(trap). Usage is counted from codes."
    }
  }

  /// What the buffers tell about the checkpoint.
  package var findings: [CodebookFinding] {
    let names = [isWindowEmpty ? "codebook_used" : nil, areFrequenciesEmpty ? "embed_prob" : nil].compactMap { $0 }
    var findings: [CodebookFinding] = []
    if !names.isEmpty {
      let sentence =
        "\(names.joined(separator: " and ")) was never filled: all zeros, so index 0 looks used. Usage is counted from "
        + "codes instead."
      findings.append(CodebookFinding(.ok, .unpopulatedBuffers, sentence))
    }
    guard !areFrequenciesEmpty else { return findings }
    for (group, frequencies) in (embedProbabilities ?? []).enumerated() {
      let part = Double(frequencies.hardlyChosen) / Double(max(1, frequencies.codes))
      guard part > 0.05 else { continue }
      let sentence =
        "Group \(group + 1): by embed_prob, training hardly chose \(frequencies.hardlyChosen) of \(frequencies.codes) "
        + "codes (under a thousandth of an even share); over how many samples, the buffer does not say."
      findings.append(.init(.warning, .deadCodes, group: group, sentence))
    }
    return findings
  }
}

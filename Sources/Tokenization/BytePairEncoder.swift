import JSON

/// Text to tokens as tokenizers' `BPE` has it, with what it does to the text before (`models/bpe/{model,word}.rs`,
/// `normalizers`, `pre_tokenizers/metaspace.rs`).
struct BytePairEncoder: Sendable {
  enum Normalizer: Sendable {
    case prepend([Unicode.Scalar])
    case replace([Unicode.Scalar], with: [Unicode.Scalar])
    /// `Replace(Regex(r"\A▁"), "▁▁")`.
    case doubleFirstSpace
  }
  struct Metaspace: Sendable {
    enum Prefix: String, CaseIterable { case always, first, never }
    let prefix: Prefix
    /// Whether no merge crosses the beginning of a word.
    let splits: Bool
  }
  struct Merge: Sendable {
    let rank: Int32
    let id: Int32
  }

  let ids: [ExactText: Int32]
  /// By pair of tokens.
  let merges: [UInt64: Merge]
  var normalizers: [Normalizer] = []
  var metaspace: Metaspace?
  /// `[256]` with byte fallback, else empty.
  var bytes: [Int32?] = []
  var unknown: Int32?
  var fusesUnknown = false
  var ignoresMerges = false

  static let space: Unicode.Scalar = "▁"

  init(ids: [ExactText: Int32], merges: [UInt64: Merge]) {
    self.ids = ids
    self.merges = merges
  }

  static func pair(_ first: Int32, _ second: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
  }

  /// Whether a text gets a space in front, which decoding takes away.
  var prefixesText: Bool {
    if let metaspace, metaspace.prefix != .never { return true }
    return normalizers.contains { if case .prepend([Self.space]) = $0 { true } else { false } }
  }

  /// The tokens of `text`; where it continues a text, what only that text's beginning gets is left out.
  func encode(_ text: String, continuing: Bool) -> [Int32] {
    var scalars = Array(text.unicodeScalars)
    for normalizer in normalizers { scalars = normalizer.applied(to: scalars) }
    guard !scalars.isEmpty else { return [] }
    guard let metaspace else { return merged(scalars[...]) }
    scalars = scalars.map { $0 == " " ? Self.space : $0 }
    let hasPrefix = metaspace.prefix == .always || metaspace.prefix == .first && !continuing
    if hasPrefix && scalars[0] != Self.space { scalars.insert(Self.space, at: 0) }
    guard metaspace.splits else { return merged(scalars[...]) }
    var starts = scalars.indices.filter { $0 == 0 || scalars[$0] == Self.space }
    starts.append(scalars.count)
    return zip(starts, starts.dropFirst()).flatMap { merged(scalars[$0..<$1]) }
  }

  /// The tokens of a stretch of text that is merged as a whole: of all pairs that stand beside each other, always the one
  /// that was learned first, and of equal ones the leftmost.
  private func merged(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    if ignoresMerges, let whole = ids[Self.exact(word)] { return [whole] }
    var tokens = characters(word)
    var ranks = zip(tokens, tokens.dropFirst()).map { merges[Self.pair($0, $1)]?.rank ?? .max }
    while let best = Self.firstSmallest(ranks), let merge = merges[Self.pair(tokens[best], tokens[best + 1])] {
      tokens[best] = merge.id
      tokens.remove(at: best + 1)
      ranks.remove(at: best)
      for place in [best - 1, best] where ranks.indices.contains(place) {
        ranks[place] = merges[Self.pair(tokens[place], tokens[place + 1])]?.rank ?? .max
      }
    }
    return tokens
  }

  private static func firstSmallest(_ ranks: [Int32]) -> Int? {
    var (smallest, place): (Int32, Int?) = (.max, nil)
    for (index, rank) in ranks.enumerated() where rank < smallest { (smallest, place) = (rank, index) }
    return place
  }

  /// A token per character, or per byte of one that has none.
  private func characters(_ word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    var tokens: [Int32] = []
    var isUnknownPending = false
    for scalar in word {
      let text = String(scalar)
      if let id = ids[ExactText(text)] {
        // Only here, as there: bytes are put in front of what is pending.
        if isUnknownPending, let unknown { tokens.append(unknown) }
        isUnknownPending = false
        tokens.append(id)
        continue
      }
      let found = bytes.isEmpty ? [] : text.utf8.compactMap { bytes[Int($0)] }
      if found.count == text.utf8.count {
        tokens += found
      } else if let unknown {
        if isUnknownPending && !fusesUnknown { tokens.append(unknown) }
        isUnknownPending = true
      }
    }
    if isUnknownPending, let unknown { tokens.append(unknown) }
    return tokens
  }

  private static func exact(_ scalars: ArraySlice<Unicode.Scalar>) -> ExactText {
    ExactText(String(String.UnicodeScalarView(scalars)))
  }
}

extension BytePairEncoder.Normalizer {
  fileprivate func applied(to text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    switch self {
    case .prepend(let start): return text.isEmpty ? text : start + text
    case .doubleFirstSpace: return text.first == BytePairEncoder.space ? [BytePairEncoder.space] + text : text
    case .replace(let pattern, let content):
      var result: [Unicode.Scalar] = []
      var rest = text[...]
      while let next = rest.first {
        if rest.starts(with: pattern) {
          result += content
          rest = rest.dropFirst(pattern.count)
        } else {
          result.append(next)
          rest = rest.dropFirst()
        }
      }
      return result
    }
  }
}

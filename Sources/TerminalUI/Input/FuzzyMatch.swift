/// How well a text answers a query whose characters it holds in order, and which of its characters those are.
package struct FuzzyMatch: Sendable, Hashable {
  /// Higher is better; only comparable under one query.
  package let score: Int
  /// Indices of the matched characters.
  package let positions: [Int]

  /// `nil` when the text does not hold the query's characters in order; case and spaces of the query do not count.
  ///
  /// Best alignment by dynamic programming: a match at the start of a word or right after the last match scores more, a
  /// skipped character inside the match costs one.
  package init?(_ query: String, in text: String) {
    // A text pasted by mistake answers nothing, and costs nothing.
    guard query.utf8.count <= 64 + 8 * text.utf8.count else { return nil }
    let wanted = query.lowercased().filter { !$0.isWhitespace }.map { $0 }
    let characters = Array(text)
    let lower = characters.map { Character($0.lowercased().first.map(String.init) ?? "") }
    guard wanted.count <= lower.count else { return nil }
    guard !wanted.isEmpty else {
      (score, positions) = (0, [])
      return
    }
    guard let best = Self.align(wanted, lower, starts: Self.wordStarts(characters)) else { return nil }
    score = best.score - characters.count / 8
    positions = best.positions
  }

  private static func wordStarts(_ characters: [Character]) -> [Bool] {
    characters.indices.map { index in
      guard index > 0 else { return true }
      let (before, here) = (characters[index - 1], characters[index])
      return !before.isLetter && !before.isNumber || before.isLowercase && here.isUppercase
    }
  }

  private static func align(_ wanted: [Character], _ text: [Character], starts: [Bool]) -> (
    score: Int, positions: [Int]
  )? {
    // best[i][j]: score of matching wanted[...i] with wanted[i] at text[j]; from: where wanted[i - 1] stood.
    var best = [[Int?]](repeating: [Int?](repeating: nil, count: text.count), count: wanted.count)
    var from = [[Int]](repeating: [Int](repeating: -1, count: text.count), count: wanted.count)
    for i in wanted.indices {
      for j in i..<text.count where text[j] == wanted[i] {
        let own = starts[j] ? 10 : 1
        if i == 0 {
          best[i][j] = own
          continue
        }
        for k in i - 1..<j {
          guard let before = best[i - 1][k] else { continue }
          let total = before + own + (k == j - 1 ? 8 : -(j - k - 1))
          if best[i][j].map({ total > $0 }) ?? true { (best[i][j], from[i][j]) = (total, k) }
        }
      }
    }
    let last = wanted.count - 1
    guard let end = text.indices.filter({ best[last][$0] != nil }).max(by: { best[last][$0]! < best[last][$1]! })
    else { return nil }
    var positions = [end]
    for i in stride(from: last, to: 0, by: -1) { positions.append(from[i][positions[positions.count - 1]]) }
    return (best[last][end] ?? 0, positions.reversed())
  }
}

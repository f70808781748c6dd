/// One line of text being edited.
package struct TextField: Widget, Sendable, Hashable {
  package private(set) var characters: [Character]
  /// Index into the characters, 0…count.
  package private(set) var caret: Int

  package init(_ text: String = "") {
    characters = Array(Self.oneLine(text))
    caret = characters.count
  }

  package var text: String { String(characters) }

  /// Inserts text at the caret; line breaks become spaces, other control characters go.
  package mutating func insert(_ text: String) {
    let new = Array(Self.oneLine(text))
    guard !new.isEmpty else { return }
    characters.insert(contentsOf: new, at: caret)
    _ = join(at: caret + new.count)
    caret += new.count - (join(at: caret) ? 1 : 0)
  }

  /// Applies a key; `false` when it is not for a text field.
  ///
  /// Besides the arrows: Ctrl-A/E start and end, Ctrl-B/F one back and forward, Ctrl-U/K delete to either end, Ctrl-W
  /// deletes a word.
  package mutating func handle(_ key: Key) -> Bool {
    switch key {
    case .character(let character): insert(String(character))
    case .left, .control("b"): caret = max(0, caret - 1)
    case .right, .control("f"): caret = min(characters.count, caret + 1)
    case .home, .control("a"): caret = 0
    case .end, .control("e"): caret = characters.count
    case .backspace, .control("h"): delete(max(0, caret - 1)..<caret)
    case .delete, .control("d"): delete(caret..<min(characters.count, caret + 1))
    case .control("u"): delete(0..<caret)
    case .control("k"): delete(caret..<characters.count)
    case .control("w"): delete(wordStart..<caret)
    default: return false
    }
    return true
  }

  /// Draws the text with the caret in sight and shows the terminal's caret there.
  @discardableResult
  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) -> [Hit<Never>] {
    guard !rect.isEmpty else { return [] }
    let row = Rect(x: rect.x, y: rect.y, width: rect.width, height: 1)
    frame.fill(row, with: Cell(" ", look.theme.field))
    let first = firstShown(width: rect.width)
    var (end, used) = (first, 0)
    while end < characters.count && used < rect.width {
      used += displayWidth(characters[end])
      end += 1
    }
    frame.write(
      String(characters[first..<end]), at: Point(x: rect.x, y: rect.y), style: look.theme.field, clippedTo: row)
    frame.caret = Point(x: rect.x + displayWidth(String(characters[first..<caret])), y: rect.y)
    return []
  }

  /// Puts the caret at the character nearest to a column of the drawn field.
  package mutating func moveCaret(toColumn column: Int, width: Int) {
    let first = firstShown(width: width)
    var used = 0
    for index in first..<characters.count {
      used += displayWidth(characters[index])
      if used > column {
        caret = index
        return
      }
    }
    caret = characters.count
  }

  /// The first character in sight in so many columns: those before the caret that fit beside it. What lies further is not
  /// looked at, however long a paste was.
  private func firstShown(width: Int) -> Int {
    var (first, used) = (caret, 0)
    while first > 0 {
      used += displayWidth(characters[first - 1])
      guard used < width else { break }
      first -= 1
    }
    return first
  }

  private var wordStart: Int {
    var start = caret
    while start > 0 && characters[start - 1] == " " { start -= 1 }
    while start > 0 && characters[start - 1] != " " { start -= 1 }
    return start
  }

  private mutating func delete(_ range: Range<Int>) {
    characters.removeSubrange(range)
    caret = range.lowerBound
  }

  /// Makes one character of the two that meet at an index if they are one, as a mark is with its base; only there can
  /// text be joined that was inserted, however long the field is.
  private mutating func join(at index: Int) -> Bool {
    guard index > 0 && index < characters.count else { return false }
    let pair = String(characters[index - 1]) + String(characters[index])
    guard let joined = pair.first, joined.unicodeScalars.count == pair.unicodeScalars.count else { return false }
    characters.replaceSubrange(index - 1...index, with: [joined])
    return true
  }

  private static func oneLine(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.replacingLineBreaks.unicodeScalars
    where scalar.properties.generalCategory != .control { scalars.append(scalar) }
    return String(scalars)
  }
}

extension String {
  fileprivate var replacingLineBreaks: String {
    String(map { $0.isNewline || $0 == "\t" ? " " : $0 })
  }
}

/// What a person did, as a backend reports it.
package enum InputEvent: Sendable, Hashable {
  case key(Key)
  case mouse(MouseEvent)
  case resize(Size)
  /// Text that arrived as one bracketed paste.
  case paste(String)
}

/// A key, after the terminal's escape sequences are decoded.
package enum Key: Sendable, Hashable {
  case character(Character)
  /// Control with a lower-case letter, as in Ctrl-L = `.control("l")`.
  case control(Character)
  case up, down, left, right, home, end, pageUp, pageDown
  case enter, escape, tab, backTab, backspace, delete, insert
  case function(Int)
}

extension Key: ExpressibleByExtendedGraphemeClusterLiteral {
  /// A key that writes this character.
  package init(extendedGraphemeClusterLiteral character: Character) { self = .character(character) }
}

/// A mouse event at a cell.
package struct MouseEvent: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    case press, release, drag, doubleClick, scrollUp, scrollDown
  }

  package var kind: Kind
  package var position: Point

  package init(_ kind: Kind, at position: Point) {
    self.kind = kind
    self.position = position
  }
}

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

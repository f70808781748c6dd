import TerminalUI

extension VirtualTerminal {
  mutating func print(_ scalar: Unicode.Scalar) {
    let width = displayWidth(scalar)
    if width == 0 {
      addMark(scalar)
      return
    }
    guard width <= size.width else { return }
    if wrapsNext || cursor.x + width > size.width {
      cursor.x = 0
      lineFeed()
    }
    if isInserting { insertCharacters(width) }
    lastCharacter = Character(scalar)
    clearWide(at: cursor)
    if width == 2 { clearWide(at: Point(x: cursor.x + 1, y: cursor.y)) }
    var glyph = pen
    glyph.character = lastCharacter
    screen[cursor.y][cursor.x] = glyph
    if width == 2 {
      glyph.character = nil
      screen[cursor.y][cursor.x + 1] = glyph
    }
    wrapsNext = cursor.x + width >= size.width && modes.contains(7)
    cursor.x = min(cursor.x + width, size.width - 1)
  }

  private mutating func addMark(_ scalar: Unicode.Scalar) {
    var x = wrapsNext ? cursor.x : cursor.x - 1
    if x > 0 && screen[cursor.y][x].character == nil { x -= 1 }
    guard x >= 0, let base = screen[cursor.y][x].character else { return }
    screen[cursor.y][x].character = (String(base) + String(scalar)).first
  }

  /// Blanks the other half of a wide character that is about to be written over.
  private mutating func clearWide(at point: Point) {
    let row = screen[point.y]
    if row[point.x].character == nil && point.x > 0 { screen[point.y][point.x - 1].character = " " }
    if point.x + 1 < size.width && row[point.x + 1].character == nil { screen[point.y][point.x + 1].character = " " }
  }

  mutating func control(_ byte: UInt8) {
    switch byte {
    case 8: moveCursor(x: cursor.x - 1, y: cursor.y)
    case 9: moveCursor(x: (cursor.x / 8 + 1) * 8, y: cursor.y)
    case 10, 11, 12: lineFeed()
    case 13: moveCursor(x: 0, y: cursor.y)
    default: break
    }
  }

  mutating func lineFeed() {
    wrapsNext = false
    if cursor.y == region.upperBound - 1 { scrollUp(1) } else { cursor.y = min(cursor.y + 1, size.height - 1) }
  }

  mutating func escape(_ intermediates: String, _ final: Character) {
    guard intermediates.isEmpty else { return }
    switch final {
    case "7": savedCursor = cursor
    case "8": moveCursor(x: savedCursor.x, y: savedCursor.y)
    case "D": lineFeed()
    case "E":
      cursor.x = 0
      lineFeed()
    case "M":
      wrapsNext = false
      if cursor.y == region.lowerBound { scrollDown(1) } else { cursor.y = max(0, cursor.y - 1) }
    case "=": isKeypadApplication = true
    case ">": isKeypadApplication = false
    case "c": reset()
    default: break
    }
  }

  mutating func perform(_ sequence: EscapeParser.Sequence) {
    if sequence.prefix == "?" && (sequence.final == "h" || sequence.final == "l") {
      for case let mode? in sequence.parameters { set(mode, sequence.final == "h") }
      return
    }
    guard sequence.prefix == nil && sequence.intermediates.isEmpty else { return }
    if !move(sequence) && !erase(sequence) { change(sequence) }
  }

  private mutating func set(_ mode: Int, _ isOn: Bool) {
    if isOn { modes.insert(mode) } else { modes.remove(mode) }
    switch mode {
    case 47, 1047: setAlternateScreen(isOn)
    case 1049:
      if isOn { savedCursor = cursor }
      setAlternateScreen(isOn)
      if !isOn { moveCursor(x: savedCursor.x, y: savedCursor.y) }
    default: break
    }
  }

  private mutating func move(_ sequence: EscapeParser.Sequence) -> Bool {
    let count = sequence.count()
    switch sequence.final {
    case "A": moveCursor(x: cursor.x, y: cursor.y - count)
    case "B", "e": moveCursor(x: cursor.x, y: cursor.y + count)
    case "C", "a": moveCursor(x: cursor.x + count, y: cursor.y)
    case "D": moveCursor(x: cursor.x - count, y: cursor.y)
    case "E": moveCursor(x: 0, y: cursor.y + count)
    case "F": moveCursor(x: 0, y: cursor.y - count)
    case "G", "`": moveCursor(x: count - 1, y: cursor.y)
    case "d": moveCursor(x: cursor.x, y: count - 1)
    case "H", "f": moveCursor(x: sequence.count(1) - 1, y: count - 1)
    case "I": moveCursor(x: (cursor.x / 8 + count) * 8, y: cursor.y)
    case "Z": moveCursor(x: ((cursor.x + 7) / 8 - count) * 8, y: cursor.y)
    case "s": savedCursor = cursor
    case "u": moveCursor(x: savedCursor.x, y: savedCursor.y)
    default: return false
    }
    return true
  }

  private mutating func erase(_ sequence: EscapeParser.Sequence) -> Bool {
    let width = size.width
    switch (sequence.final, sequence.value()) {
    case ("J", 0):
      blank(cursor.y, cursor.x..<width)
      for y in cursor.y + 1..<max(cursor.y + 1, size.height) { blank(y, 0..<width) }
    case ("J", 1):
      blank(cursor.y, 0..<cursor.x + 1)
      for y in 0..<cursor.y { blank(y, 0..<width) }
    case ("J", 2): for y in 0..<size.height { blank(y, 0..<width) }
    case ("K", 0): blank(cursor.y, cursor.x..<width)
    case ("K", 1): blank(cursor.y, 0..<cursor.x + 1)
    case ("K", 2): blank(cursor.y, 0..<width)
    case ("X", _): blank(cursor.y, cursor.x..<min(width, cursor.x + sequence.count()))
    default: return false
    }
    wrapsNext = false
    return true
  }

  private mutating func change(_ sequence: EscapeParser.Sequence) {
    let count = sequence.count()
    switch sequence.final {
    case "m": pen.apply(sequence.parameters)
    case "@": insertCharacters(count)
    case "P": deleteCharacters(count)
    case "L": if region.contains(cursor.y) { scroll(cursor.y..<region.upperBound, by: -count) }
    case "M": if region.contains(cursor.y) { scroll(cursor.y..<region.upperBound, by: count) }
    case "S": scrollUp(count)
    case "T": scrollDown(count)
    case "b":
      let scalars = lastCharacter.unicodeScalars
      for _ in 0..<min(count, size.width * size.height) { if let scalar = scalars.first { print(scalar) } }
    case "r":
      let bottom = sequence.value(1) == 0 ? size.height : min(sequence.value(1), size.height)
      let top = min(count - 1, bottom - 1)
      region = max(0, top)..<max(1, bottom)
      moveCursor(x: 0, y: 0)
    case "h", "l": if sequence.value() == 4 { isInserting = sequence.final == "h" }
    default: break
    }
  }
}

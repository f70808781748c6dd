package import ColorMaps

/// The styles of every element, by role; each text role is readable on its own background.
package struct Theme: Sendable, Hashable {
  package let name: String
  /// What an empty cell of the screen looks like.
  package let text: Style
  package let dim, accent, title, border, focusBorder: Style
  package let good, warning, bad: Style
  /// A row or token under the cursor.
  package let cursor: Style
  package let selection: Style
  package let statusLine, statusKey: Style
  package let field, menu, menuSelected, menuMatch, dialog: Style
  package let banner, errorBanner: Style
  package let barFill, barTrack, referenceLine: Style
  /// Marks a grid's cell under the cursor and the selected ones, over any map's colours.
  package let cursorColor, selectionColor, noDataColor: Color
  /// Colours that tell series of a chart apart, in the order to use them in; none without colour.
  package let seriesColors: [Color]

  package var background: Color { text.background }

  /// Roles whose text must be read, with their names.
  package var textRoles: [(name: String, style: Style)] {
    [
      ("text", text), ("dim", dim), ("accent", accent), ("title", title), ("good", good), ("warning", warning),
      ("bad", bad), ("cursor", cursor), ("selection", selection), ("statusLine", statusLine), ("statusKey", statusKey),
      ("field", field), ("menu", menu), ("menuSelected", menuSelected), ("menuMatch", menuMatch), ("dialog", dialog),
      ("banner", banner), ("errorBanner", errorBanner),
    ]
  }

  /// The themes a person can turn through.
  package static let all: [Theme] = [.dark, .light, .highContrast]

  /// The theme for the terminal's background where it says so: `COLORFGBG` ends in a palette entry, 7 and 9–15 being
  /// light ones; else the dark theme. Both paint their own background, so a wrong guess stays readable.
  package static func suggested(environment: [String: String]) -> Theme {
    guard let last = environment["COLORFGBG"]?.split(separator: ";").last, let entry = Int(last) else { return .dark }
    return entry == 7 || (9...15).contains(entry) ? .light : .dark
  }
}

extension Theme {
  /// What a theme is made of.
  private struct Palette {
    var background, raised, text, dim, accent, border, good, warning, bad, cursor, selection, noData: UInt32
    var series: [UInt32]
  }

  private init(name: String, _ p: Palette) {
    let background = Color(hex: p.background)
    func on(_ hex: UInt32, _ attributes: Attributes = []) -> Style {
      Style(Color(hex: hex), on: background, attributes)
    }
    func raised(_ hex: UInt32, _ attributes: Attributes = []) -> Style {
      Style(Color(hex: hex), on: Color(hex: p.raised), attributes)
    }
    func filled(_ hex: UInt32, _ attributes: Attributes = []) -> Style {
      Style(ColorMap.contrasting(Color(hex: hex)), on: Color(hex: hex), attributes)
    }
    self.name = name
    text = on(p.text)
    dim = on(p.dim)
    accent = on(p.accent)
    title = on(p.text, .bold)
    border = on(p.border)
    focusBorder = on(p.accent, .bold)
    good = on(p.good)
    warning = on(p.warning)
    bad = on(p.bad, .bold)
    cursor = filled(p.cursor)
    selection = filled(p.selection)
    statusLine = raised(p.text)
    statusKey = raised(p.accent, .bold)
    field = raised(p.text)
    menu = raised(p.text)
    menuSelected = filled(p.cursor)
    menuMatch = raised(p.accent, .bold)
    dialog = raised(p.text)
    banner = filled(p.warning, .bold)
    errorBanner = filled(p.bad, .bold)
    barFill = on(p.accent)
    barTrack = on(p.border)
    referenceLine = on(p.warning)
    cursorColor = Color(hex: p.cursor)
    selectionColor = Color(hex: p.selection)
    noDataColor = Color(hex: p.noData)
    seriesColors = p.series.map { Color(hex: $0) }
  }

  /// For dark surroundings.
  package static let dark = Theme(
    name: "dark",
    Palette(
      background: 0x101216, raised: 0x262A33, text: 0xE4E6EA, dim: 0xA0A6B0, accent: 0x6CC7F5, border: 0x6A7280,
      good: 0x6EE7C8, warning: 0xE2D13A, bad: 0xF4696B, cursor: 0xFF5FAF, selection: 0x7FD7FF, noData: 0x3A3F4A,
      series: [0x6CC7F5, 0xD9A138, 0x6B8D7C, 0xDF21F9, 0xF0E442, 0xE4E6EA]))

  /// For light surroundings.
  package static let light = Theme(
    name: "light",
    Palette(
      background: 0xFCFCFA, raised: 0xE6E8EC, text: 0x1B1D22, dim: 0x555A64, accent: 0x00508C, border: 0x8A9099,
      good: 0x097A5B, warning: 0x866000, bad: 0x6E0012, cursor: 0xC00058, selection: 0x006B9F, noData: 0xC9CCD2,
      series: [0x0A64AD, 0xA8541C, 0x043324, 0x4A0752, 0x6B5E00, 0x404040]))

  /// Black, white and saturated colours only.
  package static let highContrast = Theme(
    name: "high contrast",
    Palette(
      background: 0x000000, raised: 0x000000, text: 0xFFFFFF, dim: 0xE5E5E5, accent: 0x00FFFF, border: 0xFFFFFF,
      good: 0x6EE271, warning: 0xFEFC45, bad: 0xE699A9, cursor: 0xFFFF00, selection: 0x00FFFF, noData: 0x4D4D4D,
      series: [0x56B4E9, 0xF9A537, 0xCBF7EA, 0xA998A2, 0xFFFF00, 0xFFFFFF]))

  /// Attributes alone, for terminals without colour.
  package static let monochrome = Theme(name: "monochrome")

  private init(name: String) {
    let plain = Style.plain
    let bold = Style(.terminal, on: .terminal, .bold)
    let reverse = Style(.terminal, on: .terminal, .reverse)
    let underline = Style(.terminal, on: .terminal, .underline)
    self.name = name
    (text, dim, accent, title, border, focusBorder) = (plain, plain, bold, bold, plain, bold)
    (good, warning, bad) = (plain, bold, Style(.terminal, on: .terminal, [.bold, .underline]))
    (cursor, selection) = (reverse, underline)
    (statusLine, statusKey) = (reverse, Style(.terminal, on: .terminal, [.reverse, .bold]))
    (field, menu, menuSelected, menuMatch, dialog) = (underline, plain, reverse, bold, plain)
    (banner, errorBanner) = (reverse, Style(.terminal, on: .terminal, [.reverse, .bold]))
    (barFill, barTrack, referenceLine) = (plain, plain, bold)
    (cursorColor, selectionColor, noDataColor) = (.terminal, .terminal, .terminal)
    seriesColors = []
  }
}

/// How everything is drawn: theme, glyphs and colour depth together.
package struct Appearance: Sendable, Hashable {
  package let theme: Theme
  package let glyphs: Glyphs
  package let depth: ColorDepth

  /// On a monochrome terminal the theme asked for gives way to attributes alone.
  package init(theme: Theme = .dark, glyphs: Glyphs = .unicode, depth: ColorDepth = .trueColor) {
    self.theme = depth == .mono ? .monochrome : theme
    self.glyphs = glyphs
    self.depth = depth
  }

  /// Whether there are colours at all.
  package var hasColor: Bool { depth != .mono }
}

/// The characters that widgets are drawn with.
package struct Glyphs: Sendable, Hashable {
  package let isUnicode: Bool
  package let horizontal, vertical, topLeft, topRight, bottomLeft, bottomRight: Character
  package let teeLeft, teeRight, teeTop, teeBottom, cross: Character
  /// A bar growing to the right by eighths: `[0]` empty … `[8]` full.
  package let horizontalEighths: [Character]
  /// A bar growing upward by eighths: `[0]` empty … `[8]` full.
  package let verticalEighths: [Character]
  package let upperHalf, lowerHalf, full: Character
  /// Characters from empty to dense that stand for a magnitude where colour cannot.
  package let ramp: [Character]
  package let ellipsis, bullet, check, failure, pointer, line, noData, scrollThumb, scrollTrack: Character
  package let up, down, left, right: Character
  /// Frames of a spinner.
  package let spinner: [Character]

  package static let unicode = Glyphs(
    isUnicode: true, horizontal: "─", vertical: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└", bottomRight: "┘",
    teeLeft: "├", teeRight: "┤", teeTop: "┬", teeBottom: "┴", cross: "┼",
    horizontalEighths: [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    verticalEighths: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], upperHalf: "▀", lowerHalf: "▄", full: "█",
    ramp: [" ", "░", "▒", "▓", "█"], ellipsis: "…", bullet: "•", check: "✓", failure: "✗",
    pointer: "▸", line: "─", noData: "·", scrollThumb: "█", scrollTrack: "│", up: "↑", down: "↓", left: "←", right: "→",
    spinner: ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"])

  package static let ascii = Glyphs(
    isUnicode: false, horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+", bottomRight: "+",
    teeLeft: "+", teeRight: "+", teeTop: "+", teeBottom: "+", cross: "+",
    horizontalEighths: [" ", ".", ".", ":", "-", "-", "=", "=", "#"],
    verticalEighths: [" ", "_", "_", ".", ".", "-", "-", "=", "#"], upperHalf: "\"", lowerHalf: "_", full: "#",
    ramp: [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"], ellipsis: "~", bullet: "*", check: "y", failure: "x",
    pointer: ">", line: "-", noData: "?", scrollThumb: "#", scrollTrack: "|", up: "^", down: "v", left: "<", right: ">",
    spinner: ["|", "/", "-", "\\"])

  /// Unicode when the locale says UTF-8 (`LC_ALL`, else `LC_CTYPE`, else `LANG`) and ASCII was not asked for.
  package static func detect(environment: [String: String], asciiRequested: Bool = false) -> Glyphs {
    if asciiRequested { return .ascii }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let encoding = locale.lowercased()
    return encoding.contains("utf-8") || encoding.contains("utf8") ? .unicode : .ascii
  }

  /// The ramp's character for a magnitude in 0…1; anything above 0 shows.
  package func rampCharacter(_ t: Double) -> Character {
    guard t.isFinite else { return noData }
    let steps = Double(ramp.count - 1)
    let step = t <= 0 ? 0 : max(1, Int((min(t, 1) * steps).rounded()))
    return ramp[step]
  }
}

extension Frame {
  /// The frame with every character an ASCII one, columns unchanged: for terminals that show nothing else.
  package var asciiOnly: Frame {
    var result = self
    for index in result.cells.indices where !result.cells[index].character.isPrintableASCII {
      let character = result.cells[index].character
      let isBlank = character == Cell.continuation.character || character == Cell.picture.character
      result.cells[index].character = isBlank ? " " : asciiFold(character)
    }
    return result
  }
}

/// The ASCII character nearest in look or sound to one character; `?` when there is none.
package func asciiFold(_ character: Character) -> Character {
  if character.isPrintableASCII { return character }
  if let known = asciiLikenesses[character] { return known }
  guard let base = character.unicodeScalars.first else { return "?" }
  if base.isASCII { return base.value >= 0x20 && base.value < 0x7F ? Character(base) : "?" }
  return latinBase(base) ?? "?"
}

extension Character {
  var isPrintableASCII: Bool { asciiValue.map { $0 >= 0x20 && $0 < 0x7F } ?? false }
}

/// The letter behind an accented Latin one, read from its Unicode name ("LATIN SMALL LETTER E WITH ACUTE").
private func latinBase(_ scalar: Unicode.Scalar) -> Character? {
  guard let name = scalar.properties.name, name.hasPrefix("LATIN ") else { return nil }
  let words = name.split(separator: " ")
  guard words.count >= 4, words[2] == "LETTER", words[3].utf8.count == 1, let letter = words[3].first else {
    return nil
  }
  return words[1] == "SMALL" ? Character(letter.lowercased()) : letter
}

private let asciiLikenesses: [Character: Character] = [
  "×": "x", "·": ".", "…": "~", "–": "-", "—": "-", "−": "-", "‖": "|", "“": "\"", "”": "\"", "‘": "'", "’": "'",
  "→": ">", "←": "<", "↑": "^", "↓": "v", "✓": "y", "✗": "x", "•": "*", "▸": ">", "²": "2", "³": "3", "¹": "1",
  "±": "+", "≈": "~", "≤": "<", "≥": ">", "≠": "!", "÷": "/", "°": "o", "µ": "u", "Σ": "S", "√": "v", "∞": "8",
  "α": "a",
  "Δ": "D", "½": "h", "⟨": "<", "⟩": ">",
  "█": "#", "▉": "#", "▊": "#", "▋": "=", "▌": "=", "▍": "-", "▎": ":", "▏": ".", "▀": "\"", "▄": "_",
  "▁": "_", "▂": "_", "▃": ".", "▅": "-", "▆": "=", "▇": "#", "░": ".", "▒": ":", "▓": "#",
  "─": "-", "│": "|", "┌": "+", "┐": "+", "└": "+", "┘": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
  "␛": "^", "␊": "$", "␉": ">", "␍": "$", "\u{A0}": " ", "◌": "o", "«": "<", "»": ">",
]

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
    ramp: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"], ellipsis: "…", bullet: "•", check: "✓", failure: "✗",
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

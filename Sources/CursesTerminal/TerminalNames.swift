package import ColorMaps
import TerminalUI

/// The terminfo entries to try for a colour depth, best first.
///
/// ncurses speaks 24-bit colour only under an entry that describes it (`xterm-direct`), and `TERM` seldom names one.
///
/// - Parameter isDescribed: whether terminfo has an entry for `TERM`; without one xterm's stand in for it, which newer
///   terminals follow.
package func terminalNames(
  for depth: ColorDepth, environment: [String: String], isDescribed: Bool = true
) -> [String] {
  let term = environment["TERM"] ?? ""
  guard !term.isEmpty else { return [] }
  let ownNames = isDescribed ? [term] : [term, "xterm-256color", "xterm", "vt100"]
  guard depth == .trueColor, !term.hasSuffix("-direct") else { return ownNames }
  var family = term
  for suffix in ["-256color", "-256", "-16color", "-color"] where family.hasSuffix(suffix) {
    family.removeLast(suffix.count)
  }
  var names: [String] = []
  if environment["TMUX"] != nil || family == "tmux" { names.append("tmux-direct") }
  names.append(family + "-direct")
  // Terminals that name themselves otherwise follow xterm, multiplexers and the console do not.
  if !["tmux", "screen", "linux"].contains(where: family.hasPrefix) { names.append("xterm-direct") }
  names += ownNames
  return names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
}

/// The depth that a terminal with `colors` colours can show, at most what was wanted.
package func availableDepth(wanted: ColorDepth, colors: Int) -> ColorDepth {
  let most = ColorDepth.most(ofColors: colors)
  let order: [ColorDepth] = [.mono, .ansi16, .palette256, .trueColor]
  let rank = { (depth: ColorDepth) in order.firstIndex(of: depth) ?? 0 }
  return rank(wanted) < rank(most) ? wanted : most
}

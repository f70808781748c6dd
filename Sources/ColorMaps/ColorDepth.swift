/// How many colours the terminal shows.
package enum ColorDepth: String, Sendable, Hashable, CaseIterable {
  case trueColor = "truecolor"
  case palette256 = "256"
  case ansi16 = "16"
  case mono

  /// What a person asked for on the command line: `auto` leaves it to the environment.
  package enum Request: String, Sendable, Hashable, CaseIterable {
    case auto
    case trueColor = "truecolor"
    case palette256 = "256"
    case ansi16 = "16"
    case mono
  }

  /// The depth by the first rule that decides: flag, `NO_COLOR`, `TERM=dumb` or no terminal, `COLORTERM`, the terminal's
  /// description.
  ///
  /// - Parameter describedColors: how many colours terminfo gives the terminal, `1 << 24` for direct colour; `nil` where
  ///   it has no entry. What is missing there is newer than the entries, and spoken to as xterm with 256 colours.
  package static func detect(
    environment: [String: String], flag: Request = .auto, isTerminal: Bool, describedColors: Int?
  ) -> ColorDepth {
    detection(environment: environment, flag: flag, isTerminal: isTerminal, describedColors: describedColors).depth
  }

  /// The rule that decided a depth; the raw values are for people.
  package enum Rule: String, Sendable, Hashable {
    case flag = "the command line"
    case noColor = "NO_COLOR"
    case noTerminal = "no terminal that has colours"
    case colorTerm = "COLORTERM"
    case terminfo
    case noEntry = "no terminfo entry: spoken to as xterm with 256 colours"
  }

  /// The depth with the rule that decided it.
  package static func detection(
    environment: [String: String], flag: Request = .auto, isTerminal: Bool, describedColors: Int?
  ) -> (depth: ColorDepth, rule: Rule) {
    if let asked = ColorDepth(rawValue: flag.rawValue) { return (asked, .flag) }
    if let noColor = environment["NO_COLOR"], !noColor.isEmpty { return (.mono, .noColor) }
    let term = environment["TERM"] ?? ""
    if !isTerminal || term.isEmpty || term == "dumb" { return (.mono, .noTerminal) }
    let colorTerm = environment["COLORTERM"]?.lowercased() ?? ""
    if colorTerm == "truecolor" || colorTerm == "24bit" { return (.trueColor, .colorTerm) }
    return describedColors.map { (most(ofColors: $0), .terminfo) } ?? (most(ofColors: 256), .noEntry)
  }

  /// The depth that so many colours give.
  package static func most(ofColors colors: Int) -> ColorDepth {
    colors >= 1 << 24 ? .trueColor : colors >= 256 ? .palette256 : colors >= 8 ? .ansi16 : .mono
  }
}

/// A colour as the terminal is told it.
package enum TerminalColor: Sendable, Hashable {
  case terminal
  /// A palette entry: 0–15 the ANSI colours, 16–231 the 6×6×6 cube, 232–255 greys.
  case index(UInt8)
  case direct(UInt8, UInt8, UInt8)
}

extension ColorDepth {
  /// The nearest colour this depth has; on a monochrome terminal always its own.
  package func reduce(_ color: Color) -> TerminalColor {
    guard case .rgb(let r, let g, let b) = color else { return .terminal }
    switch self {
    case .trueColor: return .direct(r, g, b)
    case .palette256: return .index(nearestPaletteIndex(r, g, b))
    case .ansi16: return .index(nearestANSIIndex(r, g, b))
    case .mono: return .terminal
    }
  }
}

/// The sRGB colour of a palette entry, as xterm defines it.
package func paletteColor(_ index: UInt8) -> Color {
  switch index {
  case 0..<16: return Color(hex: ansiColors[Int(index)])
  case 16..<232:
    let cube = Int(index) - 16
    return .rgb(cubeLevels[cube / 36], cubeLevels[cube / 6 % 6], cubeLevels[cube % 6])
  default:
    let grey = UInt8(8 + 10 * (Int(index) - 232))
    return .rgb(grey, grey, grey)
  }
}

private let cubeLevels: [UInt8] = [0, 95, 135, 175, 215, 255]

private let ansiColors: [UInt32] = [
  0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
  0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
]

/// Squared distance weighted by how the eye sees the channels ("redmean" approximation).
private func distance(_ r: UInt8, _ g: UInt8, _ b: UInt8, _ color: Color) -> Int {
  guard case .rgb(let r2, let g2, let b2) = color else { return .max }
  let mean = (Int(r) + Int(r2)) / 2
  let (dr, dg, db) = (Int(r) - Int(r2), Int(g) - Int(g2), Int(b) - Int(b2))
  return (512 + mean) * dr * dr + 1024 * dg * dg + (767 - mean) * db * db
}

private func nearestPaletteIndex(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> UInt8 {
  func level(_ value: UInt8) -> Int {
    value < 48 ? 0 : value < 115 ? 1 : (Int(value) - 35) / 40
  }
  let cube = UInt8(16 + 36 * level(r) + 6 * level(g) + level(b))
  let mean = (Int(r) + Int(g) + Int(b)) / 3
  let grey = UInt8(232 + min(max((mean - 3) / 10, 0), 23))
  return distance(r, g, b, paletteColor(grey)) < distance(r, g, b, paletteColor(cube)) ? grey : cube
}

private func nearestANSIIndex(_ r: UInt8, _ g: UInt8, _ b: UInt8) -> UInt8 {
  (UInt8(0)..<16).min { distance(r, g, b, paletteColor($0)) < distance(r, g, b, paletteColor($1)) } ?? 0
}

/// A colour that a terminal of sixteen colours lacks, as one of them scattered over another.
package struct ANSIShade: Sendable, Hashable {
  /// 0–15.
  package let foreground: UInt8
  /// 0–7: where there are but eight, text alone is brighter.
  package let background: UInt8
  /// Quarters of the cell that the foreground covers, 0…4.
  package let quarters: Int

  /// The shade that looks most like a colour, of steps of sixteen a channel; lightness, which tells magnitudes, counts most.
  package init(nearest color: Color) {
    guard case .rgb(let r, let g, let b) = color else {
      (foreground, background, quarters) = (7, 0, 0)
      return
    }
    if case .index(let own) = ColorDepth.ansi16.reduce(color), paletteColor(own) == color {
      self = own < 8 ? ANSIShade(own == 0 ? 7 : 0, on: own, 0) : ANSIShade(own, on: 0, 4)
      return
    }
    self = Self.nearest[Int(r >> 4) << 8 | Int(g >> 4) << 4 | Int(b >> 4)]
  }

  private init(_ foreground: UInt8, on background: UInt8, _ quarters: Int) {
    (self.foreground, self.background, self.quarters) = (foreground, background, quarters)
  }

  /// `[4096]`, by four bits of red, of green and of blue.
  private static let nearest: [ANSIShade] = {
    let all = mixtures()
    return (0..<4096).map { index in
      let channel = { (shift: Int) in UInt8((index >> shift & 15) * 17) }
      let wanted = LabColor(.rgb(channel(8), channel(4), channel(0)))
      func cost(_ mixture: (shade: ANSIShade, looks: LabColor, unrest: Double)) -> Double {
        wanted.squaredDistance(to: mixture.looks, lightness: 8) + mixture.unrest
      }
      return all.min { cost($0) < cost($1) }!.shade
    }
  }()

  /// Every shade with how it looks from afar, where light adds up, and with how far its two colours stand apart: a grey of
  /// red and cyan would flicker.
  private static func mixtures() -> [(shade: ANSIShade, looks: LabColor, unrest: Double)] {
    let lab = (UInt8(0)..<16).map { LabColor(paletteColor($0)) }
    var result = (UInt8(0)..<8).map { (ANSIShade($0 == 0 ? 7 : 0, on: $0, 0), lab[Int($0)], 0.0) }
    result += (UInt8(8)..<16).map { (ANSIShade($0, on: 0, 4), lab[Int($0)], 0) }
    for foreground in UInt8(0)..<16 {
      for background in UInt8(0)..<8 where background != foreground {
        let apart = lab[Int(foreground)].squaredDistance(to: lab[Int(background)], lightness: 1)
        for quarters in 1...3 {
          let part = Double(quarters) / 4
          let light = zip(lab[Int(foreground)].linear, lab[Int(background)].linear).map { part * $0 + (1 - part) * $1 }
          let shade = ANSIShade(foreground, on: background, quarters)
          result.append((shade, LabColor(linear: light), 0.15 * part * (1 - part) * apart))
        }
      }
    }
    return result
  }
}

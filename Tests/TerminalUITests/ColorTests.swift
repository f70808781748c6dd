import ColorMaps
import TerminalUI
import Testing

@Suite("Colours")
struct ColorTests {
  @Test("The first rule that decides gives the colour depth")
  func detection() {
    func depth(
      _ environment: [String: String], _ flag: ColorDepth.Request = .auto, terminal: Bool = true, described: Int? = 256
    ) -> ColorDepth {
      ColorDepth.detect(environment: environment, flag: flag, isTerminal: terminal, describedColors: described)
    }
    #expect(depth(["NO_COLOR": "1", "TERM": "dumb"], .trueColor, terminal: false) == .trueColor)
    #expect(depth(["NO_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"]) == .mono)
    #expect(depth(["NO_COLOR": "", "COLORTERM": "truecolor", "TERM": "xterm"]) == .trueColor)
    #expect(depth(["TERM": "dumb", "COLORTERM": "truecolor"]) == .mono)
    #expect(depth(["TERM": "xterm-256color", "COLORTERM": "truecolor"], terminal: false) == .mono)
    #expect(depth(["TERM": "xterm-256color", "COLORTERM": "24bit"]) == .trueColor)
    #expect(depth([:]) == .mono)
    #expect(depth(["TERM": "xterm-direct"], .mono, described: 1 << 24) == .mono)
  }

  @Test("Without a word from the environment the terminal's description gives the depth, whatever its name")
  func described() {
    for (colors, expected) in [
      (1 << 24, ColorDepth.trueColor), (256, .palette256), (88, .ansi16), (16, .ansi16), (8, .ansi16), (0, .mono),
    ] {
      for term in ["alacritty", "xterm-256color", "vt100", "xterm-direct"] {
        let depth = ColorDepth.detect(environment: ["TERM": term], isTerminal: true, describedColors: colors)
        #expect(depth == expected)
      }
    }
    // No entry: a terminal newer than terminfo's.
    #expect(
      ColorDepth.detect(environment: ["TERM": "foot"], isTerminal: true, describedColors: nil) == .palette256)
  }

  @Test("A palette entry reduces to a colour that looks the same", arguments: [ColorDepth.palette256, .ansi16])
  func exactReduction(depth: ColorDepth) throws {
    let indices: ClosedRange<UInt8> = depth == .ansi16 ? 0...15 : 16...255
    for index in indices {
      let color = paletteColor(index)
      guard case .index(let found) = depth.reduce(color) else {
        Issue.record("a palette depth gives palette entries")
        return
      }
      #expect(paletteColor(found) == color)
    }
    #expect(depth.reduce(.terminal) == .terminal)
  }

  @Test(
    "Sixteen colours are mixed by shading: their own stay pure, lightness rises with a map, no grey is red and cyan")
  func shades() {
    for index in UInt8(0)..<16 {
      let shade = ANSIShade(nearest: paletteColor(index))
      #expect(
        index < 8 ? shade.quarters == 0 && shade.background == index : shade.quarters == 4 && shade.foreground == index)
    }
    let greys = (0...255).map { ANSIShade(nearest: .rgb($0, $0, $0)) }
    for shade in greys {
      for entry in [shade.foreground, shade.background] { #expect([0, 7, 8, 15].contains(entry), "\(shade)") }
    }
    func light(_ shade: ANSIShade) -> Double {
      let part = Double(shade.quarters) / 4
      return part * relativeLuminance(paletteColor(shade.foreground))
        + (1 - part) * relativeLuminance(paletteColor(shade.background))
    }
    let ramp = (0..<ColorMap.levels).map { light(ANSIShade(nearest: ColorMap.cividis.color((Double($0) + 0.5) / 32))) }
    for (darker, lighter) in zip(ramp, ramp.dropFirst()) { #expect(lighter >= darker - 0.02) }
    #expect(Set(ramp).count >= 8)
  }

  @Test("The 256-colour reduction is the nearest entry within a few steps of each channel")
  func nearReduction() {
    for red in stride(from: UInt8(0), through: 250, by: 25) {
      for green in stride(from: UInt8(0), through: 250, by: 25) {
        for blue in stride(from: UInt8(0), through: 250, by: 25) {
          guard case .index(let index) = ColorDepth.palette256.reduce(.rgb(red, green, blue)),
            case .rgb(let r, let g, let b) = paletteColor(index)
          else { continue }
          let worst = max(abs(Int(r) - Int(red)), abs(Int(g) - Int(green)), abs(Int(b) - Int(blue)))
          #expect(worst <= 48)
        }
      }
    }
    #expect(ColorDepth.mono.reduce(.rgb(1, 2, 3)) == .terminal)
    #expect(ColorDepth.trueColor.reduce(.rgb(1, 2, 3)) == .direct(1, 2, 3))
  }

  @Test(
    "Magnitude maps get lighter at every level, so that grey carries them too", arguments: [ColorMap.cividis, .viridis])
  func monotone(map: ColorMap) {
    let luminance = (0..<ColorMap.levels).map { relativeLuminance(map.color((Double($0) + 0.5) / 32)) }
    #expect(zip(luminance, luminance.dropFirst()).allSatisfy { $0 < $1 })
    #expect(map.color(0) == Color(hex: map.table[0]))
    #expect(map.color(1) == Color(hex: map.table[31]))
    #expect(map.color(-3) == map.color(0))
    #expect(map.color(.infinity) == map.color(1))
    #expect(map.color(.nan) == map.color(0))
    #expect(Set(map.table).count == 32)
  }

  @Test("In 256 colours too, maps get lighter with every step, and each step is a palette entry")
  func paletteMaps() {
    for map in [ColorMap.cividis, .viridis] {
      let shown = (0..<16).map { map.color((Double($0) + 0.5) / 16, .palette256) }
      let luminance = shown.map(relativeLuminance)
      #expect(zip(luminance, luminance.dropFirst()).allSatisfy { $0 < $1 }, "\(map.name)")
    }
    let arms = (0..<16).map { relativeLuminance(ColorMap.blueOrange.color((Double($0) + 0.5) / 16, .palette256)) }
    for step in 1..<8 {
      #expect(arms[7 - step] < arms[8 - step])
      #expect(arms[8 + step] < arms[7 + step])
    }
    for map in [ColorMap.cividis, .viridis, .blueOrange] {
      #expect(map.palette.map { ColorDepth.palette256.reduce(paletteColor($0)) } == map.palette.map { .index($0) })
      #expect(map.color(0.3, .trueColor) == map.color(0.3))
    }
  }

  @Test("The diverging map is lightest in the middle and its arms mirror each other in luminance")
  func diverging() {
    let luminance = ColorMap.blueOrange.table.map { relativeLuminance(Color(hex: $0)) }
    #expect(luminance[15] > 0.75 && luminance[16] > 0.75)
    for step in 1..<16 {
      #expect(luminance[16 + step] < luminance[15 + step])
      #expect(luminance[15 - step] < luminance[16 - step])
      #expect(abs(luminance[16 + step] - luminance[15 - step]) < 0.06)
    }
    guard case .rgb(let r, _, let b) = ColorMap.blueOrange.color(0),
      case .rgb(let r2, _, let b2) = ColorMap.blueOrange.color(1)
    else { return }
    #expect(b > r && r2 > b2)
  }

  @Test("Contrast follows WCAG: black on white is 21, and the better of black and white is readable on anything")
  func contrast() {
    #expect(abs(contrastRatio(.rgb(0, 0, 0), .rgb(255, 255, 255)) - 21) < 1e-9)
    #expect(abs(contrastRatio(.rgb(0x77, 0x77, 0x77), .rgb(255, 255, 255)) - 4.478) < 0.001)
    for map in [ColorMap.cividis, .viridis, .blueOrange] {
      for hex in map.table {
        let color = Color(hex: hex)
        #expect(contrastRatio(ColorMap.contrasting(color), color) >= 4.5)
      }
    }
  }

  @Test("Every text role of every theme is readable, in true colour and in 256 colours", arguments: Theme.all)
  func themes(theme: Theme) {
    for (name, style) in theme.textRoles {
      #expect(contrastRatio(style.foreground, style.background) >= 4.5, "\(theme.name) \(name)")
      let ratio = contrastRatio(shown(style.foreground, .palette256), shown(style.background, .palette256))
      #expect(ratio >= 4.5, "\(theme.name) \(name) in 256 colours")
      let coarse = contrastRatio(shown(style.foreground, .ansi16), shown(style.background, .ansi16))
      #expect(coarse >= 3, "\(theme.name) \(name) in 16 colours")
    }
    for (name, style) in [("border", theme.border), ("focusBorder", theme.focusBorder), ("barFill", theme.barFill)] {
      #expect(contrastRatio(style.foreground, theme.background) >= 3, "\(theme.name) \(name)")
    }
  }

  @Test("The terminal's background suggests the theme")
  func suggestion() {
    #expect(Theme.suggested(environment: ["COLORFGBG": "0;15"]).name == "light")
    #expect(Theme.suggested(environment: ["COLORFGBG": "0;default;7"]).name == "light")
    #expect(Theme.suggested(environment: ["COLORFGBG": "15;0"]).name == "dark")
    #expect(Theme.suggested(environment: ["COLORFGBG": "15;8"]).name == "dark")
    #expect(Theme.suggested(environment: ["COLORFGBG": "nonsense"]).name == "dark")
    #expect(Theme.suggested(environment: [:]).name == "dark")
  }

  @Test("Unicode glyphs need a UTF-8 locale, and the first variable that is set decides")
  func glyphs() {
    func isUnicode(_ environment: [String: String], ascii: Bool = false) -> Bool {
      Glyphs.detect(environment: environment, asciiRequested: ascii).isUnicode
    }
    #expect(isUnicode(["LANG": "en_GB.UTF-8"]))
    #expect(isUnicode(["LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "C"]))
    #expect(!isUnicode(["LC_ALL": "C", "LANG": "en_GB.UTF-8"]))
    #expect(!isUnicode([:]))
    #expect(!isUnicode(["LANG": "en_GB.UTF-8"], ascii: true))
    for glyphs in [Glyphs.unicode, .ascii] {
      let all = glyphs.ramp + glyphs.horizontalEighths + glyphs.verticalEighths + glyphs.spinner
      #expect(all.map { displayWidth($0) } == [Int](repeating: 1, count: all.count))
      #expect(glyphs.horizontalEighths.count == 9 && glyphs.verticalEighths.count == 9)
    }
  }

  @Test("The grid cursor stands out from every colour of every magnitude map", arguments: [Theme.dark, .light])
  func cursorStandsOut(theme: Theme) {
    guard case .rgb(let r, let g, let b) = theme.cursorColor else {
      Issue.record("the cursor has a colour")
      return
    }
    for hex in ColorMap.cividis.table + ColorMap.viridis.table {
      guard case .rgb(let r2, let g2, let b2) = Color(hex: hex) else { continue }
      let difference = abs(Int(r) - Int(r2)) + abs(Int(g) - Int(g2)) + abs(Int(b) - Int(b2))
      #expect(difference > 110)
    }
  }

  private func shown(_ color: Color, _ depth: ColorDepth) -> Color {
    if case .index(let index) = depth.reduce(color) { paletteColor(index) } else { color }
  }
}

extension Theme: CustomTestStringConvertible {
  public var testDescription: String { name }
}

extension ColorMap: CustomTestStringConvertible {
  public var testDescription: String { name }
}

extension Glyphs: CustomTestStringConvertible {
  public var testDescription: String { isUnicode ? "Unicode" : "ASCII" }
}

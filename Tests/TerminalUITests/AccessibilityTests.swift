import ColorMaps
import TerminalUI
import Testing

@Suite("Colours for every eye")
struct AccessibilityTests {
  /// A difference that is seen at a glance, in ΔE; 2.3 is just noticeable.
  private static let clear = 20.0

  @Test("Text stands out from its ground as WCAG asks: 4.5 to 1, in high contrast 7 to 1", arguments: Theme.all)
  func contrast(theme: Theme) {
    let least = theme.name == "high contrast" ? 7.0 : 4.5
    for role in theme.textRoles {
      #expect(
        contrastRatio(role.style.foreground, role.style.background) >= least, "\(theme.name), \(role.name)")
    }
    // Parts of a drawing need 3 to 1 (WCAG 2.1, 1.4.11).
    for color in theme.seriesColors { #expect(contrastRatio(color, theme.background) >= 3, "\(theme.name)") }
  }

  @Test(
    "Yes, undecided and no, the first four series, and cursor and selection are told apart by every eye",
    arguments: Theme.all, ColorVision.allCases)
  func vision(theme: Theme, eye: ColorVision) {
    let answers = [theme.good, theme.warning, theme.bad].map(\.foreground)
    for group in [answers, Array(theme.seriesColors.prefix(4)), [theme.cursorColor, theme.selectionColor]] {
      for (index, first) in group.enumerated() {
        for second in group[(index + 1)...] {
          #expect(eye.difference(first, second) >= Self.clear, "\(theme.name), \(eye): \(first) \(second)")
        }
      }
    }
  }

  @Test("Magnitudes grow lighter for every eye; the arms of differences are told apart by every eye")
  func maps() {
    for eye in ColorVision.allCases {
      let lightness = (0..<ColorMap.levels).map { level in
        LabColor(eye.seen(ColorMap.cividis.color(Double(level) / Double(ColorMap.levels - 1)))).lightness
      }
      #expect(zip(lightness, lightness.dropFirst()).allSatisfy { $0 < $1 + 0.5 }, "\(eye)")
      #expect(lightness[ColorMap.levels - 1] - lightness[0] > 60)
      for t in [0.1, 0.25, 0.4] {
        let (below, above) = (ColorMap.blueOrange.color(t), ColorMap.blueOrange.color(1 - t))
        #expect(eye.difference(below, above) >= (t == 0.4 ? 8 : Self.clear), "\(eye) at \(t)")
      }
    }
  }

  @Test("What each eye sees is what the published matrices give")
  func simulation() {
    // A primary's column of the matrix, encoded.
    #expect(ColorVision.deutan.seen(.rgb(255, 0, 0)) == .rgb(163, 144, 0))
    #expect(ColorVision.protan.seen(.rgb(0, 255, 0)) == .rgb(255, 229, 0))
    #expect(ColorVision.tritan.seen(.rgb(0, 0, 255)) == .rgb(0, 107, 150))
    for eye in ColorVision.allCases {
      #expect(eye.difference(eye.seen(.rgb(128, 128, 128)), .rgb(128, 128, 128)) < 1)
    }
  }

  @Test("Lab agrees with published values, and what sRGB does not have keeps its lightness and hue")
  func lab() {
    let red = LabColor(.rgb(255, 0, 0))
    #expect(abs(red.lightness - 53.24) < 0.05 && abs(red.a - 80.09) < 0.1 && abs(red.b - 67.20) < 0.1)
    let wanted = LabColor(lightness: 60, a: 120, b: -90)
    let found = LabColor(wanted.fitted)
    #expect(abs(found.lightness - 60) < 1)
    #expect(abs(found.a / found.b - wanted.a / wanted.b) < 0.05)
  }

  @Test("Codes with near vectors look alike, far ones do not, and order gives no colour")
  func categorical() {
    let components: [[Double]] = [[-1, 0.2, 0], [-0.98, 0.21, 0], [1, -0.5, 0.4], [0, 0.6, -0.6], [.nan, 0, 0]]
    let colors = CategoricalColors(components: components).colors
    #expect(ColorVision.full.difference(colors[0], colors[1]) < 4)
    for eye in ColorVision.allCases { #expect(eye.difference(colors[0], colors[2]) > 30, "\(eye)") }
    #expect(ColorVision.full.difference(colors[0], colors[3]) > 30)
    #expect(CategoricalColors(components: components.reversed()).colors == colors.reversed())
    #expect(CategoricalColors(components: [[3], [3]]).colors.count == 2)
  }
}

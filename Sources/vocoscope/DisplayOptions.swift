import ArgumentParser
import ChafaPictures
import ColorMaps
import CursesTerminal
import Foundation
import Inspector
import TerminalUI

extension ColorDepth.Request: ExpressibleByArgument {}
extension PictureSymbols: ExpressibleByArgument {}
extension PixelGraphics.Request: ExpressibleByArgument {}

/// How the inspector looks; shared by `inspect` and `view`.
struct DisplayOptions: ParsableArguments {
  @Option(help: "Colours to use; auto asks NO_COLOR, COLORTERM and the terminal's description.")
  var color = ColorDepth.Request.auto

  @Flag(help: "Draw with ASCII characters only.")
  var ascii = false

  @Option(help: "Characters that pictures may be drawn with; maps of data are half blocks always.")
  var symbols = PictureSymbols.halfBlocks

  @Option(help: "Show pictures in the terminal's pixels; auto asks the terminal, symbols are characters alone.")
  var graphics = PixelGraphics.Request.auto

  @Flag(inversion: .prefixedNo, help: "Take the mouse; Shift-drag stays the terminal's.")
  var mouse = true

  @Option(help: ArgumentHelp("Start with this theme.", valueName: Theme.all.map(\.name).joined(separator: "|")))
  var theme: String?

  mutating func validate() throws {
    if let theme, !Theme.all.contains(where: { $0.name == theme }) {
      throw ValidationError(
        "--theme is '\(theme)', expected one of \(Theme.all.map(\.name).joined(separator: ", "))")
    }
  }

  /// The terminal's colours and characters, by flags and environment.
  func depth(_ environment: [String: String]) -> ColorDepth {
    ColorDepth.detect(
      environment: environment, flag: color, isTerminal: isatty(STDOUT_FILENO) != 0,
      describedColors: CursesTerminal.describedColors(environment: environment))
  }

  /// What the terminal is taken over with.
  func terminal(_ environment: [String: String]) -> CursesTerminal.Configuration {
    CursesTerminal.Configuration(
      depth: depth(environment), isUnicode: glyphs(environment).isUnicode, usesMouse: mouse, graphics: graphics,
      encodeSixel: { sixel($0, width: $1, height: $2) }, environment: environment)
  }

  func glyphs(_ environment: [String: String]) -> Glyphs {
    Glyphs.detect(environment: environment, asciiRequested: ascii)
  }

  /// The themes to go through: the one asked for first, or the one that the terminal says fits its background.
  func themes(_ environment: [String: String]) -> [Theme] {
    let name = theme ?? (Self.hasLightBackground(environment) ? Theme.light.name : Theme.dark.name)
    let index = Theme.all.firstIndex { $0.name == name } ?? 0
    return Array(Theme.all[index...] + Theme.all[..<index])
  }

  /// `COLORFGBG` is "foreground;background" in ANSI colours: 7 and 9 to 15 are light.
  private static func hasLightBackground(_ environment: [String: String]) -> Bool {
    guard let background = environment["COLORFGBG"]?.split(separator: ";").last.flatMap({ Int($0) }) else {
      return false
    }
    return background == 7 || background > 8
  }
}

package import ArgumentParser
package import ChafaPictures
package import ColorMaps
package import CursesTerminal
import Foundation
package import HTCVLM
import Inspector
import Tensor
package import TerminalUI

/// What to ask and how to answer; shared by every subcommand that runs the model on one question.
package struct RunOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The question to ask about the picture.")
  package var prompt = RunOptions.defaultPrompt

  package static let defaultPrompt = "what is in the picture?"

  @OptionGroup package var sampling: SamplingOptions

  package var generation: GenerationOptions { sampling.generation }

  package init() {}

  package func applyThreads() { sampling.applyThreads() }
}

/// How to answer.
package struct SamplingOptions: ParsableArguments {
  @Option(help: "The most tokens to answer with; 0 for a run without an answer.")
  package var maxNewTokens = 64

  @Option(help: "0 takes the likeliest token; above, tokens are sampled.")
  var temperature: Float = 0

  @Option(help: "Sample among the likeliest tokens that together have this probability.")
  var topP: Float = 1

  @Option(help: "Seed of the sampling.")
  package var seed: UInt64 = 0

  @OptionGroup package var threads: ThreadOptions

  package init() {}

  package mutating func validate() throws {
    guard maxNewTokens >= 0 else { throw ValidationError("--max-new-tokens is \(maxNewTokens), expected 0 or more") }
    guard temperature >= 0, temperature.isFinite else {
      throw ValidationError("--temperature is \(temperature), expected 0 or more")
    }
    guard topP > 0, topP <= 1 else { throw ValidationError("--top-p is \(topP), expected above 0 and at most 1") }
  }

  package var generation: GenerationOptions {
    GenerationOptions(maxNewTokens: maxNewTokens, temperature: temperature, topP: topP, seed: seed)
  }

  /// These options as on a command line, the number of threads as it came out: another one rounds otherwise.
  package var arguments: [String] {
    [
      "--max-new-tokens", "\(maxNewTokens)", "--temperature", "\(temperature)", "--top-p", "\(topP)", "--seed",
      "\(seed)", "--threads", "\(threads.count)",
    ]
  }

  package func applyThreads() { threads.apply() }
}

/// How many threads compute; shared by every command that runs a model.
package struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to compute with. Without it, one a processor.")
  package var threads: Int?

  package init() {}

  package mutating func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads), expected 1 to 1024")
    }
  }

  package var count: Int { threads ?? ProcessInfo.processInfo.activeProcessorCount }

  package func apply() { ComputeBackend.setThreads(count) }
}

extension ColorDepth.Request: ExpressibleByArgument {}
extension PictureSymbols: ExpressibleByArgument {}
extension PixelGraphics.Request: ExpressibleByArgument {}

/// How the inspector looks; shared by `inspect` and `view`.
package struct DisplayOptions: ParsableArguments {
  @Option(help: "Colours to use; auto asks NO_COLOR, COLORTERM and the terminal's description.")
  var color = ColorDepth.Request.auto

  @Flag(help: "Draw with ASCII characters only.")
  package var ascii = false

  @Option(help: "Characters that pictures may be drawn with; maps of data are half blocks always.")
  package var symbols = PictureSymbols.halfBlocks

  @Option(help: "Show pictures in the terminal's pixels; auto asks the terminal, symbols are characters alone.")
  package var graphics = PixelGraphics.Request.auto

  @Flag(inversion: .prefixedNo, help: "Take the mouse; Shift-drag stays the terminal's.")
  package var mouse = true

  @Option(help: ArgumentHelp("Start with this theme.", valueName: Theme.all.map(\.name).joined(separator: "|")))
  package var theme: String?

  package init() {}

  package mutating func validate() throws {
    if let theme, !Theme.all.contains(where: { $0.name == theme }) {
      throw ValidationError(
        "--theme is '\(theme)', expected one of \(Theme.all.map(\.name).joined(separator: ", "))")
    }
  }

  /// The terminal's colours and characters, by flags and environment.
  package func depth(_ environment: [String: String]) -> ColorDepth {
    ColorDepth.detect(
      environment: environment, flag: color, isTerminal: isatty(STDOUT_FILENO) != 0,
      describedColors: CursesTerminal.describedColors(environment: environment))
  }

  /// What the terminal is taken over with.
  package func terminal(_ environment: [String: String]) -> CursesTerminal.Configuration {
    CursesTerminal.Configuration(
      depth: depth(environment), isUnicode: glyphs(environment).isUnicode, usesMouse: mouse, graphics: graphics,
      encodeSixel: { sixel($0, width: $1, height: $2) }, environment: environment)
  }

  /// Takes the terminal over; where there is none, says so with this sentence.
  package func open(_ environment: [String: String], orElse sentence: String) throws -> CursesTerminal {
    do {
      return try CursesTerminal(terminal(environment))
    } catch {
      if case .notATerminal = error { throw UsageProblem(sentence) }
      throw error
    }
  }

  package func glyphs(_ environment: [String: String]) -> Glyphs {
    Glyphs.detect(environment: environment, asciiRequested: ascii)
  }

  /// The themes to go through: the one asked for first, or the one that the terminal says fits its background.
  package func themes(_ environment: [String: String]) -> [Theme] {
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

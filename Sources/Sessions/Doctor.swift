import ColorMaps
import CursesTerminal
import Foundation
import HTCVLM
import Reports
import Statistics
import Tensor
import TerminalUI

/// What of this machine and terminal decides how the program looks and runs. No names of people, hosts or home
/// directories.
package struct Doctor: Encodable {
  package struct Finding: Encodable {
    package let name: String
    package let value: String
    /// What to do about it; nil where all is well.
    var advice: String?
  }

  package struct Section: Encodable {
    package let title: String
    package let findings: [Finding]
  }

  package let sections: [Section]

  /// Asks environment, terminal, libraries and files.
  package init(environment: [String: String]) {
    sections = [
      Self.program, Self.terminal(environment), Self.pixels(environment), Self.computing(environment),
      Self.files(environment),
    ]
  }

  /// Sections with aligned names, advice under what it is about.
  package var text: String {
    let width = sections.flatMap { $0.findings.map { displayWidth($0.name) } }.max() ?? 0
    return sections.map { section in
      let lines = section.findings.flatMap { finding in
        ["  \(TextTable.padded(finding.name, to: width))  \(finding.value)"]
          + (finding.advice.map { ["  \(TextTable.padded("", to: width))  → \($0)"] } ?? [])
      }
      return ([section.title] + lines).joined(separator: "\n") + "\n"
    }.joined(separator: "\n")
  }

  /// Keys sorted, so that two machines can be compared line by line.
  package var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { preconditionFailure("texts have a JSON form") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  private static var program: Section {
    var system = utsname()
    uname(&system)
    let kernel = withUnsafeBytes(of: system.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let machine = withUnsafeBytes(of: system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return Section(
      title: "program",
      findings: [
        .init(name: "version", value: programVersion), .init(name: "system", value: "Linux \(kernel) \(machine)"),
      ])
  }

  private static func terminal(_ environment: [String: String]) -> Section {
    let isTerminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0
    let colors = CursesTerminal.describedColors(environment: environment)
    let found = ColorDepth.detection(environment: environment, isTerminal: isTerminal, describedColors: colors)
    let isUnicode = Glyphs.detect(environment: environment).isUnicode
    let program = [environment["TERM_PROGRAM"], environment["TERM_PROGRAM_VERSION"]].compactMap { $0 }
    return Section(
      title: "terminal",
      findings: [
        .init(
          name: "standard input and output", value: isTerminal ? "a terminal" : "no terminal",
          advice: isTerminal ? nil : "the inspector needs one; 'vocoscope report' prints the same without"),
        .init(
          name: "TERM", value: environment["TERM"] ?? "not set",
          advice: colors == nil && isTerminal ? "terminfo has no entry of this name: install ncurses-term" : nil),
        .init(
          name: "terminal program", value: program.isEmpty ? "does not name itself" : program.joined(separator: " ")),
        .init(name: "size", value: size.map { "\($0.width)×\($0.height)" } ?? "unknown"),
        .init(name: "colours", value: "\(found.depth.rawValue), by \(found.rule.rawValue)"),
        .init(name: "colours in terminfo", value: colors.map { $0 >= 1 << 24 ? "direct" : String($0) } ?? "no entry"),
        .init(
          name: "characters", value: isUnicode ? "Unicode" : "ASCII",
          advice: isUnicode ? nil : "set LC_ALL or LANG to a UTF-8 locale for charts and pictures in finer characters"),
        .init(name: "multiplexer", value: multiplexer(environment)),
        .init(name: "over ssh", value: environment["SSH_TTY"] ?? environment["SSH_CONNECTION"] == nil ? "no" : "yes"),
      ])
  }

  private static var size: Size? {
    var window = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return nil }
    return Size(width: Int(window.ws_col), height: Int(window.ws_row))
  }

  private static func multiplexer(_ environment: [String: String]) -> String {
    if environment["TMUX"] != nil { return "tmux" }
    if environment["STY"] != nil { return "screen" }
    return environment["ZELLIJ"] == nil ? "none" : "zellij"
  }

  private static func pixels(_ environment: [String: String]) -> Section {
    guard let abilities = TerminalProbe.abilities(environment: environment) else {
      return Section(title: "pictures", findings: [.init(name: "graphics", value: "not asked: no terminal")])
    }
    let graphics = abilities.graphics(.auto)
    let attributes = abilities.attributes?.map(String.init).joined(separator: ";")
    return Section(
      title: "pictures",
      findings: [
        .init(name: "graphics", value: graphics?.rawValue ?? "characters"),
        .init(name: "kitty's protocol", value: abilities.answersKittyGraphics ? "answers" : "no answer"),
        .init(
          name: "sixel", value: abilities.attributes.map { $0.contains(4) ? "yes" : "no" } ?? "no answer",
          advice: environment["TMUX"] != nil && graphics == nil
            ? "inside tmux pixels need a tmux with sixel (3.4 or newer, built with it) and an outer terminal that has it"
            : nil),
        .init(name: "cell", value: abilities.cellPixels.map { "\($0.width)×\($0.height) pixels" } ?? "no answer"),
        .init(name: "device attributes", value: attributes ?? "no answer"),
        .init(name: "version", value: abilities.version ?? "no answer"),
      ])
  }

  private static func computing(_ environment: [String: String]) -> Section {
    ComputeBackend.setThreads(ComputeBackend.processors)
    let core = ComputeBackend.openBLASCore
    let speed = Format.fixed(ComputeBackend.measureGEMM(), digits: 0)
    let expected = ComputeBackend.expectedCore
    let available = ComputeBackend.availableMemory
    return Section(
      title: "computing",
      findings: [
        .init(name: "processor", value: processor ?? "unknown"),
        .init(name: "threads", value: "\(ComputeBackend.processors)"),
        .init(
          name: "matrix products", value: "OpenBLAS core \(core), \(speed) GFLOP/s",
          advice: ComputeBackend.coreOverrideNeeded() == nil
            ? nil : "these kernels are slow here: set OPENBLAS_CORETYPE=\(expected ?? "")"),
        .init(name: "OPENBLAS_CORETYPE", value: environment["OPENBLAS_CORETYPE"] ?? "not set"),
        .init(name: "convolutions", value: "oneDNN, \(ComputeBackend.convolutionKernels ?? "no implementation")"),
        .init(name: "products of 8 bits", value: ComputeBackend.byteKernels),
        .init(name: "memory available", value: available.map(Format.mebibytes) ?? "unknown"),
      ])
  }

  private static var processor: String? {
    let text = FileManager.default.contents(atPath: "/proc/cpuinfo").map { String(decoding: $0, as: UTF8.self) }
    let line = text?.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func files(_ environment: [String: String]) -> Section {
    let locator = AssetLocator.process
    let assets = ["models/htc-demo", "images/cat.jpg", "images/questions.jsonl"].map { path in
      let isFound = locator.locate(path) != nil
      return Finding(
        name: "assets/\(path)", value: isFound ? "found" : "not found",
        advice: isFound ? nil : "looked for beside the program, above it and above this directory")
    }
    let configuration =
      switch Result(catching: { try UserConfiguration(environment: environment) }) {
      case .success: Finding(name: "configuration", value: "as expected")
      case .failure(let error):
        Finding(name: "configuration", value: "not usable", advice: withoutHome("\(error)", environment))
      }
    return Section(
      title: "files",
      findings: assets + [
        configuration, Finding(name: "cache", value: folder(UserConfiguration.cacheDirectory(environment))),
        Finding(name: "Hugging Face cache", value: folder(HuggingFaceCache(environment: environment).root)),
      ])
  }

  /// How much lies in a cache, not where.
  private static func folder(_ path: String?) -> String {
    guard let path, let names = FileManager.default.subpaths(atPath: path) else { return "none" }
    let sizes = names.compactMap { name in
      (try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")).flatMap { attributes in
        attributes[.type] as? FileAttributeType == .typeRegular ? attributes[.size] as? Int : nil
      }
    }
    return "\(Format.integer(sizes.count)) file\(sizes.count == 1 ? "" : "s"), \(Format.bytes(sizes.reduce(0, +)))"
  }

  private static func withoutHome(_ text: String, _ environment: [String: String]) -> String {
    guard let home = environment["HOME"], home.count > 1 else { return text }
    return text.replacingOccurrences(of: home, with: "~")
  }
}

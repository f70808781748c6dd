package import ColorMaps
import Foundation
package import TerminalUI

/// A frame as reviewable text: its characters, the style of each cell as one letter, and the legend of those letters.
package struct FrameSnapshot {
  package let text: String

  /// - Parameter depth: colours are recorded as a terminal of this depth shows them.
  package init(of frame: Frame, depth: ColorDepth) {
    var legend = Legend(depth: depth)
    let rows = (0..<frame.size.height).map { y in
      String((0..<frame.size.width).map { x in legend.letter(of: frame[x, y].style) })
    }
    let caret = frame.caret.map { "\($0.x),\($0.y)" } ?? "hidden"
    text = """
      \(frame.size.width)×\(frame.size.height) \(depth.rawValue) caret \(caret)
      --- text
      \(Self.trimmed(frame.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)))
      --- style (a blank is the style of most cells)
      \(Self.trimmed(rows.map { legend.withoutCommonest($0) }))
      --- legend
      \(legend.description)

      """
  }

  /// `nil` when `frame` is what `Fixtures/Snapshots/<name>.<variant>.txt` beside the test file holds, else what differs.
  ///
  /// With `VOCOSCOPE_RECORD=1` in the environment the fixture is written anew, and that is a failure too: what was
  /// recorded has to be looked at.
  package static func failure(
    of frame: Frame, named name: String, variant: Variant, testFile: String = #filePath
  ) -> String? {
    let folder = URL(fileURLWithPath: testFile).deletingLastPathComponent().appendingPathComponent("Fixtures/Snapshots")
    let file = folder.appendingPathComponent("\(name).\(variant.rawValue).txt")
    let shown = variant == .ascii ? frame.asciiOnly : frame
    let found = FrameSnapshot(of: shown, depth: variant.depth).text
    if ProcessInfo.processInfo.environment["VOCOSCOPE_RECORD"] == "1" { return record(found, in: folder, file) }
    guard let expected = try? String(contentsOf: file, encoding: .utf8) else {
      return
        "no snapshot \(file.lastPathComponent): look at the frame, then record it with VOCOSCOPE_RECORD=1\n\(found)"
    }
    return difference(expected: expected, found: found).map { "\(file.lastPathComponent): \($0)" }
  }

  /// The frames that `draw` gives for every variant, held against their fixtures; empty when all agree.
  package static func failures(
    named name: String, variants: [Variant] = Variant.allCases, theme: Theme = .dark, testFile: String = #filePath,
    draw: (Appearance) -> Frame
  ) -> [String] {
    variants.compactMap { variant in
      failure(of: draw(variant.look(theme)), named: name, variant: variant, testFile: testFile)
    }
  }

  /// The terminals that frames are recorded for.
  package enum Variant: String, CaseIterable, Sendable {
    case trueColor = "truecolor"
    case palette256 = "256"
    case mono
    case ascii

    package var depth: ColorDepth {
      switch self {
      case .trueColor: .trueColor
      case .palette256: .palette256
      case .mono, .ascii: .mono
      }
    }

    package func look(_ theme: Theme = .dark) -> Appearance {
      Appearance(theme: theme, glyphs: self == .ascii ? .ascii : .unicode, depth: depth)
    }
  }

  private static func record(_ text: String, in folder: URL, _ file: URL) -> String {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file, options: .atomic)
      return "recorded \(file.lastPathComponent): look at it, then run again without VOCOSCOPE_RECORD"
    } catch {
      return "could not record \(file.path): \(error)"
    }
  }

  static func difference(expected: String, found: String) -> String? {
    if expected == found { return nil }
    let old = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let new = found.split(separator: "\n", omittingEmptySubsequences: false)
    let changed = (0..<max(old.count, new.count)).filter { line in
      (line < old.count ? old[line] : nil) != (line < new.count ? new[line] : nil)
    }
    let shown = changed.prefix(12).map { line in
      "line \(line + 1)\n  expected \(line < old.count ? old[line] : "nothing")\n"
        + "  found    \(line < new.count ? new[line] : "nothing")"
    }
    return "\(changed.count) lines differ\n" + shown.joined(separator: "\n")
  }

  private static func trimmed(_ lines: [String]) -> String {
    lines.map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}

/// Letters for the styles of a frame, in the order they are met.
private struct Legend {
  let depth: ColorDepth
  private var styles: [Reduced] = []
  private var counts: [Int] = []
  private var indices: [Reduced: Int] = [:]

  init(depth: ColorDepth) { self.depth = depth }

  private struct Reduced: Hashable {
    let foreground: TerminalColor
    let background: TerminalColor
    let attributes: Attributes
  }

  mutating func letter(of style: Style) -> Character {
    let reduced = Reduced(
      foreground: depth.reduce(style.foreground), background: depth.reduce(style.background),
      attributes: style.attributes)
    let index = indices[reduced] ?? styles.count
    if index == styles.count {
      indices[reduced] = index
      styles.append(reduced)
      counts.append(0)
    }
    counts[index] += 1
    return Self.letter(index)
  }

  func withoutCommonest(_ row: String) -> String {
    guard let most = counts.max(), let index = counts.firstIndex(of: most) else { return row }
    return String(row.map { $0 == Self.letter(index) ? " " : $0 })
  }

  /// Letters and digits, then letters of scripts further on.
  private static func letter(_ index: Int) -> Character {
    let simple = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    if index < simple.count { return simple[index] }
    return Unicode.Scalar(UInt32(0x4E00 + index - simple.count)).map(Character.init) ?? "?"
  }

  var description: String {
    styles.enumerated().map { index, style in
      let attributes = Self.names.filter { style.attributes.contains($0.0) }.map { " " + $0.1 }.joined()
      return "\(Self.letter(index)) \(Self.name(style.foreground)) on \(Self.name(style.background))\(attributes)"
    }.joined(separator: "\n")
  }

  private static let names: [(Attributes, String)] = [
    (.bold, "bold"), (.dim, "dim"), (.underline, "underline"), (.reverse, "reverse"), (.italic, "italic"),
  ]

  private static func name(_ color: TerminalColor) -> String {
    switch color {
    case .terminal: return "terminal"
    case .index(let index): return "\(index)"
    case .direct(let r, let g, let b):
      return "#" + [r, g, b].map { String(format: "%02X", $0) }.joined()
    }
  }
}

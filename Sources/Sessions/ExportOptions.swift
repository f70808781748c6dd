package import ArgumentParser
package import ColorMaps
package import Evidence
import Files
package import Inspector
import PanelExport
package import TerminalUI
import Trace

extension Panel: ExpressibleByArgument {
  package init?(argument: String) {
    guard let panel = Panel.allCases.first(where: { $0.name == argument.lowercased() }) else { return nil }
    self = panel
  }

  package static var allValueStrings: [String] { allCases.map(\.name) }
}

extension AttentionMetric: ExpressibleByArgument {}

extension ValueScale.Kind: ExpressibleByArgument {}

extension Size: ExpressibleByArgument {
  /// `200x60`.
  package init?(argument: String) {
    let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard sides.count == 2, let width = sides[0], let height = sides[1], (20...1000).contains(width),
      (5...1000).contains(height)
    else { return nil }
    self.init(width: width, height: height)
  }

  package var defaultValueDescription: String { "\(width)x\(height)" }
}

/// What of the panels to write, and which numbers they show.
package struct ExportOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Instead of printing, write a file by its suffix: a figure (.png, .svg, .pdf), tables (.csv, .json), arrays (.npz, \
      .safetensors) or a screen (.txt, .ans). May be given several times.
      """, valueName: "file"))
  package var export: [String] = []

  @Option(help: "This panel alone; a figure shows attention without it.")
  package var panel: Panel?

  @Option(help: ArgumentHelp("The attention of this layer, from 1; without it, the live ones' mean.", valueName: "n"))
  var layer: Int?

  @Option(help: ArgumentHelp("The attention of this head, from 1; without it, the mean of all.", valueName: "n"))
  package var head: Int?

  @Option(help: "What a key's number means.")
  package var metric: AttentionMetric?

  @Option(help: "How colours follow values.")
  var scale: ValueScale.Kind?

  @Option(help: ArgumentHelp("Columns and rows of a screen.", valueName: "WxH"))
  package var size = Size(width: 120, height: 40)

  @Option(help: "Colours of an .ans screen; auto is true colour.")
  var color = ColorDepth.Request.auto

  package init() {}

  package mutating func validate() throws {
    for (name, number) in [("--layer", layer), ("--head", head)] {
      if let number, number < 1 { throw ValidationError("\(name) is \(number), expected 1 or more") }
    }
    for path in export {
      do { _ = try ExportFormat(path: path) } catch { throw ValidationError("\(error)") }
    }
  }

  /// The state with these options chosen as a person chooses them, by commands.
  package func applied(to state: InspectorState) throws -> InspectorState {
    var state = state
    func perform(_ command: Command, times: Int) { for _ in 0..<times { _ = update(&state, .command(command)) } }
    let model = state.trace?.model
    for (name, number, count) in [("--layer", layer, model?.layers), ("--head", head, model?.heads)] {
      if let number, number > count ?? 0 { throw UsageProblem("\(name) is \(number), but the run has \(count ?? 0)") }
    }
    perform(.nextLayer, times: layer ?? 0)
    perform(.nextHead, times: head ?? 0)
    for _ in AttentionMetric.allCases where metric.map({ $0 != state.view.metric }) ?? false {
      perform(.metric, times: 1)
    }
    for _ in ValueScale.Kind.allCases where scale.map({ $0 != state.view.scale }) ?? false { perform(.scale, times: 1) }
    if let metric, state.view.metric != metric {
      throw UsageProblem("--metric is \(metric.rawValue), which this run holds no numbers for")
    }
    if let panel {
      perform(panel.command, times: 1)
      perform(.zoomIn, times: 1)
    }
    return state
  }

  /// Writes every file, each whole or not at all; nothing if one of them would replace what the run reads.
  package func write(_ state: InspectorState) throws {
    for path in export { try InputFiles.refuse(path) }
    let depth = ColorDepth(rawValue: color.rawValue) ?? .trueColor
    let writer = PanelExport(state, panel: panel, size: size, depth: depth)
    // Made before any is written, so that a panel without a figure leaves no other file behind.
    let files = try export.map { path in (path, try writer.bytes(try ExportFormat(path: path))) }
    for (path, bytes) in files { try FileContents.write(bytes, to: path) }
  }
}

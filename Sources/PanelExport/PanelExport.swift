package import ColorMaps
import Files
import Foundation
package import Inspector
import Plots
package import TerminalUI
import Trace

/// What an export cannot write; its description is one sentence.
package enum PanelExportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A path whose suffix names no format.
  case unknownSuffix(path: String)
  /// A path whose suffix names no format of a screen.
  case unknownScreen(path: String)
  /// A figure of a panel that has nothing to draw.
  case nothingToDraw(panel: Panel, reason: String)

  package var description: String {
    switch self {
    case .unknownSuffix(let path):
      "\(path): its suffix names no format; expected one of "
        + ExportFormat.suffixes.map { ".\($0)" }.joined(separator: ", ")
    case .unknownScreen(let path):
      "\(path): its suffix names no format of a screen; expected one of "
        + ScreenFile.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")
    case .nothingToDraw(let panel, let reason): "no figure of the \(panel.title) panel: \(reason)"
    }
  }
}

/// What the inspector shows, as the contents of a file: figures, tables, arrays and screens, all from one state.
package struct PanelExport: Sendable {
  let state: InspectorState
  /// The panel to write; nil is all of them, of which a figure shows Attention.
  let panel: Panel?
  /// Cells of a screen.
  let size: Size
  /// Colours of a screen as ANSI.
  let depth: ColorDepth

  package init(_ state: InspectorState, panel: Panel?, size: Size, depth: ColorDepth = .trueColor) {
    (self.state, self.panel, self.size, self.depth) = (state, panel, size, depth)
  }

  /// Writes a file, which afterwards holds either all of it or what it held before.
  ///
  /// - Throws: `PanelExportError`, `FileError`.
  package func write(_ format: ExportFormat, to path: String) throws {
    try FileContents.write(try bytes(format), to: path)
  }

  /// The file's contents. Equal states give equal bytes.
  ///
  /// - Throws: `PanelExportError.nothingToDraw`.
  package func bytes(_ format: ExportFormat) throws(PanelExportError) -> [UInt8] {
    switch format {
    case .png, .svg, .pdf: try figureBytes(format)
    case .text: Array(ReportText.text(reports).utf8)
    case .csv: Array(ReportText.csv(reports).utf8)
    case .json: Array(ReportText.json(reports).utf8)
    case .npz: PanelArrays(state, reports).npz
    case .safetensors: PanelArrays(state, reports).safetensors
    case .frame: Array((view(state, size: size).frame.text + "\n").utf8)
    case .ansi: Array(view(state, size: size).frame.ansi(depth).utf8)
    }
  }

  private var reports: [PanelReport] { panel.map { [state.report($0)] } ?? state.reports }
}

extension ExportFormat {
  /// The suffixes of paths that name a format.
  package static let suffixes = ["png", "svg", "pdf", "csv", "json", "npz", "safetensors", "txt", "ans"]

  /// The format that a path's suffix names; `.txt` is a screen.
  ///
  /// - Throws: `PanelExportError.unknownSuffix`.
  package init(path: String) throws(PanelExportError) {
    let suffix = URL(fileURLWithPath: path).pathExtension.lowercased()
    guard let format = Self.allCases.first(where: { $0.fileExtension == suffix && $0 != .text }) else {
      throw .unknownSuffix(path: path)
    }
    self = format
  }
}

extension PanelExport {
  /// The figure of the panel, or of Attention, with what identifies it in its caption and its file.
  func figure() throws(PanelExportError) -> Figure {
    let panel = panel ?? .attention
    var figure =
      switch panel {
      case .image: try pictureFigure()
      case .attention: try attentionFigure()
      case .anchors: try anchorsFigure()
      case .mask: try maskFigure()
      case .verdict: try verdictFigure()
      case .compression: try compressionFigure()
      case .checkpoint: try checkpointFigure()
      case .compare: try compareFigure()
      }
    figure.notes += caption
    let provenance = state.trace?.provenance
    figure.metadata = FigureMetadata(
      creator: "vocoscope \(provenance?.version ?? "")", entries: (provenance?.named ?? []).map { .init($0, $1) })
    return figure
  }

  func figureBytes(_ format: ExportFormat) throws(PanelExportError) -> [UInt8] {
    let figure = try figure()
    return figure.bytes(format == .svg ? .svg : format == .pdf ? .pdf : .png, scale: Figure.printScale)
  }

  /// Untrained parts, and where the numbers come from: hashes to the twelfth digit, whole in the file's metadata.
  private var caption: [String] {
    let untrained = state.untrainedParts
    var lines =
      untrained.isEmpty
      ? [] : ["Untrained or substituted: \(untrained.joined(separator: ", ")). Such numbers support no claim."]
    if let provenance = state.trace?.provenance {
      lines.append(
        provenance.named.filter { $0.name != "computed with" && $0.value != "greedy" }.map { name, value in
          name == "prompt"
            ? "prompt “\(value)”"
            : name == "version"
              ? "vocoscope \(value)" : "\(name) \(name.hasSuffix("256") ? value.prefix(12) : value[...])"
        }.joined(separator: ", "))
    }
    return lines
  }

  /// Throws that there is nothing to draw, unless there is.
  func required<T>(_ value: T?, _ panel: Panel, _ reason: String) throws(PanelExportError) -> T {
    guard let value else { throw .nothingToDraw(panel: panel, reason: reason) }
    return value
  }
}

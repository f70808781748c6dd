import Inspector
import Plots
import Trace

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

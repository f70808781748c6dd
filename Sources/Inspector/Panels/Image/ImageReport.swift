import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

extension InspectorState {
  var imageReport: PanelReport {
    var report = PanelReport(.image)
    report.add("image", imageName)
    if let size = pictureSize { report.add("size", "\(size.width)×\(size.height)") }
    for warning in pictureWarnings { report.add("warning", warning) }
    if let model = trace?.model, model.visionImageSize > 0 {
      report.add(
        "input",
        "\(model.visionImageSize)×\(model.visionImageHeight) pixels, \(model.patchGrid)×\(model.patchRows) patches")
      report.add("aspect", model.imageAspectRatio.rawValue)
    }
    report.add("cursor", patchText)
    report.add("patch pixels", patchPixels)
    if let color = patchColor { report.add("mean rgb", "\(color.red),\(color.green),\(color.blue)") }
    if let answer = trace?.generation?.text { report.add("answer", answer) }
    report.add("prompt", prompt)
    if let computation = trace?.provenance.computation {
      report.add("computed with", computation.machine)
      report.add("sampling", computation.sampling)
    }
    if let trainingPictures, let trainingDistance {
      report.add("distance from the training's \(trainingPictures.words)", .number(trainingDistance))
      let count = trainingPictures.heldOutDistances.count
      report.add("farther than", "\(trainingPictures.nearer(than: trainingDistance)) of \(count) held out")
      if trainingPictures.isUnlike(trainingDistance) {
        report.notes.append("\(imageName) is \(trainingPictures.warning(trainingDistance)).")
      }
    }
    report.tables = [stageTable].filter { !$0.rows.isEmpty }
    return report
  }

  var imageFindings: [String] {
    let looks = mostAttended.map { "\(inspectedToken) looks most at patch (\($0.row),\($0.column))" } ?? ""
    let answer = trace?.generation.map { "“\($0.text)”" } ?? ""
    return [looks, answer].filter { !$0.isEmpty }
  }

  /// The report's facts alone.
  var imageFacts: [PanelReport.Fact] { imageReport.facts }

  /// Width and height of the picture in its file; `nil` before it is known.
  var pictureSize: (width: Int, height: Int)? {
    if let picture { return (picture.width, picture.height) }
    return trace.map { ($0.provenance.imageWidth, $0.provenance.imageHeight) }
  }

  var patchText: String {
    "patch (\(cursor.patch.row),\(cursor.patch.column)) #\(links.geometry.patches.index(cursor.patch))"
  }

  /// The pixels of the file under the patch.
  var patchPixels: String {
    let area = links.geometry.pixels(of: cursor.patch, in: links.geometry.patches)
    let x = area.x.clamped(to: 0..<links.geometry.width)
    let y = area.y.clamped(to: 0..<links.geometry.height)
    if x.isEmpty || y.isEmpty { return "padding" }
    return "x \(x.lowerBound)–\(x.upperBound - 1), y \(y.lowerBound)–\(y.upperBound - 1)"
  }

  /// The mean colour under the cursor's patch; `nil` in the padding or without the picture.
  var patchColor: (red: UInt8, green: UInt8, blue: UInt8)? {
    let area = links.geometry.pixels(of: cursor.patch, in: links.geometry.patches)
    if let picture { return picture.meanColor(x: area.x, y: area.y) }
    guard let pixels = trace?.mgvq?.pixelValues, pixels.rank == 3 else { return nil }
    let grid = links.geometry.patches
    let (height, width) = (pixels.shape[1], pixels.shape[2])
    let x = cursor.patch.column * width / grid.columns
    let y = cursor.patch.row * height / grid.rows
    let columns = x..<max(x + 1, (cursor.patch.column + 1) * width / grid.columns)
    let rows = y..<max(y + 1, (cursor.patch.row + 1) * height / grid.rows)
    let means = (0..<3).map { channel -> UInt8 in
      var sum: Float = 0
      for row in rows { for column in columns { sum += pixels.values[(channel * height + row) * width + column] } }
      let unit = (sum / Float(rows.count * columns.count) + 1) * 127.5
      return UInt8(min(255, max(0, unit.rounded())))
    }
    return (means[0], means[1], means[2])
  }

  /// The stages that have started, in order.
  var stageTable: PanelReport.Table {
    let rows = PipelineStage.allCases.compactMap { stage in
      progress[stage].map { [ReportValue.text(stage.title), .text($0.state.words), .text(Format.seconds($0.seconds))] }
    }
    return PanelReport.Table("stages", columns: ["stage", "state", "time"], rows: rows)
  }
}

extension StageProgress.State {
  /// `12/24`, `done`, `reused`, …
  var words: String {
    switch self {
    case .running(let done, let total): "\(done)/\(total)"
    case .finished: "done"
    case .reused: "reused"
    case .cancelled: "cancelled"
    case .failed(let reason): "failed: \(reason)"
    }
  }
}

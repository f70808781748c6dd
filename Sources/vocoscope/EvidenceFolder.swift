import Evidence
import Files
import Foundation
import Plots
import Tensor

/// Writes what `verify --report` and `--figure` leave behind, each file whole or not at all.
struct EvidenceFolder {
  let text: VerifyText
  /// The pictures' files in the order of the run; empty where only states were merged.
  let pictures: [String]

  /// The page, its figures and the JSON in the directory `path`, which is made if it is missing.
  func write(to path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UsageProblem("\(path): cannot be made a directory")
    }
    let file = { (name: String) in URL(fileURLWithPath: path).appendingPathComponent(name).path }
    let figures = EvidenceFigures(text.measurements, plan: text.plan)
    try figures.attention.write(to: file("attention.png"))
    try figures.causes.write(to: file("causes.png"))
    try writePaperFigure(to: file("paper.png"))
    try FileContents.write(Array(try text.text(.json).utf8), to: file("evidence.json"))
    let page = EvidencePage(verdict: text.verdict, measurements: text.measurements, plan: text.plan)
    try FileContents.write(Array(page.markdown.utf8), to: file("EVIDENCE.md"))
  }

  func writePaperFigure(to path: String) throws {
    guard let figure = PaperFigure(rows: text.measurements.rows, plan: text.plan).figure(pictures: pictures) else {
      throw UsageProblem("\(path): not written, no picture was measured")
    }
    try figure.write(to: path)
  }
}

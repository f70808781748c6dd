import Evidence
import Files
import Foundation
import Plots

/// Writes what `verify --report` and `--figure` leave behind, each file whole or not at all.
package struct EvidenceFolder {
  private let report: VerifyReport
  /// The pictures' files in the order of the run; empty where only states were merged.
  private let pictures: [String]

  package init(_ report: VerifyReport, pictures: [String]) {
    self.report = report
    self.pictures = pictures
  }

  /// The page, its figures and the JSON in the directory `path`, which is made if it is missing.
  package func write(to path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ExperimentError("\(path): cannot be made a directory")
    }
    let file = { (name: String) in URL(fileURLWithPath: path).appendingPathComponent(name).path }
    let figures = EvidenceFigures(report: report)
    // The page shows the pixels; the others are for a paper.
    for ending in ["png", "svg", "pdf"] {
      try figures.attention.write(to: file("attention.\(ending)"))
      try figures.causes.write(to: file("causes.\(ending)"))
      try writePaperFigure(to: file("paper.\(ending)"))
    }
    try FileContents.write(Array(try report.json.utf8), to: file("evidence.json"))
    try FileContents.write(Array(EvidencePage(report: report).markdown.utf8), to: file("EVIDENCE.md"))
  }

  package func writePaperFigure(to path: String) throws {
    let figure = PaperFigure(rows: report.summary.rows, plan: report.plan).figure(pictures: pictures)
    guard let figure else { throw ExperimentError("\(path): not written, no picture was measured") }
    try figure.write(to: path)
  }
}

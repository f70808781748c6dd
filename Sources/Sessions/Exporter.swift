import Dispatch
import Files
import Foundation
import Inspector
import PanelExport
import Trace

/// Writes exported files into a directory, whole or not at all, and never over an existing one.
struct Exporter: Sendable {
  let directory: URL
  /// One file after another, so that none takes another's free name.
  let queue = DispatchQueue(label: "vocoscope.export", qos: .userInitiated)

  /// Writes the file under its name, or under the first free `name-2`, `name-3`, …; returns its path.
  func write(_ file: ExportFile, of state: InspectorState) throws -> String {
    let url = free(file.name)
    let export = PanelExport(state, panel: file.panel, size: state.size, depth: state.depth)
    try export.write(file.format, to: url.path)
    return url.path
  }

  /// Writes a trace file in the same way.
  func write(_ trace: Trace, name: String) throws -> String {
    let url = free(name)
    try TraceFile.write(trace, to: url.path)
    return url.path
  }

  private func free(_ name: String) -> URL {
    let url = directory.appendingPathComponent(name)
    let stem = url.deletingPathExtension().lastPathComponent
    let candidates = sequence(first: 1) { $0 + 1 }.lazy.map { number in
      number == 1
        ? url : directory.appendingPathComponent("\(stem)-\(number)").appendingPathExtension(url.pathExtension)
    }
    // A link that leads nowhere is there too.
    return candidates.first { (try? FileManager.default.attributesOfItem(atPath: $0.path)) == nil } ?? url
  }
}

/// The pictures that lie beside one, in the order of their names.
struct PictureFolder {
  let paths: [String]
  private let index: Int

  /// - Throws: what the file system says when the folder cannot be read.
  init(around path: String) throws {
    let file = URL(fileURLWithPath: path)
    let folder = file.deletingLastPathComponent()
    let shown = file.lastPathComponent
    let names = try Directory.ownNames(folder.path).filter { name in
      ["png", "jpg", "jpeg"].contains(URL(fileURLWithPath: name).pathExtension.lowercased())
    }
    // Names are the same only byte for byte. The one on screen is among them, whatever it is called.
    let isThere = names.contains { $0.utf8.elementsEqual(shown.utf8) }
    let all = (isThere ? names : names + [shown]).sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    paths = all.map { folder.appendingPathComponent($0).path }
    index = all.firstIndex { $0.utf8.elementsEqual(shown.utf8) } ?? 0
  }

  /// The picture after the one on screen.
  ///
  /// - Throws: `UsageProblem` where there is no other: a picture compared with itself would look like a finding.
  func next() throws -> String {
    guard paths.count > 1 else {
      throw UsageProblem(
        "\(printable(URL(fileURLWithPath: paths[0]).lastPathComponent)) is the only picture of its folder; give the path of another."
      )
    }
    return path(by: 1)
  }

  /// The path so many places further, round the ends.
  func path(by step: Int) -> String { paths[((index + step) % paths.count + paths.count) % paths.count] }
}

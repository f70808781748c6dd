import Files
import Foundation
import Inspector
import Trace

/// Writes exported files into a directory, whole or not at all, and never over an existing one.
struct Exporter {
  let directory: URL

  /// Writes the file under its name, or under the first free `name-2`, `name-3`, …; returns its path.
  func write(_ file: ExportFile) throws -> String {
    let url = free(file.name)
    try FileContents.write(Array(file.contents.utf8), to: url.path)
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

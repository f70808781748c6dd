import Foundation
import Inspector
import Trace

/// Writes exported files into a directory, whole or not at all, and never over an existing one.
struct Exporter {
  let directory: URL

  /// Writes the file under its name, or under the first free `name-2`, `name-3`, …; returns its path.
  func write(_ file: ExportFile) throws -> String {
    let url = free(file.name)
    do {
      try Data(file.contents.utf8).write(to: url, options: .atomic)
    } catch {
      throw UsageProblem("\(url.path): could not be written: \(error.localizedDescription)")
    }
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
    return candidates.first { !FileManager.default.fileExists(atPath: $0.path) } ?? url
  }
}

import Files
import Foundation

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

  /// The path so many places further, round the ends.
  func path(by step: Int) -> String { paths[((index + step) % paths.count + paths.count) % paths.count] }
}

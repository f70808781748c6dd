import Foundation

/// Finds the bundled checkpoint and pictures without relying on a resource bundle.
///
/// Looked for beside the installed program (`<prefix>/bin` → `<prefix>/share/vocoscope`), then in every directory above
/// the program (a build folder inside a checkout), then in every directory above the current one.
struct AssetLocator {
  /// The directory of the running executable.
  let executableDirectory: URL
  let currentDirectory: URL

  static var process: AssetLocator {
    let executable =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return AssetLocator(
      executableDirectory: URL(fileURLWithPath: executable).deletingLastPathComponent(),
      currentDirectory: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
  }

  /// The asset at `path` below an `assets` directory, if one has it.
  func locate(_ path: String) -> String? {
    let shared = executableDirectory.deletingLastPathComponent().appendingPathComponent("share/vocoscope")
    let roots =
      [shared]
      + (ancestors(of: executableDirectory) + ancestors(of: currentDirectory)).map {
        $0.appendingPathComponent("assets")
      }
    return roots.map { $0.appendingPathComponent(path).path }.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// The bundled scenes, drawn like those that the demo checkpoint was trained on; throws `UsageProblem` without them.
  func scenes() throws -> [String] {
    let folder = locate("images")
    let names = try folder.map { try FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
    let scenes = names.filter { $0.hasPrefix("scene-") && $0.hasSuffix(".png") }.sorted()
    guard let folder, !scenes.isEmpty else {
      throw UsageProblem(
        "the bundled scenes were not found beside the program or above it; name pictures with --images")
    }
    return scenes.map { "\(folder)/\($0)" }
  }

  private func ancestors(of directory: URL) -> [URL] {
    var result = [directory.standardizedFileURL]
    while let last = result.last, last.path != "/" { result.append(last.deletingLastPathComponent()) }
    return result
  }
}

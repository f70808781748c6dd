package import Experiments
import Files
import Foundation
import Inspector

/// Finds the bundled checkpoint and pictures without relying on a resource bundle.
///
/// Looked for beside the installed program (`<prefix>/bin` → `<prefix>/share/vocoscope`), then in every directory above
/// the program (a build folder inside a checkout), then in every directory above the current one.
package struct AssetLocator {
  /// The directory of the running executable.
  let executableDirectory: URL
  let currentDirectory: URL

  package static var process: AssetLocator {
    let executable =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return AssetLocator(
      executableDirectory: URL(fileURLWithPath: executable).deletingLastPathComponent(),
      currentDirectory: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
  }

  /// The asset at `path` below an `assets` directory, if one has it.
  package func locate(_ path: String) -> String? {
    let shared = executableDirectory.deletingLastPathComponent().appendingPathComponent("share/vocoscope")
    let roots =
      [shared]
      + (ancestors(of: executableDirectory) + ancestors(of: currentDirectory)).map {
        $0.appendingPathComponent("assets")
      }
    return roots.map { $0.appendingPathComponent(path).path }.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// The bundled scenes, drawn like those that the demo checkpoint was trained on; throws `UsageProblem` without them.
  package func scenes() throws -> [String] {
    let folder = locate("images")
    let names = try folder.map { try FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
    let scenes = names.filter { $0.hasPrefix("scene-") && $0.hasSuffix(".png") }.sorted()
    guard let folder, !scenes.isEmpty else {
      throw UsageProblem(
        "the bundled scenes were not found beside the program or above it; name pictures with --images")
    }
    return scenes.map { "\(folder)/\($0)" }
  }

  /// The questions for the picture called `picture`: its own, if it is one of the bundled scenes, else those that fit any.
  package func familyQuestions(for picture: String) throws -> [FamilyQuestion] {
    guard let own = locate("images/questions.jsonl"), let general = locate("images/families.jsonl") else {
      throw UsageProblem("the bundled questions were not found beside the program or above it")
    }
    return try FamilyQuestion.questions(for: picture, own: own, general: general)
  }

  private func ancestors(of directory: URL) -> [URL] {
    var result = [directory.standardizedFileURL]
    while let last = result.last, last.path != "/" { result.append(last.deletingLastPathComponent()) }
    return result
  }
}

/// What a person has set for every session, in `$XDG_CONFIG_HOME/vocoscope/config.json` or
/// `~/.config/vocoscope/config.json`: `{"keys": {"quit": "Q"}, "workspace": "attention"}`.
struct UserConfiguration {
  let keyMap: KeyMap
  let workspace: Workspace

  /// More than every command's keys take.
  private static let largest = 1 << 18

  /// Reads the file; without one, everything is as it comes. Throws `KeyMapError` naming the file and the field, or
  /// `FileError` for what is no such file.
  init(environment: [String: String]) throws {
    let path = Self.path(environment)
    let json: String
    do {
      json = try FileContents.text(path: path, limit: Self.largest)
    } catch {
      switch error.reason {
      case .missing, .system: (keyMap, workspace) = (.standard, .explore)
      default: throw error
      }
      return
    }
    keyMap = try KeyMap(json: json, file: path)
    workspace = try Workspace.configured(json: json, file: path) ?? .explore
  }

  /// `$XDG_CACHE_HOME/vocoscope` or `~/.cache/vocoscope`; `nil` for a user without a home.
  static func cacheDirectory(_ environment: [String: String]) -> String? {
    let base = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (base ?? environment["HOME"].map { "\($0)/.cache" }).map { "\($0)/vocoscope" }
  }

  private static func path(_ environment: [String: String]) -> String {
    let base = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    return (base ?? "\(environment["HOME"] ?? "")/.config") + "/vocoscope/config.json"
  }
}

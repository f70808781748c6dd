import Foundation
import Inspector

/// What a person has set for every session, in `$XDG_CONFIG_HOME/vocoscope/config.json` or
/// `~/.config/vocoscope/config.json`: `{"keys": {"quit": "Q"}}`.
struct UserConfiguration {
  let keyMap: KeyMap

  /// Reads the file; without one, everything is as it comes. Throws `KeyMapError` naming the file and the field.
  init(environment: [String: String]) throws {
    let path = Self.path(environment)
    guard let data = FileManager.default.contents(atPath: path) else {
      keyMap = .standard
      return
    }
    keyMap = try KeyMap(json: String(decoding: data, as: UTF8.self), file: path)
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

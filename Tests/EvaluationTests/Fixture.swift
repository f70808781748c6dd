import Foundation

/// The path of a file in this target's `Fixtures` folder.
func fixture(_ name: String, file: String = #filePath) -> String {
  URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
}

/// Runs `body` with a new empty directory that is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("evaluation-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory.path)
}

/// Writes `text` as `name` in `directory` and returns its path.
func write(_ text: String, as name: String, in directory: String) throws -> String {
  let path = "\(directory)/\(name)"
  try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  return path
}

func makeDirectory(_ path: String) throws {
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
}

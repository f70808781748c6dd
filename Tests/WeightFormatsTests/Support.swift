import Files
import Foundation
import Safetensors
import Tensor

/// A file of this test target's `Fixtures`.
func fixture(_ name: String, in file: String = #filePath) -> String {
  URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
}

/// Calls `body` with the path of an empty directory, which is removed afterwards.
func withTemporaryDirectory<R>(_ body: (String) throws -> R) throws -> R {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  return try body(directory.path)
}

/// The bytes of a safetensors file with this header and data.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
  let text = Array(header.utf8)
  return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text + data
}

/// What opening a safetensors file of `bytes` says, without the file's path; nil when it opens.
func complaint(about bytes: [UInt8]) throws -> String? {
  try withTemporaryDirectory { directory -> String? in
    let path = "\(directory)/model.safetensors"
    try FileContents.write(bytes, to: path)
    do throws(CheckpointError) {
      _ = try SafetensorsFile(path: path)
      return nil
    } catch {
      guard error.description.hasPrefix(path) else { return "does not name its file: \(error)" }
      return String(error.description.dropFirst(path.count + 2))
    }
  }
}

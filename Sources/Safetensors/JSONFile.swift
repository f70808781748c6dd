internal import Files
package import JSON

/// The largest configuration or index that is read into memory.
private let largestSmallFile = 64 << 20

/// All bytes of a file of moderate size.
package func readSmallFile(_ path: String) throws(CheckpointError) -> [UInt8] {
  do { return try FileContents.read(path: path, limit: largestSmallFile) } catch { throw .unreadable(error) }
}

extension JSONValue {
  /// The JSON document in the file at `path`.
  package init(file path: String) throws(CheckpointError) {
    try self.init(bytes: readSmallFile(path), path: path)
  }

  /// The JSON document `bytes`, which errors call `path`.
  package init(bytes: [UInt8], path: String) throws(CheckpointError) {
    do {
      try self.init(parsing: bytes)
    } catch {
      throw CheckpointError.malformed(path: path, problem: "not valid JSON: \(error)")
    }
  }
}

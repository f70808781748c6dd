package import Foundation

/// A picture that lies as base64 in a question file; only its place is kept, as such files reach 100 MB.
package struct EmbeddedImage: Sendable, Hashable {
  package let file: String
  package let byteOffset: Int
  package let byteCount: Int

  /// The picture's bytes (JPEG or PNG).
  ///
  /// - Throws: `EvaluationError.unreadable` if the file has changed or the text is not base64.
  package func data() throws(EvaluationError) -> Data {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
      defer { try? handle.close() }
      try handle.seek(toOffset: UInt64(byteOffset))
      let text = try handle.read(upToCount: byteCount) ?? Data()
      guard text.count == byteCount, let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters),
        !data.isEmpty
      else {
        throw EvaluationError.unreadable(
          file: file, reason: "the \(byteCount) bytes at \(byteOffset) are not a base64 picture")
      }
      return data
    } catch let error as EvaluationError {
      throw error
    } catch {
      throw .unreadable(file: file, reason: error.localizedDescription)
    }
  }
}

import Files
import Testing

@Suite("Reading files")
struct FileContentsTests {
  @Test("The bytes of a file arrive whole")
  func whole() throws {
    let bytes = try FileContents.read(path: #filePath, limit: 1 << 20)
    #expect(bytes.starts(with: Array("import Files\n".utf8)))
    #expect(bytes.suffix(2) == Array("}\n".utf8))
  }

  @Test(
    "What cannot be read is named with its reason",
    arguments: [
      ("/nonexistent/photo.png", FileError.Reason.missing, "/nonexistent/photo.png: no such file"),
      ("/", .directory, "/: is a directory, not a file"),
      ("/dev/null", .notRegular, "/dev/null: is not a regular file"),
    ])
  func refused(path: String, reason: FileError.Reason, sentence: String) {
    let error = #expect(throws: FileError.self) { try FileContents.read(path: path, limit: 10) }
    #expect(error?.reason == reason)
    #expect(error?.description == sentence)
  }

  @Test("A file over the limit is refused with both sizes")
  func tooLarge() throws {
    let size = try FileContents.read(path: #filePath, limit: 1 << 20).count
    let error = #expect(throws: FileError.self) { try FileContents.read(path: #filePath, limit: size - 1) }
    #expect(error?.reason == .tooLarge(byteCount: size, limit: size - 1))
    #expect(try FileContents.read(path: #filePath, limit: size).count == size)
  }
}

import Glibc
import ImageLoading
import Tensor
import Testing

@Suite("Writing PNG")
struct PNGWriterTests {
  /// Runs `body` with the path of a new directory that is removed, with its files, afterwards.
  private func withDirectory(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/vocoscope-png-XXXXXX".utf8CString)
    let directory = String(cString: try #require(mkdtemp(&template)))
    defer {
      for name in names(in: directory) { unlink("\(directory)/\(name)") }
      rmdir(directory)
    }
    try body(directory)
  }

  private func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  @Test("What is written reads back as the same picture", arguments: [(1, 1), (13, 7), (200, 3), (3, 500)])
  func roundTrip(width: Int, height: Int) throws {
    let image = noise(width: width, height: height, seed: width)
    try withDirectory { directory in
      try PNGWriter.write(image, to: "\(directory)/a.png")
      let decoded = try ImageDecoder.decode(path: "\(directory)/a.png")
      #expect(decoded.image == image)
      #expect(decoded.format == .png)
      #expect(names(in: directory) == ["a.png"])
    }
  }

  @Test("An existing file is replaced whole")
  func replaces() throws {
    try withDirectory { directory in
      let path = "\(directory)/a.png"
      try PNGWriter.write(noise(width: 90, height: 90, seed: 1), to: path)
      let small = noise(width: 2, height: 2, seed: 2)
      try PNGWriter.write(small, to: path)
      #expect(try ImageDecoder.decode(path: path).image == small)
    }
  }

  @Test("A place that cannot be written is named, and nothing is left behind")
  func unwritable() throws {
    let image = noise(width: 2, height: 2, seed: 1)
    let missing = #expect(throws: ImageError.self) { try PNGWriter.write(image, to: "/none/a.png") }
    #expect(missing?.description.hasPrefix("/none/a.png: ") == true)
    try withDirectory { directory in
      #expect(mkdir("\(directory)/taken", 0o700) == 0)
      defer { rmdir("\(directory)/taken") }
      #expect(throws: ImageError.self) { try PNGWriter.write(image, to: "\(directory)/taken") }
      #expect(names(in: directory) == ["taken"])
    }
  }
}

import ImageLoading
import Tensor
import Testing

@Suite("Pictures as people's programs leave them")
struct AsFoundTests {
  private static let lines = recordedLines("asfound.txt")

  /// Where Pillow gives up on a picture whose pixels are all there.
  private static let readHereAlone = ["png-text-cut"]

  @Test("A picture is turned and read as Pillow does, or refused as there", arguments: lines)
  func recorded(line: [String]) throws {
    let file = bytes(hexadecimal: line[1])
    guard line[2] != "refused" else {
      guard !Self.readHereAlone.contains(line[0]) else { return }
      #expect(throws: ImageError.self) { try ImageDecoder.decode(file, path: line[0]) }
      return
    }
    let image = try ImageDecoder.decode(file, path: line[0]).image
    #expect([image.width, image.height] == [Int(line[2]), Int(line[3])])
    #expect(image.pixels == bytes(hexadecimal: line[4]))
  }

  private func file(_ name: String) throws -> [UInt8] {
    bytes(hexadecimal: try #require(Self.lines.first { $0[0] == name })[1])
  }

  @Test(
    "What was odd is told as a warning",
    arguments: [
      ("png-no-end", ["the file ends behind its pixels without a whole IEND"]),
      ("png-bad-data-checksum", ["IDAT: CRC error"]),
      ("png-text-cut", ["the file ends behind its pixels without a whole IEND"]),
      ("png-bytewise", []), ("png-exif", []),
    ])
  func warnings(name: String, expected: [String]) throws {
    #expect(try ImageDecoder.decode(file(name), path: name).warnings == expected)
  }

  @Test("A PNG that lacks a row is cut off, not filled up")
  func rowMissing() throws {
    // The data end within the last row, and nothing follows them.
    let whole = try file("png-no-end")
    #expect(throws: ImageError.truncated(path: "p", format: .png)) {
      try ImageDecoder.decode(Array(whole.dropLast(24)), path: "p")
    }
  }

  @Test("Apple's own form is called what it is")
  func apple() throws {
    var png = try file("png-no-end")
    let chunk = Array("CgBI".utf8) + [0x50, 0, 0x20, 2]
    png.insert(contentsOf: bigEndian(4) + chunk + bigEndian(crc32(chunk[...])), at: 8)
    let error = #expect(throws: ImageError.self) { try ImageDecoder.decode(png, path: "icon.png") }
    #expect(error?.description.contains("Apple's form (CgBI)") == true)
  }
}

import Files
import ImageLoading
import Tensor
import Testing

@Suite("Decoding")
struct DecodingTests {
  @Test("Every recorded picture decodes to Pillow's pixels", arguments: recordedLines("decoded.txt"))
  func recorded(line: [String]) throws {
    let decoded = try ImageDecoder.decode(path: fixture(line[0]))
    #expect([decoded.image.width, decoded.image.height] == [Int(line[1]), Int(line[2])])
    #expect(decoded.format == (line[0].hasSuffix(".png") ? .png : .jpeg))
    let expected = bytes(hexadecimal: line[3])
    let differences = zip(decoded.image.pixels, expected).map { abs(Int($0) - Int($1)) }
    #expect(
      decoded.image.pixels == expected, "\(differences.count { $0 > 0 }) differ, by up to \(differences.max() ?? 0)")
    let isGrey16 = line[0].hasPrefix("grey16")
    #expect(decoded.warnings == (isGrey16 ? [Self.grey16] : []))
  }

  private static let grey16 = "16-bit grey is read by its high bytes; Pillow would clip it to white"

  @Test("16-bit grey is read by its high bytes, where Pillow clips at 255 and nearly all is white")
  func deepGrey() throws {
    // Levels that the two rules part at: Pillow's convert("RGB") gives 0, 1, 255, 255, 255, 255.
    let levels: [UInt16] = [0, 1, 255, 256, 0x8000, 0xFFFF]
    let decoded = try ImageDecoder.decode(greyPNG(levels), path: "grey.png")
    #expect(decoded.image.pixels == [0, 0, 0, 1, 0x80, 0xFF].flatMap { [UInt8](repeating: $0, count: 3) })
    #expect(decoded.warnings == [Self.grey16])
  }

  @Test("The eight EXIF orientations of one picture agree with each other")
  func orientations() throws {
    let images = try (1...8).map { try ImageDecoder.decode(path: fixture("exif\($0).jpg")).image }
    let (w, h) = (images[0].width, images[0].height)
    for y in 0..<h {
      for x in 0..<w {
        let places = [
          (x, y), (w - 1 - x, y), (w - 1 - x, h - 1 - y), (x, h - 1 - y), (y, x), (h - 1 - y, x),
          (h - 1 - y, w - 1 - x),
          (y, w - 1 - x),
        ]
        for (image, place) in zip(images, places) { #expect(image[place.0, place.1] == images[0][x, y]) }
      }
    }
  }

  @Test("The hash is that of the file's bytes")
  func hash() throws {
    let decoded = try ImageDecoder.decode(path: fixture("cmyk.jpg"))
    #expect(decoded.fileSHA256 == SHA256.hexDigest(of: try fixtureBytes("cmyk.jpg")))
  }

  @Test("Damage that libjpeg carries on with is told as a warning")
  func warnings() throws {
    var bytes = try fixtureBytes("color-444.jpg")
    // The last quarter of the scan's data goes, the end marker stays.
    bytes.removeSubrange((bytes.count * 3 / 4)..<(bytes.count - 2))
    let decoded = try ImageDecoder.decode(bytes, path: "photo.jpg")
    #expect(decoded.warnings == ["Corrupt JPEG data: premature end of data segment"])
  }
}

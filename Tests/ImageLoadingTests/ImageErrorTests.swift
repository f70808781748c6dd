import Files
import ImageLoading
import Tensor
import Testing

@Suite("Pictures that cannot be read")
struct ImageErrorTests {
  private func error(_ bytes: [UInt8]) -> ImageError? {
    #expect(throws: ImageError.self) { try ImageDecoder.decode(bytes, path: "photo") }
  }

  @Test("A missing file and a directory are named")
  func unreadable() {
    let missing = #expect(throws: ImageError.self) { try ImageDecoder.decode(path: "/none/photo.jpg") }
    #expect(missing == .file(FileError(path: "/none/photo.jpg", reason: .missing)))
    let directory = #expect(throws: ImageError.self) { try ImageDecoder.decode(path: "/tmp") }
    #expect(directory?.description == "/tmp: is a directory, not a file")
  }

  @Test(
    "Other formats are called by their names",
    arguments: [
      ("", "an empty file"), ("GIF89a", "GIF"), ("RIFF....WEBPVP8 ", "WebP"), ("BM......", "BMP"),
      ("II*\0....", "TIFF"),
      ("....ftypavif", "AVIF"), ("....ftypheic", "HEIF"), ("%PDF-1.7", "PDF"), ("<svg>", "SVG or other XML"),
    ])
  func otherFormats(contents: String, name: String) {
    #expect(
      error(Array(contents.utf8))?.description == "photo: is not a PNG or JPEG picture; it looks like \(name)")
  }

  @Test("Text is no picture")
  func text() {
    #expect(error(Array("hello".utf8))?.description == "photo: is not a PNG or JPEG picture")
  }

  @Test(
    "A file cut anywhere before its last pixel is an error, and inside its data one that says so",
    arguments: pictureNames)
  func truncated(name: String) throws {
    let whole = try fixtureBytes(name)
    let isPNG = name.hasSuffix(".png")
    let picture = try ImageDecoder.decode(whole, path: "photo").image
    for count in 0..<whole.count {
      do throws(ImageError) {
        // Behind a PNG's pixels come 4 bytes of a checksum of theirs, 4 of the chunk's, and 12 of the end.
        let cut = try ImageDecoder.decode(Array(whole[..<count]), path: "photo")
        #expect(isPNG && count >= whole.count - 24, "\(count) of \(whole.count) bytes")
        #expect(cut.warnings.contains { $0.contains("without a whole IEND") }, "\(count) of \(whole.count) bytes")
        // What may turn the picture is in a chunk that may stand behind its pixels.
        #expect(cut.image == picture || name.contains("exif"))
        #expect([cut.image.width, cut.image.height].sorted() == [picture.width, picture.height].sorted())
      } catch {
        if count > whole.count / 2 { #expect(error == .truncated(path: "photo", format: isPNG ? .png : .jpeg)) }
      }
    }
  }

  @Test("A header that claims too many pixels is refused before they are allocated")
  func tooLarge() throws {
    var png = try fixtureBytes("rgb8.png")
    png.replaceSubrange(16..<24, with: bigEndian(2_000_000_000) + bigEndian(2_000_000_000))
    #expect(
      error(repairedPNG(png))?.description == """
        photo: its header says 2000000000×2000000000 pixels; at most 32768 a side and 178956970 in all are read
        """)
    png.replaceSubrange(16..<24, with: bigEndian(32_768) + bigEndian(5462))
    #expect(error(repairedPNG(png)) == .tooLarge(path: "photo", width: 32_768, height: 5462, limits: .standard))

    var jpeg = try fixtureBytes("color-420.jpg")
    let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xFF, 0xC0]) })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0x00, 0xFF, 0x00])
    #expect(error(jpeg) == .tooLarge(path: "photo", width: 65_280, height: 65_280, limits: .standard))
  }

  @Test("A few bytes that stand for very many pixels are refused, and the sentence names both")
  func outOfProportion() throws {
    // White, one bit a pixel: 21,822 bytes that hold rows enough for every height below.
    let white = try fixtureBytes("white1-32768x5461.png")
    for (width, height, fits) in [(32_768, 1_025, false), (32_768, 5_461, false), (32_768, 1_024, true)] {
      var png = white
      png.replaceSubrange(20..<24, with: bigEndian(UInt32(height)))
      png = repairedPNG(png)
      let before = peakMemory()
      if fits {
        #expect(try ImageDecoder.decode(png, path: "photo").image.height == height)
        continue
      }
      #expect(
        error(png)?.description == """
          photo: its header says \(width)×\(height) pixels, in a file of \(png.count) bytes; above 33554432 pixels, at \
          most 128 a byte are read
          """)
      #expect(peakMemory() - before < 16 << 20)
    }
  }

  @Test("A size of nothing is an error")
  func empty() throws {
    var png = try fixtureBytes("rgb8.png")
    png.replaceSubrange(16..<20, with: bigEndian(0))
    guard case .damaged("photo", .png, _)? = error(repairedPNG(png)) else {
      Issue.record("not reported as damaged")
      return
    }
  }

  @Test("Damage is reported in the library's words")
  func damaged() throws {
    var png = try fixtureBytes("rgb8.png")
    png[17] ^= 1
    #expect(error(png)?.description == "photo: the PNG data cannot be decoded: IHDR: CRC error")
    var jpeg = try fixtureBytes("color-420.jpg")
    let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xFF, 0xC0]) })
    jpeg[frame + 4] = 12
    #expect(error(jpeg)?.description.hasPrefix("photo: the JPEG data cannot be decoded: Unsupported JPEG data") == true)
  }
}

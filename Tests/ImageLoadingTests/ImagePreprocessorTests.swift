import Files
import ImageLoading
import Tensor
import Testing

@Suite("Preparing pictures for the model")
struct ImagePreprocessorTests {
  /// CLIP's mean and deviation.
  private func preprocessor(_ aspect: ImageAspectRatio, imageSize: Int = 84) -> ImagePreprocessor {
    ImagePreprocessor(imageSize: imageSize, steps: .clip(imageSize: imageSize), aspect: aspect)
  }

  private func digest(_ tensor: Tensor) -> String {
    tensor.values.withUnsafeBytes { SHA256.hexDigest(of: $0) }
  }

  private func picture(_ name: String) throws -> Picture {
    if name.hasPrefix("parity") { return try ImageDecoder.decode(path: fixture(name)).image }
    let sides = name.split(separator: "-").compactMap { Int($0) }
    return noise(width: sides[0], height: sides[1], seed: sides[0] + sides[1])
  }

  @Test("Both inputs equal the reference's, bit for bit", arguments: recordedLines("prepared.txt"))
  func recorded(line: [String]) throws {
    let image = try picture(line[0])
    let aspect = try #require(ImageAspectRatio(rawValue: line[1]))
    let (side, codesSide) = (try #require(Int(line[2])), try #require(Int(line[3])))
    let preprocessor = preprocessor(aspect, imageSize: side)
    let tower = try preprocessor.pixelValues(image)
    let codes = preprocessor.mgvqPixelValues(image, size: codesSide)
    #expect(tower.shape == [3, side, side])
    #expect(codes.shape == [3, codesSide, codesSide])
    #expect(digest(tower) == line[4])
    #expect(digest(codes) == line[5])
  }

  @Test("Padding centres the picture on int(mean · 255), the odd pixel below and to the right")
  func padding() {
    let image = Picture(width: 2, height: 1, pixels: [1, 2, 3, 4, 5, 6])
    let color: [UInt8] = [122, 116, 104]
    #expect(preprocessor(.pad).mgvqPicture(image, size: 2).pixels == [1, 2, 3, 4, 5, 6] + color + color)
    let tall = Picture(width: 1, height: 4, pixels: (1...12).map { UInt8($0) })
    let padded = preprocessor(.pad).mgvqPicture(tall, size: 4)
    #expect([padded.width, padded.height] == [4, 4])
    #expect(Array(padded.pixels[..<12]) == color + [1, 2, 3] + color + color)
    #expect(Array(padded.pixels[36...]) == color + [10, 11, 12] + color + color)
  }

  @Test(
    "A padded picture is resized as the square that holds it, whatever its shape and the filter",
    arguments: [(1, 97), (97, 1), (3, 200), (200, 3), (64, 63), (33, 7), (1, 2), (500, 2), (2, 500), (1, 900)],
    [ResampleFilter.nearest, .lanczos, .bilinear, .bicubic, .box, .hamming])
  func sliver(shape: (width: Int, height: Int), filter: ResampleFilter) throws {
    let image = noise(width: shape.width, height: shape.height, seed: 7 * shape.width + shape.height)
    var steps = ImageProcessorSteps.clip(imageSize: 84)
    steps.filter = filter
    let preprocessor = ImagePreprocessor(imageSize: 84, steps: steps, aspect: .pad)
    // Nothing of a square picture is canvas, so that every pixel of it is computed.
    let square = squared(image, color: [122, 116, 104])
    #expect(try preprocessor.pixelValues(image) == preprocessor.pixelValues(square))
    for size in [28, 96, 256] {
      #expect(preprocessor.mgvqPicture(image, size: size) == preprocessor.mgvqPicture(square, size: size))
    }
  }

  /// The picture centred on a square of one colour, pixel by pixel.
  private func squared(_ image: Picture, color: [UInt8]) -> Picture {
    let side = max(image.width, image.height)
    let (x, y) = ((side - image.width) / 2, (side - image.height) / 2)
    var pixels = Array(repeatElement(color, count: side * side).joined())
    for row in 0..<image.height {
      let start = 3 * ((y + row) * side + x)
      pixels.replaceSubrange(
        start..<start + 3 * image.width, with: image.pixels[3 * row * image.width..<3 * (row + 1) * image.width])
    }
    return Picture(width: side, height: side, pixels: pixels)
  }

  @Test("Without padding the square is the middle of the picture")
  func middle() {
    let wide = Picture(width: 4, height: 1, pixels: (0..<12).map { UInt8($0) })
    #expect(preprocessor(.square).mgvqPicture(wide, size: 1) == Picture(width: 1, height: 1, pixels: [3, 4, 5]))
    let square = noise(width: 5, height: 5, seed: 9)
    #expect(preprocessor(.square).mgvqPicture(square, size: 5) == square)
    #expect(preprocessor(.pad).mgvqPicture(square, size: 5) == square)
  }

  @Test(
    "A picture 32,768 times as long as high needs no more memory than its crop, padded or not",
    arguments: [ImageAspectRatio.square, .pad], [false, true])
  func panorama(aspect: ImageAspectRatio, isTall: Bool) throws {
    let line = noise(width: isTall ? 1 : 32_768, height: isTall ? 32_768 : 1, seed: 2)
    let before = peakMemory()
    #expect(try preprocessor(aspect, imageSize: 336).pixelValues(line).shape == [3, 336, 336])
    #expect(preprocessor(aspect).mgvqPicture(line, size: 256).width == 256)
    // The square would take 3.2 GB.
    #expect(peakMemory() - before < 256 << 20)
  }

  @Test("What the steps leave of another size than the tower's is refused before it is made")
  func unfit() throws {
    var steps = ImageProcessorSteps.clip(imageSize: 84)
    steps.path = "preprocessor_config.json"
    steps.crop = nil
    let preprocessor = ImagePreprocessor(imageSize: 84, steps: steps, aspect: .square)
    let error = #expect(throws: ImageError.self) {
      try preprocessor.pixelValues(noise(width: 32_768, height: 1, seed: 1))
    }
    #expect(
      error?.description == """
        preprocessor_config.json: do_center_crop makes 2752512×84 pixels of a picture of 32768×1, but the vision tower \
        takes 84×84
        """)
    #expect(try preprocessor.pixelValues(noise(width: 9, height: 9, seed: 1)).shape == [3, 84, 84])
  }

  @Test("MGVQ's input runs from −1 to 1")
  func range() {
    let image = Picture(width: 1, height: 1, pixels: [0, 255, 127])
    #expect(preprocessor(.pad).mgvqPixelValues(image, size: 1).values == [-1, 1, 127 / 255 * 2 - 1])
  }
}

import Files
import ImageLoading
import Tensor
import Testing

@Suite("Resizing")
struct ResizeTests {
  @Test("Bicubic resizing equals Pillow's, byte for byte", arguments: recordedLines("resized.txt"))
  func recorded(line: [String]) throws {
    let numbers = line.dropLast().compactMap { Int($0) }
    let source = noise(width: numbers[0], height: numbers[1], seed: numbers[2])
    let resized = resizeBicubicPIL(source, width: numbers[3], height: numbers[4])
    #expect([resized.width, resized.height] == [numbers[3], numbers[4]])
    #expect(SHA256.hexDigest(of: resized.pixels) == line[5])
  }

  @Test("A size kept is the same picture")
  func identity() {
    let image = noise(width: 31, height: 17, seed: 5)
    #expect(resizeBicubicPIL(image, width: 31, height: 17) == image)
  }

  @Test("One colour stays that colour at any size")
  func constant() {
    let image = Picture(width: 23, height: 41, pixels: Array(repeatElement([10, 200, 255], count: 23 * 41).joined()))
    for (width, height) in [(1, 1), (7, 90), (336, 3), (46, 82)] {
      let expected = Array(repeatElement([10, 200, 255] as [UInt8], count: width * height).joined())
      #expect(resizeBicubicPIL(image, width: width, height: height).pixels == expected)
    }
  }

  @Test("A preview holds the means of the pixels it covers")
  func previewMeans() {
    let image = Picture(
      width: 4, height: 2,
      pixels: [0, 0, 0, 10, 20, 30, 100, 0, 0, 100, 0, 8] + [20, 20, 20, 10, 40, 50, 100, 0, 0, 100, 0, 0])
    #expect(image.preview(maxSide: 2) == Picture(width: 2, height: 1, pixels: [10, 20, 25, 100, 0, 2]))
  }

  @Test("A preview keeps the proportions, never grows and never vanishes")
  func previewSizes() {
    func size(_ width: Int, _ height: Int, _ side: Int) -> [Int] {
      let preview = noise(width: width, height: height, seed: 1).preview(maxSide: side)
      return [preview.width, preview.height]
    }
    #expect(size(400, 300, 100) == [100, 75])
    #expect(size(300, 400, 100) == [75, 100])
    #expect(size(50, 40, 100) == [50, 40])
    #expect(size(1000, 1, 10) == [10, 1])
  }
}

import ColorMaps
import Foundation
import ImageLoading
import Plots
import Tensor
import Testing

@Suite("Figures")
struct FigureTests {
  private let figure = Figure(
    title: "two cells", columns: 1,
    panels: [MatrixPlot(values: [[0, 1]], measure: nil)], notes: ["a note"])

  @Test("Cells of a heat map are filled with the ends of the colour map, in equal parts")
  func cellsCarryTheMapsColours() {
    let image = figure.image()
    let low = count(ColorMap.cividis.color(0), in: image)
    let high = count(ColorMap.cividis.color(1), in: image)
    #expect(low > 1000)
    #expect(abs(Double(low) / Double(high) - 1) < 0.05)
  }

  @Test("Equal figures give equal pixels, and another value gives others")
  func figuresAreReproducible() {
    #expect(figure.image() == figure.image())
    let other = Figure(title: "two cells", columns: 1, panels: [MatrixPlot(values: [[1, 0]], measure: nil)])
    #expect(other.image() != figure.image())
  }

  @Test("A written figure reads back as the same pixels")
  func writtenFigureReadsBack() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("figure-\(UUID().uuidString).png").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try figure.write(to: path)
    #expect(try ImageDecoder.decode(path: path).image == figure.image())
  }

  private func count(_ color: Color, in image: Picture) -> Int {
    guard case .rgb(let r, let g, let b) = color else { return 0 }
    return stride(from: 0, to: image.pixels.count, by: 3).count { at in
      image.pixels[at] == r && image.pixels[at + 1] == g && image.pixels[at + 2] == b
    }
  }
}

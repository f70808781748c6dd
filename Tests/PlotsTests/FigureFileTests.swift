import ColorMaps
import Foundation
import ImageLoading
import Plots
import Tensor
import TestSupport
import Testing

@Suite("Figures as files")
struct FigureFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var figure: Figure {
    let picture = Picture(width: 2, height: 1, pixels: [255, 0, 0, 0, 0, 255])
    var figure = Figure(
      title: "Attention of <voco> & friends", columns: 2, panelWidth: 260, panelHeight: 200,
      panels: [
        MatrixPlot(
          title: "share per patch", values: [[0.001, 0.01], [0.1, nil]], rowLabel: "row", columnLabel: "column",
          scale: .logarithmic(0.001...0.1), measure: "share"),
        Chart(
          title: "lift ×98 → Σ", x: ChartAxis("layer"), y: ChartAxis("lift", scale: .logarithmic, range: 1...100),
          marks: [.line(DataSeries("mean", color: .series(0), values: [1, 10, 98]))]),
        TileGrid(tiles: [.init(picture, caption: "cat.jpg")], columns: 1, isSmooth: false),
        ColorGrid(
          title: "mask", colors: [[.ink, nil], [.ink, .ink]], bands: [.init(start: 1, count: 1, name: "voco")],
          legend: [("allowed", .ink)]),
      ], notes: ["A(k) = softmax(q·k / √d), n = 580 keys"])
    figure.metadata = FigureMetadata(
      creator: "vocoscope 1.0", entries: [.init("weights SHA-256", "0badcafe"), .init("picture SHA-256", "f00d")])
    return figure
  }

  /// Every text of the figure, as SVG escapes it.
  private let texts = [
    "Attention of &lt;voco&gt; &amp; friends", "share per patch", "row", "column", "share, log", "lift ×98 → Σ",
    "layer",
    "mean", "cat.jpg", "mask", "allowed", "A(k) = softmax(q·k / √d), n = 580 keys",
  ]

  @Test("SVG is well-formed, holds every text as text, and says where its data come from")
  func svg() {
    let text = String(decoding: figure.bytes(.svg), as: UTF8.self)
    let parser = SVGReader(text)
    #expect(parser.isWellFormed)
    for expected in texts {
      #expect(text.contains(">\(expected)</text>"), "\(expected)")
    }
    #expect(parser.texts["title"]?.first == "Attention of <voco> & friends")
    #expect(parser.texts["desc"]?.first == "A(k) = softmax(q·k / √d), n = 580 keys")
    #expect(parser.texts["dc:source"] == ["weights SHA-256: 0badcafe", "picture SHA-256: f00d"])
    #expect(parser.texts["dc:creator"] == ["vocoscope 1.0"])
  }

  @Test("A picture in an SVG is the picture's own pixels as PNG")
  func svgPicture() throws {
    let text = String(decoding: figure.bytes(.svg), as: UTF8.self)
    let data = try #require(text.firstMatch(of: /base64,([A-Za-z0-9+\/=]+)/)?.1)
    let path = folder.path("inside.png")
    try #require(Data(base64Encoded: String(data))).write(to: URL(fileURLWithPath: path))
    #expect(try ImageDecoder.decode(path: path).image.pixels == [255, 0, 0, 0, 0, 255])
  }

  @Test("Cells of a vector heat map reach under their neighbours, so that no paper shows between them")
  func seams() {
    let plot = MatrixPlot(values: [[0, 1, 0.5]], range: 0...1, measure: nil)
    let text = String(
      decoding: Figure(title: "", columns: 1, panelWidth: 300, panelHeight: 90, panels: [plot]).bytes(.svg),
      as: UTF8.self)
    let boxes = text.matches(of: /<rect x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)" height="[0-9.]+" shape/)
      .compactMap { match in Double(match.1).flatMap { x in Double(match.2).map { (x, x + $0) } } }
    #expect(boxes.count == 3)
    for (left, right) in zip(boxes, boxes.dropFirst()) { #expect(left.1 > right.0 && left.1 < right.0 + 1) }
  }

  @Test("PDF names title, formula, hashes and program in its properties and has no date, so that equal is equal")
  func pdfMetadata() {
    let bytes = figure.bytes(.pdf)
    #expect(bytes.starts(with: Array("%PDF-1.".utf8)))
    let text = String(decoding: bytes, as: UTF8.self)
    for word in ["/Title", "/Subject", "(weights SHA-256: 0badcafe; picture SHA-256: f00d)", "(vocoscope 1.0)"] {
      #expect(text.contains(word), "\(word)")
    }
    #expect(!text.contains("/CreationDate") && text.contains("%%EOF"))
    #expect(figure.bytes(.pdf) == bytes)
  }

  @Test("PNG carries title, formula, hashes and resolution, and the same pixels")
  func pngMetadata() throws {
    let path = folder.path("figure.png")
    try figure.write(to: path, scale: Figure.printScale)
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let chunks = PNGChunk.all(bytes)
    let texts = chunks.filter { $0.type == "iTXt" }.map { String(decoding: $0.content, as: UTF8.self) }
    #expect(texts.contains("Title\0\0\0\0\0Attention of <voco> & friends"))
    #expect(texts.contains("Description\0\0\0\0\0A(k) = softmax(q·k / √d), n = 580 keys"))
    #expect(texts.contains("Software\0\0\0\0\0vocoscope 1.0"))
    #expect(texts.contains("weights SHA-256\0\0\0\0\00badcafe"))
    let size = try #require(chunks.first { $0.type == "pHYs" })
    #expect(size.content == [0, 0, 0x2E, 0x23, 0, 0, 0x2E, 0x23, 1], "11811 dots a metre are 300 an inch")
    #expect(try ImageDecoder.decode(path: path).image == figure.image(scale: Figure.printScale))
  }

  @Test("The suffix of the path decides what is written; an unwritable path leaves nothing and is named")
  func suffixes() throws {
    for (name, start) in [("a.SVG", "<?xml"), ("b.pdf", "%PDF"), ("c.out", "\u{FFFD}PNG")] {
      try figure.write(to: folder.path(name))
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
      #expect(String(decoding: bytes.prefix(8), as: UTF8.self).hasPrefix(start), "\(name)")
    }
    #expect(FigureFormat(path: "/a.svg/figure") == nil && FigureFormat(path: "figure.tiff") == nil)
    let error = #expect(throws: ImageError.self) { try figure.write(to: folder.path("no/such/a.pdf")) }
    #expect(error?.description.contains("no/such/a.pdf") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.root).sorted() == ["a.SVG", "b.pdf", "c.out"])
  }

  @Test("A long title is broken into lines rather than cut")
  func longTitle() {
    let long = String(repeating: "attention ", count: 30)
    let figure = Figure(title: long, columns: 1, panels: [MatrixPlot(values: [[0]])])
    let text = String(decoding: figure.bytes(.svg), as: UTF8.self)
    let lines = text.matches(of: /font-weight="bold"[^>]*>([a-z ]+)<\/text>/)
    #expect(lines.count > 3)
    #expect(lines.reduce(0) { $0 + $1.1.split(separator: " ").count } == 30)
  }
}

/// The chunks of a PNG (ISO/IEC 15948, 5.3).
private struct PNGChunk {
  let type: String
  let content: [UInt8]

  static func all(_ bytes: [UInt8]) -> [PNGChunk] {
    var chunks: [PNGChunk] = []
    var start = 8
    while start + 12 <= bytes.count {
      let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
      chunks.append(
        PNGChunk(
          type: String(decoding: bytes[start + 4..<start + 8], as: UTF8.self),
          content: Array(bytes[start + 8..<start + 8 + length])))
      start += 12 + length
    }
    return chunks
  }
}

/// Whether tags close as they open, and the texts inside elements: enough of XML for what is written here.
private struct SVGReader {
  private(set) var isWellFormed = true
  private(set) var texts: [String: [String]] = [:]

  init(_ text: String) {
    var open: [String] = []
    for match in text.matches(of: /<(\/?)([A-Za-z:]+)([^<>]*?)(\/?)>([^<]*)/) {
      let name = String(match.2)
      if !match.1.isEmpty {
        isWellFormed = isWellFormed && open.popLast() == name
      } else if match.4.isEmpty {
        open.append(name)
        let plain = match.5.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        texts[name, default: []].append(String(plain))
      }
      isWellFormed = isWellFormed && match.5.replacing(/&(amp|lt|gt|quot);/, with: "").contains("&") == false
    }
    isWellFormed = isWellFormed && open.isEmpty && text.hasPrefix("<?xml")
  }
}

import ColorMaps
import Evidence
import Files
import Foundation
import Inspector
import PanelExport
import Safetensors
import Statistics
import Tensor
import TerminalUI
import TestSupport
import Testing
import Trace

@Suite("Exports")
struct ExportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let size = Size(width: 100, height: 30)

  private func export(_ panel: Panel?, _ state: InspectorState = .complete()) -> PanelExport {
    PanelExport(state, panel: panel, size: Self.size)
  }

  private func text(_ format: ExportFormat, _ panel: Panel?, _ state: InspectorState = .complete()) throws -> String {
    String(decoding: try export(panel, state).bytes(format), as: UTF8.self)
  }

  /// The texts of an SVG, lines of one paragraph as one.
  private func words(_ svg: String) -> String {
    svg.replacing(/<\/text>\n<text[^>]*>/, with: " ").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
  }

  @Test("A path's suffix names the format; another is an error that names the path and all there are")
  func suffixes() throws {
    for suffix in ExportFormat.suffixes { #expect(try ExportFormat(path: "a.b/c.\(suffix)").fileExtension == suffix) }
    #expect(try ExportFormat(path: "A.PDF") == .pdf && ExportFormat(path: "x.txt") == .frame)
    for path in ["figure.tiff", "figure", "/a.svg/figure", ""] {
      let error = #expect(throws: PanelExportError.unknownSuffix(path: path)) { try ExportFormat(path: path) }
      #expect(error?.description.hasPrefix(path) == true && error?.description.contains(".npz") == true)
    }
  }

  @Test(
    "Every panel with something to show is a figure in each format, with formula or rule, n and hashes",
    arguments: [
      Panel.image, .attention, .anchors, .mask, .verdict, .checkpoint,
    ])
  func figures(panel: Panel) throws {
    let svg = try text(.svg, panel)
    let provenance = try #require(InspectorState.complete().trace?.provenance)
    #expect(words(svg).contains("n = "))
    #expect(words(svg).contains("weights SHA-256 \(provenance.weightsSHA256.prefix(12))"))
    #expect(svg.contains("<dc:source>weights SHA-256: \(provenance.weightsSHA256)</dc:source>"))
    #expect(svg.contains("<dc:source>picture SHA-256: \(provenance.imageSHA256)</dc:source>"))
    #expect(try export(panel).bytes(.pdf).starts(with: Array("%PDF".utf8)))
    #expect(try export(panel).bytes(.png).starts(with: [0x89, 0x50, 0x4E, 0x47]))
  }

  @Test("The attention figure shows the panel's layer, head, metric and scale, and its numbers")
  func attention() throws {
    var state = InspectorState.complete()
    let all = try text(.svg, .attention, state)
    #expect(all.contains(">patch row</text>") && all.contains(">uniform</text>") && all.contains(">A4</text>"))
    state.type("]}")
    let one = try text(.svg, .attention, state)
    let formula = try #require(state.map?.view.formula)
    #expect(one != all && words(one).contains(formula))
    for _ in ValueScale.Kind.allCases where state.view.scale != .logarithmic { state.type("s") }
    #expect(try text(.svg, .attention, state).contains(">share of attention, log</text>"))
    // As many cells in the patch map as patches; neighbours of one colour are one shape.
    #expect(one.split(separator: "<rect ").count > SyntheticTrace().patches / 2)
  }

  @Test("With a cut on screen the attention figure shows both runs, with the answer and the KL of the cut one")
  func cut() throws {
    let synthetic = SyntheticTrace()
    var state = InspectorState.complete(synthetic)
    state.post(.command(.selectAnchors))
    guard case .knockOut(let request)? = state.type("x").first else { return #expect(Bool(false), "no knock-out") }
    #expect(!(try text(.svg, .attention, state).contains("patches, cut</text>")))
    state.post(.knockOutFinished(synthetic.knockOut(request)))
    let svg = try text(.svg, .attention, state)
    #expect(svg.contains("patches, cut</text>") && svg.contains(">anchors and other keys, cut</text>"))
    #expect(words(svg).contains("it answers “a dog”, KL 0.0213 nat"))
  }

  @Test("The layer that nobody reads is grey in the attention figure, the curve ends before it, and a note says so")
  func deadLayer() throws {
    let synthetic = SyntheticTrace()
    let state = InspectorState.complete(synthetic)
    let svg = try text(.svg, .attention, state)
    #expect(state.inspected?.deadLayer == synthetic.layers - 1)
    #expect(words(svg).contains("Grey, layer \(synthetic.layers): nobody reads it."))
    #expect(svg.contains("#E8E8E8"))
    let curve = try #require(svg.range(of: ">over layers</text>"))
    let label = try #require(svg.range(of: ">layer</text>", range: curve.upperBound..<svg.endIndex))
    let ticks = svg[curve.upperBound..<label.lowerBound]
    #expect(ticks.contains(">\(synthetic.layers - 1)</text>") && !ticks.contains(">\(synthetic.layers)</text>"))
  }

  @Test("Of a token that sees <voco> and text the figure draws <voco> first, and neither a map nor a legend of patches")
  func lastToken() throws {
    var state = InspectorState.complete()
    state.type("2Q")
    let row = try #require(state.choices.firstIndex { $0.target == .inspect(.lastPromptToken) })
    for _ in 0..<max(0, row - state.selectedChoice) { state.press(.down) }
    for _ in 0..<max(0, state.selectedChoice - row) { state.press(.up) }
    state.press(.enter)
    #expect(state.inspected?.attention.layout.isVoco == false)
    let svg = try text(.svg, .attention, state)
    let first = try #require(svg.range(of: ">▁what</text>"))
    // Once in the legend, once under its bar, which stands before the text's.
    #expect(svg.ranges(of: ">&lt;voco&gt;</text>").count == 2)
    #expect(svg[..<first.lowerBound].ranges(of: ">&lt;voco&gt;</text>").count == 2)
    #expect(svg.contains(">keys</text>") && !svg.contains(">anchors</text>") && !svg.contains(">patches</text>"))
    #expect(!svg.contains("patch row"))
    // A predicting token's layers are all read.
    #expect(!words(svg).contains("nobody reads") && !svg.contains("#E8E8E8"))
  }

  @Test("The mask's figure is dark where the mask allows an edge, and counts its edges")
  func mask() throws {
    let state = InspectorState.complete()
    let sequence = try #require(state.trace?.sequence)
    let svg = try text(.svg, .mask, state)
    #expect(svg.contains(">\(sequence.length)×\(sequence.length) edges</text>"))
    let allowed = sequence.mask.count { $0 != 0 }
    #expect(words(svg).contains("cell is dark: \(Format.integer(allowed)) of"))
    #expect(svg.contains(">all</text>") && svg.contains(">none</text>"))
  }

  @Test("What has nothing to draw is an error that says why, and writes nothing")
  func nothing() throws {
    let start = InspectorState(imageName: "a.png", prompt: "?", size: Self.size)
    for panel in Panel.allCases {
      let path = folder.path("\(panel.name).pdf")
      let error = #expect(throws: PanelExportError.self) { try export(panel, start).write(.pdf, to: path) }
      #expect(error?.description.contains(panel.title) == true)
    }
    #expect(folder.contents.isEmpty)
  }

  @Test("A write that fails leaves what was there, and nothing half-written")
  func interrupted() throws {
    let path = try folder.write("before", as: "a.npz")
    try FileManager.default.createDirectory(atPath: folder.path("b.svg"), withIntermediateDirectories: true)
    #expect(throws: (any Error).self) { try export(.attention).write(.svg, to: folder.path("b.svg")) }
    #expect(throws: FileError.self) { try export(.attention).write(.npz, to: folder.path("no/a.npz")) }
    #expect(folder.contents.sorted() == ["a.npz", "b.svg"])
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "before")
  }

  @Test("Arrays hold the panel's numbers under names of its tables, matrices as matrices")
  func arrays() throws {
    let state = InspectorState.complete()
    let path = folder.path("a.safetensors")
    try export(nil, state).write(.safetensors, to: path)
    let file = try SafetensorsFile(path: path)
    let view = try #require(state.map?.view)
    let patches = try #require(file.tensors["attention.patches_share"])
    #expect(patches.shape == [6, 6] && patches.dtype == .f64)
    #expect(file.metadata["attention.formula"] == view.formula)
    #expect(file.metadata["provenance.weights_sha_256"] == state.trace?.provenance.weightsSHA256)
    let codes = try #require(file.tensors["anchors.codes_of_group_1"])
    #expect(codes.shape == [5, 5])
    #expect(file.tensors["mask.positions"]?.shape == [])
    let npz = try export(nil, state).bytes(.npz)
    #expect(npz.starts(with: Array("PK".utf8)))
    #expect(try export(nil, state).bytes(.npz) == npz)
  }

  @Test("A screen is what the inspector draws at that size: as text, and in the colours of a depth")
  func screens() throws {
    let state = InspectorState.complete()
    let frame = view(state, size: Self.size).frame
    #expect(try text(.frame, nil) == frame.text + "\n")
    let plain = { (text: String) in text.replacing(/\u{1B}\[[0-9;]*m/, with: "") }
    let colors = try ColorDepth.allCases.map { depth in
      String(decoding: try PanelExport(state, panel: nil, size: Self.size, depth: depth).bytes(.ansi), as: UTF8.self)
    }
    #expect(Set(colors).count == 4 && Set(colors.map(plain)).count == 1)
    let lines = plain(colors[0]).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(lines.count == 30 && lines.allSatisfy { displayWidth(String($0)) == 100 })
  }
}

import ColorMaps
import Foundation
import TerminalUI
import TestSupport
import Testing

@Suite("Gallery of widgets")
struct GalleryTests {
  @Test("Every widget looks as recorded in true colour, 256 colours, mono and ASCII")
  func gallery() {
    let failures = FrameSnapshot.failures(named: "gallery-80x24") { look in
      Gallery(look: look).frame(Size(width: 80, height: 24))
    }
    #expect(failures == [])
  }

  @Test("The light theme and the high-contrast theme look as recorded", arguments: ["light", "high contrast"])
  func themes(name: String) throws {
    let theme = try #require(Theme.all.first { $0.name == name })
    let failures = FrameSnapshot.failures(
      named: "gallery-60x18-\(name.replacing(" ", with: "-"))", variants: [.trueColor], theme: theme
    ) { look in Gallery(look: look).frame(Size(width: 60, height: 18)) }
    #expect(failures == [])
  }

  @Test(
    "A frame that differs in one colour, and one without a record, are told",
    .disabled(if: ProcessInfo.processInfo.environment["VOCOSCOPE_RECORD"] == "1"))
  func differences() {
    var frame = Gallery(look: Appearance()).frame(Size(width: 80, height: 24))
    frame[40, 12].style.foreground = .rgb(1, 2, 3)
    let changed = FrameSnapshot.failure(of: frame, named: "gallery-80x24", variant: .trueColor)
    #expect(changed?.contains("gallery-80x24.truecolor.txt") == true)
    #expect(changed?.contains("#010203") == true)
    let missing = FrameSnapshot.failure(of: frame, named: "no-such-snapshot", variant: .mono)
    #expect(missing?.contains("no snapshot no-such-snapshot.mono.txt") == true)
  }
}

/// One of each widget, in one frame.
struct Gallery {
  let look: Appearance

  func frame(_ size: Size) -> Frame {
    var frame = Frame(size: size)
    frame.fill(frame.bounds, with: Cell(" ", look.theme.text))
    let rows = Layout(.vertical, [.fixed(1), .fixed(1), .fill, .fixed(1)]).split(frame.bounds)
    Banner("untrained weights: nothing here is a finding").draw(in: rows[0], of: &frame, look)
    Tabs(["1 Image", "2 Attention", "3 Anchors", "4 Mask"], selected: 1).draw(in: rows[1], of: &frame, look)
    let columns = Layout(.horizontal, [.fixed(28), .fill]).split(rows[2])
    drawMap(in: columns[0], of: &frame)
    drawNumbers(in: columns[1], of: &frame)
    StatusLine(
      message: [Span("patch (12,7) #295 · 0.0021 · lift ×1.2", look.theme.statusLine)],
      hints: [.init("[ ]", "layer", 1), .init("?", "help", 2), .init("q", "quit", 3)]
    ).draw(in: rows[3], of: &frame, look)
    return frame
  }

  private func drawMap(in rect: Rect, of frame: inout Frame) {
    let inside = frame.box(
      rect, title: "2 Attention of <voco>", style: look.theme.focusBorder, titleStyle: look.theme.title,
      glyphs: look.glyphs)
    let parts = Layout(.vertical, [.fill, .fixed(1)]).split(inside)
    let values = (0..<12 * 12).map { index -> Double in
      let (x, y) = (Double(index % 12) - 5.5, Double(index / 12) - 5.5)
      return index == 17 ? .nan : 1 / (1 + (x * x + y * y) / 9)
    }
    let cursor = GridPoint(column: 4, row: 3)
    let layout = GridLayout(columns: 12, rows: 12, in: parts[0], look, keeping: cursor)
    HeatMap(values, layout: layout, range: 0...1).draw(in: parts[0], of: &frame, look)
    GridMarks(layout: layout, cursor: cursor, selection: [GridPoint(column: 7, row: 6)])
      .draw(in: parts[0], of: &frame, look)
    MapLegend(map: .cividis, low: "0", high: "0.0121").draw(in: parts[1], of: &frame, look)
  }

  private func drawNumbers(in rect: Rect, of frame: inout Frame) {
    let inside = frame.box(rect, title: "3 Anchors", style: look.theme.border, glyphs: look.glyphs)
    let parts = Layout(.vertical, [.fixed(4), .fixed(5), .fill, .fixed(1), .fixed(1)]).split(inside)
    let shares = [0.091, 0.034, 0.052, 0.003]
    Bars(
      shares.enumerated().map {
        Bars.Row(label: "A\($0 + 1)", value: $1, text: "\(Int(($1 * 1000).rounded()))‰", isMarked: $0 == 0)
      }, maximum: 0.1, reference: 0.02
    ).draw(in: parts[0], of: &frame, look)
    Curve([0.1, 0.2, 0.45, 0.9, 0.6, .nan], range: 0...1, reference: 0.5, marked: 3)
      .draw(in: parts[1], of: &frame, look)
    let names = ["中文 key", "model.layers.0.self_attn.q_proj.weight", "lm_head.weight", "anchor_projector.0.bias"]
    let table = names.enumerated().map { index, name in
      [
        Span(name, look.theme.text), Span("[\(index * 64), 64]", look.theme.dim),
        Span(index == 1 ? "missing" : "ok", index == 1 ? look.theme.bad : look.theme.good),
      ]
    }
    Table(
      columns: [.init("tensor", width: .fill), .init("shape", .trailing), .init("state", .center)], rows: table,
      selected: 2
    ).draw(in: parts[2], of: &frame, look)
    ProgressBar(label: "prefill", fraction: 0.42, text: "0.3 s").draw(in: parts[3], of: &frame, look)
    TextField("what is in the picture?").draw(in: parts[4], of: &frame, look)
  }
}

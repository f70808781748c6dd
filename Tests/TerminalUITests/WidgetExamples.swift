import TerminalUI

/// One of every widget, with text that is awkward to draw.
struct WidgetExamples {
  let look: Appearance

  var all: [any Widget] { text + plots }

  private var text: [any Widget] {
    let style = look.theme.text
    let cells = (0..<9).map { [Span("文字 \($0)", style), Span("x", style)] }
    return [
      Table(columns: [.init("中文"), .init("b", .trailing)], rows: cells, selected: 8), ListView(cells, selected: 5),
      Tabs(["Image", "文字"], selected: 1), ScrollBar(visible: 2..<5, count: 9),
      ProgressBar(label: "MGVQ 中", fraction: 0.3, text: "1 s"), ProgressBar(label: "MGVQ 中", fraction: nil),
      Dialog(title: "中文", content: Size(width: 9, height: 3)), Banner("untrained 中"),
      StatusLine(message: [Span("中 x", style)], hints: [.init("q", "quit", 1)]), TextField("中文 text"),
    ]
  }

  private var plots: [any Widget] {
    let rows = (0..<6).map { Bars.Row(label: "中 \($0)", value: Double($0), text: "\($0)", isMarked: $0 == 1) }
    return [
      Bars(rows, maximum: 5, reference: 2), Curve([0, 1, 2, .nan], range: 0...2, reference: 1, marked: 2),
      MapLegend(map: .cividis, low: "中", high: "1"),
    ]
  }
}

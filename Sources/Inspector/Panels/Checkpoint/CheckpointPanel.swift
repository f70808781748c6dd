import Statistics
import TerminalUI

extension Canvas {
  /// Name, size and configuration in short, then every tensor.
  mutating func drawCheckpoint(_ state: InspectorState, in rect: Rect) {
    guard let checkpoint = state.checkpoint else {
      paragraph(state.checkpointReport.notes.joined(separator: " "), in: rect, style: look.theme.dim)
      return
    }
    let problems = checkpoint.problems == 0 ? "" : ", \(checkpoint.problems) not ok"
    line(
      "\(checkpoint.name): \(Format.integer(checkpoint.rows.count)) tensors, \(Format.bytes(checkpoint.byteCount))\(problems)",
      in: rect, style: checkpoint.problems == 0 ? look.theme.title : look.theme.bad)
    var room = rect.dropping(top: 1)
    if room.height >= 8 {
      let facts = checkpoint.facts.map { "\($0.name) \($0.value)" }.joined(separator: " · ")
      let used = paragraph(
        facts, in: Rect(x: room.x, y: room.y, width: room.width, height: min(3, room.height / 4)), style: look.theme.dim
      )
      room = room.dropping(top: used)
    }
    let wide = room.width >= 70
    let columns =
      [
        Table.Column("name", width: .fill, keepsEnd: true), Table.Column("shape", width: .fixed(16)),
        Table.Column("dtype", width: .fixed(5)),
      ]
      + (wide ? [Table.Column("bytes", .trailing, width: .fixed(10))] : [])
      + [Table.Column("status", width: .fixed(wide ? 14 : 7))]
    let rows = checkpoint.rows.map { row -> [Span] in
      let style = row.isProblem ? look.theme.bad : row.status == "ok" ? look.theme.text : look.theme.dim
      let cells =
        [row.name, Format.shape(row.shape), row.dtype] + (wide ? [Format.bytes(row.byteCount)] : []) + [row.status]
      return cells.map { Span($0, style) }
    }
    let table = Table(columns: columns, rows: rows, selected: rows.isEmpty ? nil : state.tensorRow)
    hits.add(table.draw(in: room, of: &frame, look)) { .tensor($0) }
  }
}

extension InspectorState {
  var checkpointReport: PanelReport {
    var report = PanelReport(.checkpoint)
    guard let checkpoint else {
      report.notes = [
        capabilities.runsModel ? "The checkpoint is not listed yet." : "This trace was opened without its checkpoint."
      ]
      return report
    }
    report.add("checkpoint", checkpoint.name)
    report.add("tensors", .integer(checkpoint.rows.count))
    report.add("bytes", Format.bytes(checkpoint.byteCount))
    report.add("problems", .integer(checkpoint.problems))
    for fact in checkpoint.facts { report.add(fact.name, fact.value) }
    report.tables = [
      .init(
        "tensors", columns: ["name", "shape", "dtype", "bytes", "status"],
        rows: checkpoint.rows.map {
          [.text($0.name), .text(Format.shape($0.shape)), .text($0.dtype), .integer($0.byteCount), .text($0.status)]
        })
    ]
    return report
  }
}

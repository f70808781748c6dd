import Statistics

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

import Evidence
import Inspector
import Tensor
import Testing

@Suite("Two checkpoints on the Checkpoint panel")
struct DiffReportTests {
  private func row(_ name: String, _ a: [Float], _ b: [Float]) -> CheckpointDiff.Row {
    func stored(_ values: [Float]) -> StoredTensor {
      StoredTensor(name: name, tensor: Tensor(shape: [values.count], values: values))
    }
    let change = TensorChange(stored(a), stored(b), check: {})
    return .init(
      name: name, status: change.isEqual ? .equal : .changed, shape: [a.count], dtypes: ["F32", "F32"], change: change)
  }

  private var diff: CheckpointDiff {
    CheckpointDiff(
      first: "before", second: "after",
      rows: [
        row("little", [3, 4], [3, 4.5]), row("much", [3, 4], [-3, -4]), row("same", [1], [1]),
        .init(name: "new", status: .onlySecond, shape: [2, 3], dtypes: ["BF16"]), row("from zero", [0, 0], [1, .nan]),
      ])
  }

  @Test("Tensors are counted by what became of them, and stand with the most changed first")
  func order() throws {
    let report = diff.report()
    #expect(report.panel == "checkpoint" && report[fact: "changed"] == .integer(3))
    #expect(report[fact: "only in the second"] == .integer(1) && report[fact: "only in the first"] == nil)
    let table = try #require(report.tables.first)
    #expect(table.rows.map { $0[1].plain } == ["new", "from zero", "much", "little"])
    #expect(table.rows[2][4] == .number(2) && table.rows[3][5] == .number(0.5) && table.rows[3][6] == .integer(1))
    #expect(table.rows[1][4] == .missing && table.rows[1][7] == .integer(1) && table.rows[0][4] == .missing)
    #expect(diff.report(listsEqual: true).tables[0].rows.map { $0[1].plain }.last == "same")
    #expect(ReportText.json([report]).contains("\"only in the second\""))
  }

  @Test("Equal checkpoints have no table and say so")
  func equal() {
    let report = CheckpointDiff(first: "a", second: "a", rows: [row("same", [1], [1])]).report()
    #expect(report.tables.isEmpty && report.notes == ["Every tensor is in both with the same values."])
  }
}

import Foundation
import TestSupport
import Testing

/// Checkpoints whose answer is known by construction, through the whole program.
@Suite("The verdict on models whose answer is known")
struct ConstructedModelTests {
  private func verdict(_ checkpoint: ConstructedCheckpoint) throws -> [String: Any] {
    let folder = try TemporaryFolder()
    try checkpoint.write(to: folder.path("model"), tokenizer: ParityCase.directory + "/tokenizer.model")
    let pictures = try ConstructedCheckpoint.writePictures(8, to: folder.root)
    let result = try Program.run(
      ["verify"] + pictures + ["--model", folder.path("model"), "--prompt", "what", "--format", "json"])
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private func words(_ report: [String: Any]) -> [String] {
    ["attends", "contributes", "causes"].map { (report[$0] as? [String: Any])?["verdict"] as? String ?? "" }
  }

  private func sentences(_ report: [String: Any]) -> String {
    ["attends", "contributes", "causes"].map { "\((report[$0] as? [String: Any])?["sentence"] ?? "")" }
      .joined(separator: " | ")
  }

  private func passed(_ report: [String: Any], _ control: String) -> Bool? {
    (report["controls"] as? [String: [String: Any]])?[control]?["passed"] as? Bool
  }

  @Test("One that attends to the anchors and uses them is yes three times, and every control but blank pictures passes")
  func uses() throws {
    let report = try verdict(.uses)
    #expect(words(report) == ["yes", "yes", "yes"], "\(sentences(report))")
    #expect(["order", "content", "random_weights"].allSatisfy { passed(report, $0) == true })
    #expect(report["anecdote"] as? Bool == true)
    let effect = try #require((report["attends"] as? [String: Any])?["effect"] as? Double)
    #expect(abs(log(effect) - 2.5) < 0.3, "\(effect)")
  }

  @Test("One that attends to the anchors and ignores what they hold attends, but neither contributes nor causes")
  func sink() throws {
    let report = try verdict(.sink)
    #expect(words(report) == ["yes", "no", "no"], "\(sentences(report))")
    #expect((report["conclusion"] as? String)?.contains("attends but not causal") == true)
    #expect(passed(report, "content") == false)
  }

  @Test("One that looks at patches only is no three times")
  func patchesOnly() throws {
    let report = try verdict(.patchesOnly)
    #expect(words(report) == ["no", "no", "no"], "\(sentences(report))")
  }

  @Test("One that looks at what stands first does not attend to the anchors, though their share is large")
  func position() throws {
    let report = try verdict(.position)
    #expect(words(report).dropLast() == ["no", "no"] && words(report)[2] != "yes", "\(sentences(report))")
    let effect = try #require((report["attends"] as? [String: Any])?["effect"] as? Double)
    #expect(effect > 3, "\(effect)")
    #expect((report["conclusion"] as? String)?.contains("where the anchors stand") == true)
    #expect(passed(report, "order") == false)
  }
}

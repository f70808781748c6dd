import Foundation
import Safetensors
import Tensor
import TestSupport
import Testing

@Suite("Two checkpoints compared")
struct DiffTests {
  private func file(_ folder: TemporaryFolder, _ name: String, _ tensors: [String: Tensor]) throws -> String {
    let path = folder.path(name)
    try SafetensorsWriter.write(tensors.map { SafetensorsEntry($0.key, $0.value) }, metadata: [:], to: path)
    return path
  }

  @Test("Equal checkpoints are code 0, different ones 1 with what differs, and what cannot be read 2")
  func codes() throws {
    let folder = try TemporaryFolder()
    let row = Tensor(shape: [2], values: [3, 4])
    let a = try file(folder, "a.safetensors", ["same": row, "moved": row, "gone": row, "wide": row])
    let b = try file(
      folder, "b.safetensors",
      ["same": row, "moved": Tensor(shape: [2], values: [3, 4.5]), "new\u{1B}[31m": row, "wide": .zeros([3, 1])])
    #expect(try Program.run(["diff", a, a]).status == 0)
    let different = try Program.run(["diff", a, b])
    #expect(different.status == 1)
    #expect(different.output.contains("changed") && different.output.contains("relative 0.1, largest 0.5, 1 elements"))
    let lines = different.output.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("only in the first") && $0.contains(" gone ") })
    #expect(lines.contains { $0.hasPrefix("only in the second") && $0.contains(" new") })
    #expect(!different.output.contains("same") && !different.output.contains("\u{1B}"))
    #expect(different.output.contains("1 equal, 1 changed, 1 incomparable, 1 only in the first, 1 only in the second"))
    #expect(different.output.contains("wide  F32 [2] → [3, 1]"), "\(different.output)")
    let missing = try Program.run(["diff", a, folder.path("no.safetensors")])
    #expect(missing.status == 2 && missing.errors.contains("no.safetensors"))

    let json = try Program.run(["diff", a, b, "--format", "json"])
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let rows = try #require(document["rows"] as? [[String: Any]])
    #expect(rows.count == 5 && json.status == 1)
    #expect(rows.first { $0["name"] as? String == "wide" }?["other_shape"] as? [Int] == [3, 1])
    #expect((rows.first { $0["name"] as? String == "moved" }?["change"] as? [String: Any])?["non_finite"] as? Int == 0)
  }
}

import Foundation
import Testing

@testable import Evaluation

@Suite("The bundled questions")
struct BundledQuestionsTests {
  private static let assets = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("assets")

  @Test("At least 500 questions in at least seven families, each with its picture and credits")
  func complete() throws {
    let folder = Self.assets.appendingPathComponent("evaluation")
    let set = try QuestionSet(.llava, path: folder.appendingPathComponent("questions.jsonl").path)
    #expect(set.questions.count >= 500)
    #expect(Set(set.questions.map(\.category)).count >= 7)
    for picture in Set(set.questions.map(\.image.key)) {
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(picture).path), "\(picture)")
    }
    #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("CREDITS.md").path))
  }

  @Test("Checkpoint, pictures and questions stay under 64 MiB together")
  func size() throws {
    var bytes = 0
    for folder in ["models", "images", "evaluation"] {
      let root = Self.assets.appendingPathComponent(folder)
      let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
      for name in names {
        let attributes = try FileManager.default.attributesOfItem(atPath: root.appendingPathComponent(name).path)
        if attributes[.type] as? FileAttributeType == .typeRegular { bytes += attributes[.size] as? Int ?? 0 }
      }
    }
    #expect(bytes > 1 << 20 && bytes < 64 << 20, "\(bytes) bytes")
  }
}

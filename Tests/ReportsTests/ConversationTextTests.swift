import Evidence
import Reports
import Testing
import Trace

@Suite("A conversation as it is printed")
struct ConversationTextTests {
  private let facts = CompressionFacts(
    modelName: "m", configSHA256: "", weightsSHA256: "", version: "test", shape: .llama7B,
    prompt: PromptShape(prefix: 1, visual: 580, voco: 1, text: 0), pattern: .star, bytesPerElement: 2,
    contextLength: nil, trainedSources: [.voco], untrainedParts: [], temperature: 0, seed: 0)

  private func token(_ id: Int, _ piece: String) -> TokenProbability {
    TokenProbability(id: id, piece: piece, probability: 0.5)
  }

  private func asked() -> ConversationText {
    var text = ConversationText()
    #expect(text.apply(.facts(facts)).isEmpty)
    let lines = text.apply(
      .asked(Exchange(number: 1, question: "what?", pictures: 1, keepsTurns: false, sources: [.full, .voco])))
    #expect(lines.first == "“what?”" && lines.last?.contains("580 tokens") == true)
    return text
  }

  @Test("A row is printed once every answer has reached it, and marked where the answers part")
  func rows() {
    var text = asked()
    #expect(text.apply(.token(.full, token(1, "▁a"), text: "a")).isEmpty)
    let row = text.apply(.token(.voco, token(1, "▁a"), text: "a"))
    #expect(row.count == 1 && row[0].hasPrefix("  1  ▁a 50") && !row[0].contains("≠"))
    #expect(text.apply(.token(.voco, token(2, "▁b"), text: "a b")).isEmpty)
    let parted = text.apply(.token(.full, token(3, "▁c"), text: "a c"))
    #expect(parted.count == 1 && parted[0].contains("▁b") && parted[0].contains("≠"))
  }

  @Test("An answer that has ended holds no row back; the last end prints the answers and what was not trained for")
  func outcomes() {
    var text = asked()
    _ = text.apply(.token(.full, token(1, "▁a"), text: "a"))
    _ = text.apply(.token(.voco, token(1, "▁a"), text: "a"))
    #expect(text.apply(.token(.full, token(0, "</s>"), text: "a")).isEmpty)
    #expect(text.apply(.ended(.full, stop: "endOfSequence", generationSeconds: 0)).isEmpty)
    #expect(text.apply(.token(.voco, token(2, "▁b"), text: "a b")).count == 1)
    _ = text.apply(.token(.voco, token(0, "</s>"), text: "a b"))
    let last = text.apply(.ended(.voco, stop: "endOfSequence", generationSeconds: 0))
    #expect(last.contains("580 tokens: a") && last.contains("1 <voco>: a b"))
    #expect(last.contains { $0.contains("part at token 2") } && last.last?.contains("trained") == true)
  }

  @Test("A loop is said once, where it begins")
  func loops() {
    var text = asked()
    var lines: [String] = []
    for _ in 0..<6 {
      for source in [VisualSource.full, .voco] { lines += text.apply(.token(source, token(1, "▁a"), text: "a")) }
    }
    #expect(lines.count == 3 && lines[2].contains("the same again"))
  }
}

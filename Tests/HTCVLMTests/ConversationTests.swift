import Foundation
import HTCVLM
import Tensor
import TestSupport
import Testing
import Tokenization
import Trace

/// What the reference implementation answers from each source.
struct RecordedAnswer: Decodable {
  let tokenIDs: [Int32]
  let probabilities: [Float]
  let logits: [Float]

  enum CodingKeys: String, CodingKey {
    case tokenIDs = "token_ids"
    case probabilities, logits
  }

  static func of(_ parity: ParityCase) throws -> [String: RecordedAnswer] {
    try JSONDecoder().decode([String: RecordedAnswer].self, from: Data(parity.text("answers.json").utf8))
  }
}

@Suite("Answers against the reference implementation")
struct AnswerParityTests {
  @Test("From all tokens, from voco and from none, every token is the reference's", arguments: ParityCase.all)
  func tokens(_ parity: ParityCase) throws {
    let (model, recorded) = (try parity.model(), try RecordedAnswer.of(parity))
    let cache = try parity.cache(model)
    for source in VisualSource.allCases {
      let expected = try #require(recorded[source.rawValue])
      let answer = try model.answer(
        try parity.text("prompt.txt"), from: cache, source: source, options: GenerationOptions(maxNewTokens: 8))
      #expect(answer.tokenIDs == expected.tokenIDs, "\(source)")
      expectClose(
        Tensor(shape: [8], values: padded(answer.probabilities)),
        Tensor(shape: [8], values: padded(expected.probabilities)))
      let count = expected.logits.count
      expectClose(
        Tensor(shape: [count], values: Array(answer.logits.values.prefix(count))),
        Tensor(shape: [count], values: expected.logits))
    }
  }

  private func padded(_ values: [Float]) -> [Float] { values + [Float](repeating: 0, count: 8 - values.count) }
}

@Suite("Conversations")
struct ConversationTests {
  private let configuration: HTCVLMConfiguration
  private let tensors: [String: StoredTensor]
  private let model: HTCVLMModel
  private let cache: VisualCache
  private let other: VisualCache
  private let options = GenerationOptions(maxNewTokens: 3)

  init() throws {
    // No token ends the answer, so that every turn has the same length.
    configuration = try SyntheticModel.configuration([
      "sequence": ["bos", "anchors", "patches", "newline", "voco", "newline", "text"], "eos_token_id": 429,
    ])
    tensors = try SyntheticModel.tensors(configuration)
    model = try SyntheticModel.model(configuration, tensors: tensors)
    cache = try model.compress(try model.encode(SyntheticModel.picture()))
    other = try model.compress(try model.encode(SyntheticModel.picture(shade: 99)))
  }

  private func finished(_ question: String, _ conversation: Conversation) throws -> ConversationTurn {
    var turn = try model.ask(question, in: conversation, options: options)
    while try turn.next() != nil {}
    return turn
  }

  @Test("The first question is answered as outside of a conversation", arguments: VisualSource.allCases)
  func first(_ source: VisualSource) throws {
    let turn = try finished("where is it", try model.conversation(on: cache, source: source))
    let answer = try model.answer("where is it", from: cache, source: source, options: options)
    #expect(turn.logits == answer.logits)
    #expect(turn.stream.tokenIDs == answer.tokenIDs)
    #expect(turn.stream.probabilities == answer.probabilities)
    #expect(turn.reusedRows == answer.prefixRows)
  }

  @Test("From voco, a question reuses one row a voco token and computes its own tokens")
  func rows() throws {
    let conversation = try model.conversation(on: cache, source: .voco)
    #expect(conversation.rows == 1)
    #expect(conversation.byteCount == configuration.keyValueBytes(rows: 1))
    let turn = try finished("where is it", conversation)
    // The newline after voco belongs to the text.
    #expect(turn.computedRows == turn.promptTokenIDs.count + 1)
    let full = try model.conversation(on: cache, source: .full)
    #expect(full.byteCount == configuration.keyValueBytes(rows: full.rows))
    #expect(full.rows == 1 + 3 + 9 + 1 + 1 + 1)
  }

  @Test("A kept turn is what one long text with both questions and the answer gives", arguments: VisualSource.allCases)
  func kept(_ source: VisualSource) throws {
    let start = try model.conversation(on: cache, source: source)
    let first = try finished("where is it", start)
    let second = try finished("is it red", first.kept)
    let sequence = try model.sequence(
      cache.visual, text: first.promptTokenIDs + first.stream.tokenIDs + second.promptTokenIDs)
    let hidden = Set(
      sequence.positions(of: .anchors) + sequence.positions(of: .patches) + sequence.positions(of: .voco))
    let dense = DenseReference(configuration: configuration, tensors: tensors).run(
      sequence.embeddings,
      allows: { edge in
        switch source {
        case .full: true
        case .voco: sequence.allows(row: edge.row, column: edge.column)
        case .none: edge.row == edge.column || !hidden.contains(edge.column)
        }
      })
    expectClose(second.logits, dense.logits[row: sequence.length - 1])
  }

  @Test("A later picture's voco is what its own sequence gives when it is placed after the text")
  func rebased() throws {
    let question = try model.tokenize("is it red")
    let (first, second) = (
      try model.sequence(cache.visual, text: []), try model.sequence(other.visual, text: question)
    )
    let (start, voco) = (first.length, second.positions(of: .voco)[0])
    // The second picture's rows stand before its voco, over positions that the first one's have as well.
    let positions = Array(0..<start) + (0..<second.length).map { start - voco + $0 }
    let shared = first.positions(of: .voco) + [first.length - 1]
    let dense = DenseReference(configuration: configuration, tensors: tensors).run(
      Tensor.concatenate([first.embeddings, second.embeddings]), positions: positions,
      allows: { edge in
        if edge.row < start { return edge.column < start && first.allows(row: edge.row, column: edge.column) }
        if edge.column >= start { return second.allows(row: edge.row - start, column: edge.column - start) }
        return edge.row - start > voco && shared.contains(edge.column)
      })
    let both = try model.adding(other, to: try model.conversation(on: cache, source: .voco))
    let turn = try model.ask("is it red", in: both)
    expectClose(turn.logits, dense.logits[row: start + second.length - 1])
  }

  @Test("Each further picture takes one row and one position a voco token, and changes the answer")
  func pictures() throws {
    let one = try model.conversation(on: cache, source: .voco)
    let two = try model.adding(other, to: one)
    // The first picture's newline was pending and is in the rows now.
    #expect(two.rows == one.rows + 2)
    #expect(two.position == one.position + 2)
    #expect(two.pictures == 2)
    let (before, after) = (try finished("is it red", one), try finished("is it red", two))
    #expect(before.logits != after.logits)
    let full = try model.conversation(on: cache, source: .full)
    #expect(try model.adding(other, to: full).rows == 2 * full.rows)
    let blind = try model.conversation(on: cache, source: .none)
    #expect(try model.adding(other, to: blind).rows == blind.rows)
  }

  @Test("What does not fit max_position_embeddings is refused with the numbers")
  func tooLong() throws {
    let short = try SyntheticModel.configuration(["max_position_embeddings": 40])
    let model = try SyntheticModel.model(short)
    let cache = try model.compress(try model.encode(SyntheticModel.picture()))
    let full = try model.conversation(on: cache, source: .full)
    let twice = try model.adding(cache, to: full)
    let error = #expect(throws: ModelError.self) { try model.adding(cache, to: twice) }
    #expect(error == .conversationTooLong(used: 28, adding: 14, limit: 40))
    #expect(error?.description.contains("28 positions") == true)
    var voco = try model.conversation(on: cache, source: .voco)
    for _ in 0..<20 { voco = try model.adding(cache, to: voco) }
    #expect(voco.position == 34)
  }

  @Test("A cancelled answer stops before its next token")
  func cancelled() throws {
    var turn = try model.ask("where is it", in: try model.conversation(on: cache, source: .voco), options: options)
    _ = try turn.next()
    let flag = CancellationFlag()
    flag.cancel()
    #expect(throws: CancellationError.self) { try turn.next(RunContext(cancellation: flag)) }
  }
}

import HTCVLM
import Tensor
import TestSupport
import Testing
import Tokenization
import Trace

@Suite("Answers")
struct AnswerTests {
  private let configuration: HTCVLMConfiguration
  private let tensors: [String: StoredTensor]
  private let model: HTCVLMModel
  private let cache: VisualCache

  init() throws {
    configuration = try SyntheticModel.configuration([
      "sequence": ["bos", "anchors", "patches", "newline", "voco", "newline", "text"]
    ])
    tensors = try SyntheticModel.tensors(configuration)
    model = try SyntheticModel.model(configuration, tensors: tensors)
    cache = try model.compress(try model.encode(SyntheticModel.picture()))
  }

  private func answer(_ source: VisualSource, _ options: GenerationOptions) throws -> Answer {
    try model.answer("where is it", from: cache, source: source, options: options)
  }

  @Test("From full, every row sees all before it")
  func full() throws {
    let answer = try answer(.full, GenerationOptions(maxNewTokens: 3))
    let sequence = try model.sequence(cache.visual, text: answer.promptTokenIDs)
    let embedding = try #require(tensors["model.embed_tokens.weight"])
    let dense = DenseReference(configuration: configuration, tensors: tensors).run(
      Tensor.concatenate([sequence.embeddings, embedding.rows(answer.tokenIDs.map(Int.init))]), allows: { _ in true })
    expectClose(answer.logits, dense.logits[row: sequence.length - 1])
    for (index, id) in answer.tokenIDs.enumerated() {
      let logits = dense.logits[row: sequence.length - 1 + index].values
      #expect(Int(id) == logits.indices.reduce(0) { logits[$1] > logits[$0] ? $1 : $0 })
    }
    #expect(answer.prefixRows == sequence.positions(of: .text)[0])
  }

  @Test("From none, the text sees no visual and no voco key, at the positions it has with them")
  func blind() throws {
    let answer = try answer(.none, GenerationOptions(maxNewTokens: 1))
    let sequence = try model.sequence(cache.visual, text: answer.promptTokenIDs)
    let hidden = Set(
      sequence.positions(of: .anchors) + sequence.positions(of: .patches) + sequence.positions(of: .voco))
    let dense = DenseReference(configuration: configuration, tensors: tensors).run(
      sequence.embeddings, allows: { $0.column == $0.row || !hidden.contains($0.column) })
    expectClose(answer.logits, dense.logits[row: sequence.length - 1])
    let other = try model.compress(try model.encode(SyntheticModel.picture(shade: 99)))
    let same = try model.answer(
      "where is it", from: other, source: VisualSource.none, options: GenerationOptions(maxNewTokens: 1))
    #expect(same.logits == answer.logits)
  }

  @Test("Rows of text have the weights of the answer's run, and keys their lengths as voco's have")
  func textRows() throws {
    let configuration = try SyntheticModel.configuration(["visual_mask": "causal"])
    let model = try SyntheticModel.model(configuration, tensors: try SyntheticModel.tensors(configuration))
    let cache = try model.compress(try model.encode(SyntheticModel.picture()))
    let text = try model.textAttention("where is it", answer: [5, 6], from: cache, source: .full)
    let (length, keys) = (text.columns.count, cache.keys)
    #expect(text.positions.count == text.pieces.count && text.columns == Array(0..<length))
    let rows = text.rows(of: text.positions.count - 1, length: length)
    let norms = try #require(text.norms(length: length))
    #expect(norms.shape == rows.shape)
    for row in 0..<rows.shape[0] * rows.shape[1] {
      #expect(abs(rows.values[row * length..<(row + 1) * length].reduce(0, +) - 1) < 1e-5)
    }
    // Under the causal mask what stands before voco is the same from full as from voco.
    let reference = model.valueNorms(cache)
    let before = cache.contextPositions.count
    for row in 0..<rows.shape[0] * rows.shape[1] {
      for key in 0..<before {
        let (found, expected) = (norms.values[row * length + key], reference.values[row * keys + key])
        #expect(abs(found - expected) < 1e-4 * max(1, expected))
      }
      #expect(norms.values[(row + 1) * length - 1] > 0)
    }
  }

  @Test("A second question from full reuses the picture's rows and answers the same")
  func fullTwice() throws {
    let first = try answer(.full, GenerationOptions(maxNewTokens: 3))
    _ = try model.answer("is it red", from: cache, source: .full, options: GenerationOptions(maxNewTokens: 1))
    let second = try answer(.full, GenerationOptions(maxNewTokens: 3))
    #expect(first.logits == second.logits)
    #expect(first.tokenIDs == second.tokenIDs)
  }

  @Test("The same seed draws the same tokens, other seeds draw others")
  func sampling() throws {
    func draw(_ seed: UInt64) throws -> [Int32] {
      try answer(.voco, GenerationOptions(maxNewTokens: 6, temperature: 2, topP: 0.95, seed: seed)).tokenIDs
    }
    #expect(try draw(1) == draw(1))
    #expect(try Set((1...5).map(draw)).count > 1)
  }

  @Test("A nucleus of one token, or almost no temperature, is greedy")
  func greedyLimits() throws {
    let greedy = try answer(.voco, GenerationOptions(maxNewTokens: 4)).tokenIDs
    #expect(
      try answer(.voco, GenerationOptions(maxNewTokens: 4, temperature: 1, topP: 1e-6, seed: 9)).tokenIDs == greedy)
    #expect(try answer(.voco, GenerationOptions(maxNewTokens: 4, temperature: 1e-4, seed: 9)).tokenIDs == greedy)
  }

  @Test("Draws follow the tempered probabilities of the nucleus")
  func frequencies() throws {
    let answers = try (0..<300).map { seed in
      try answer(.voco, GenerationOptions(maxNewTokens: 1, temperature: 0.7, topP: 0.3, seed: UInt64(seed)))
    }
    let scaled = Tensor(shape: [1, answers[0].logits.count], values: answers[0].logits.values.map { $0 / 0.7 })
    let probabilities = softmaxRows(scaled).values
    var nucleus: [Int] = []
    var mass: Float = 0
    for id in probabilities.indices.sorted(by: { probabilities[$0] > probabilities[$1] }) where mass < 0.3 {
      nucleus.append(id)
      mass += probabilities[id]
    }
    #expect(answers.allSatisfy { nucleus.contains(Int($0.tokenIDs[0])) })
    let best = answers.filter { Int($0.tokenIDs[0]) == nucleus[0] }.count
    let expected = 300 * probabilities[nucleus[0]] / mass
    #expect(abs(Float(best) - expected) < 5 * (expected * (1 - expected / 300)).squareRoot() + 1)
  }

  @Test("Each token's probability is the model's at temperature 1")
  func probabilities() throws {
    let answer = try answer(.voco, GenerationOptions(maxNewTokens: 1, temperature: 3, seed: 4))
    let plain = softmaxRows(answer.logits.reshaped([1, answer.logits.count])).values
    #expect(abs(answer.probabilities[0] - plain[Int(answer.tokenIDs[0])]) < 1e-6)
  }

  @Test("The continuation ends at the end-of-sequence token, which its text leaves out")
  func endOfSequence() throws {
    let greedy = try answer(.voco, GenerationOptions(maxNewTokens: 4))
    let ending = try SyntheticModel.configuration([
      "sequence": configuration.sequence.map(\.rawValue), "eos_token_id": Int(greedy.tokenIDs[1]),
    ])
    let other = try SyntheticModel.model(ending, tensors: tensors)
    let cache = try other.compress(try other.encode(SyntheticModel.picture()))
    let first = greedy.tokenIDs[0] == greedy.tokenIDs[1] ? 0 : 1
    let answer = try other.answer("where is it", from: cache, options: GenerationOptions(maxNewTokens: 4))
    #expect(answer.tokenIDs == Array(greedy.tokenIDs[...first]))
    #expect(answer.stop == .endOfSequence)
    #expect(answer.text == model.tokenizer.decode(Array(greedy.tokenIDs[..<first])))
    #expect(greedy.stop == .maxNewTokens)
  }

  @Test("A continuation stops where max_position_embeddings ends")
  func positionsRunOut() throws {
    let length = try model.sequence(cache.visual, text: try model.tokenize("where is it")).length
    let short = try SyntheticModel.configuration([
      "sequence": configuration.sequence.map(\.rawValue), "max_position_embeddings": length + 2, "eos_token_id": 429,
    ])
    let other = try SyntheticModel.model(short, tensors: tensors)
    let cache = try other.compress(try other.encode(SyntheticModel.picture()))
    let answer = try other.answer("where is it", from: cache, options: GenerationOptions(maxNewTokens: 20))
    #expect(answer.stop == .positions)
    #expect(answer.tokenIDs.count == 3)
  }

  @Test("A prompt that does not fit is refused with the numbers")
  func promptTooLong() throws {
    let short = try SyntheticModel.configuration(["max_position_embeddings": 40])
    let other = try SyntheticModel.model(short)
    let prompt = String(repeating: "where is it ", count: 20)
    let error = #expect(throws: ModelError.self) { try other.tokenize(prompt) }
    guard case .promptTooLong(let tokens, let length, let limit) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(length == tokens + 14 && limit == 40)
    #expect(error?.description.contains("\(tokens) tokens") == true)
  }

  @Test("A prompt that is empty in an empty template is refused")
  func emptyPrompt() throws {
    #expect(throws: ModelError.emptyPrompt) { try model.tokenize("") }
  }

  @Test("Special tokens never come from the prompt's text")
  func noSpecialTokens() throws {
    let ids = try model.tokenize("</s><voco><s>")
    #expect(!ids.contains(1) && !ids.contains(2) && !ids.contains(425))
  }

  @Test("Tokens arrive one by one with the text so far")
  func streaming() throws {
    var seen: [GeneratedToken] = []
    let answer = try model.answer(
      "where is it", from: cache, options: GenerationOptions(maxNewTokens: 5), onToken: { seen.append($0) })
    #expect(seen.map(\.id) == answer.tokenIDs)
    #expect(seen.map(\.probability) == answer.probabilities)
    #expect(zip(seen, seen.dropFirst()).allSatisfy { $1.text.hasPrefix($0.text) })
  }
}

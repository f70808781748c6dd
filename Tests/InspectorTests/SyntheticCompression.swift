import Evidence
import Inspector
import Trace

/// A conversation that never was; its words and times are fixed.
enum SyntheticCompression {
  static let facts = CompressionFacts(
    modelName: "htc-demo", configSHA256: "11", weightsSHA256: "22", version: "1",
    shape: DecoderShape(
      layers: 4, hiddenSize: 192, intermediateSize: 512, heads: 6, keyValueHeads: 6, headDim: 32, vocabularySize: 1601),
    prompt: PromptShape(prefix: 1, visual: 580, voco: 1, text: 0), pattern: .star, bytesPerElement: 4,
    contextLength: 1024, trainedSources: [.voco], untrainedParts: [], temperature: 0, seed: 0)

  static let picture = ConversationPicture(
    name: "scene-2.png", sha256: "33", seconds: [.full: 0.0612, .voco: 0.0341, .none: 0.00021],
    rows: [.full: 582, .voco: 1, .none: 1], bytes: [.full: 3_575_808, .voco: 6144, .none: 6144])

  static let second = ConversationPicture(
    name: "cat.jpg", sha256: "44", seconds: [.voco: 0.0339, .none: 0], rows: [.voco: 1, .none: 0],
    bytes: [.voco: 6144, .none: 0], refusals: [.full: "the conversation holds 591 positions and this adds 582"])

  /// A question whose answers are the given words.
  static func asked(_ number: Int, _ question: String, _ answers: [VisualSource: [(String, Double)]])
    -> [CompressionEvent]
  {
    let sources = VisualSource.allCases
    var events: [CompressionEvent] = [
      .asked(Exchange(number: number, question: question, pictures: 1, keepsTurns: false, sources: sources))
    ]
    for source in sources {
      let rows = source == .full ? 582 : 1
      events.append(
        .prompted(
          source,
          QuestionCost(
            reusedRows: rows, reusedBytes: rows * 6144, computedRows: 9, promptTokens: 9,
            seconds: source == .full ? 0.0117 : 0.0062, position: 591)))
    }
    for index in 0..<(answers.values.map(\.count).max() ?? 0) {
      for source in sources {
        guard let answer = answers[source], answer.indices.contains(index) else { continue }
        let text = answer[...index].map(\.0).filter { $0 != "</s>" }.joined().replacing("▁", with: " ").dropFirst()
        let id = answer[index].0.unicodeScalars.reduce(0) { ($0 * 31 + Int($1.value)) % 1601 }
        events.append(
          .token(
            source, TokenProbability(id: id, piece: answer[index].0, probability: answer[index].1), text: String(text)))
      }
    }
    return events
      + sources.map { .ended($0, stop: "endOfSequence", generationSeconds: $0 == .full ? 0.0052 : 0.0019) }
  }

  static let families: [CompressionEvent] = [
    .familiesStarted(2),
    .family(
      FamilyAnswer(
        family: "count", question: "how many objects do you see?", right: "two",
        answers: [
          .init(source: .full, text: "one", probability: 0.41), .init(source: .voco, text: "two", probability: 0.996),
          .init(source: .none, text: "three", probability: 0.35),
        ])),
    .family(
      FamilyAnswer(
        family: "colour", question: "what colour is the crab?", right: "cyan",
        answers: [
          .init(source: .full, text: "red", probability: 0.22), .init(source: .voco, text: "red", probability: 0.4),
          .init(source: .none, text: "pink", probability: 0.18),
        ])),
  ]

  static let events: [CompressionEvent] =
    [.facts(facts), .picture(picture)]
    + asked(
      1, "which object is in the middle?",
      [
        .full: [("▁fries", 0.4), ("▁and", 0.2), ("▁fries", 0.6), ("</s>", 0.5)],
        .voco: [("▁fries", 0.891), ("</s>", 0.9999)], .none: [("▁shark", 0.232), ("</s>", 1)],
      ])
    + [.picture(second)]
    + asked(
      2, "how many objects do you see?",
      [
        .full: [("▁two", 0.41), ("</s>", 0.8)], .voco: [("▁two", 0.996), ("</s>", 0.9999)],
        .none: [("▁three", 0.352), ("</s>", 1)],
      ]) + families
}

extension InspectorState {
  /// A state with the conversation in it, at the panel.
  mutating func postCompression() {
    for event in SyntheticCompression.events { post(.compression(event)) }
    post(.compressionFinished)
  }
}

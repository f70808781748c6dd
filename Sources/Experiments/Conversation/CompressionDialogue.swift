import Evaluation
package import Evidence
import Foundation
package import HTCVLM
import Tokenization
package import Trace

/// A conversation held three times over: from all visual tokens, from voco and without a picture.
///
/// Values only; the caller decides on which thread it runs.
package struct CompressionDialogue {
  let model: HTCVLMModel
  /// Without voco in a model that has none.
  let sources: [VisualSource]
  let options: GenerationOptions
  /// What the calls that follow report to and obey.
  package var run: RunContext
  let report: @Sendable (CompressionEvent) -> Void

  /// What each source keeps of the pictures, or why it could not take one of them.
  private var pictures: [VisualSource: Thread] = [:]
  /// The same with the turns since the last question that started from the pictures alone.
  private var turns: [VisualSource: Thread] = [:]
  package private(set) var pictureCount = 0
  private var exchangeCount = 0
  package private(set) var latestQuestion: String?

  package var hasAsked: Bool { exchangeCount > 0 }

  private typealias Thread = Result<Conversation, ModelError>

  package init(
    _ model: HTCVLMModel, sources: [VisualSource], options: GenerationOptions, run: RunContext,
    report: @escaping @Sendable (CompressionEvent) -> Void
  ) {
    self.model = model
    self.sources = sources.filter { $0 != .voco || model.hasVoco }
    self.options = options
    self.run = run
    self.report = report
  }

  /// Takes a compressed picture in; `seconds` is what its compression took, where that was measured.
  package mutating func add(_ cache: VisualCache, name: String, sha256: String, seconds: Double?) throws {
    var times: [VisualSource: Double] = [:]
    var rows: [VisualSource: Int] = [:]
    var bytes: [VisualSource: Int] = [:]
    var refusals: [VisualSource: String] = [:]
    for source in sources {
      let alone = try extended(pictures[source], by: cache, source)
      let isFresh = exchangeCount == 0
      let after = isFresh ? alone : try extended(turns[source], by: cache, source)
      switch alone {
      case .success(let conversation):
        let before = try? pictures[source]?.get()
        times[source] = source == .voco ? seconds : conversation.prefixSeconds
        rows[source] = conversation.rows - (before?.rows ?? 0)
        bytes[source] = conversation.byteCount - (before?.byteCount ?? 0)
      case .failure(let error): refusals[source] = "\(error)"
      }
      (pictures[source], turns[source]) = (alone, after)
    }
    pictureCount += 1
    report(
      .picture(
        ConversationPicture(
          name: name, sha256: sha256, seconds: times, rows: rows, bytes: bytes, refusals: refusals)))
  }

  /// Compresses a picture and takes it in.
  package mutating func add(_ picture: PictureSource, encoded visual: VisualEncoding) throws -> VisualCache {
    let start = ContinuousClock.now
    let cache = try model.compress(visual, run: run)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    try add(cache, name: picture.name, sha256: picture.sha256, seconds: seconds)
    return cache
  }

  /// What `thread` is with one more picture; a thread that could not take one takes no other.
  private func extended(_ thread: Thread?, by cache: VisualCache, _ source: VisualSource) throws -> Thread {
    do {
      switch thread {
      case nil: return .success(try model.conversation(on: cache, source: source, run: run))
      case .success(let conversation)?: return .success(try model.adding(cache, to: conversation, run: run))
      case .failure(let error)?: return .failure(error)
      }
    } catch let error as ModelError where !error.isNotFinite {
      return .failure(error)
    }
  }

  /// Asks from every source at once: the answers advance token by token, side by side.
  ///
  /// Without `keepsTurns` the question starts from the pictures alone; the next one that keeps turns goes on from it.
  package mutating func ask(_ question: String, keepsTurns: Bool) throws {
    exchangeCount += 1
    latestQuestion = question
    report(
      .asked(
        Exchange(
          number: exchangeCount, question: question, pictures: pictureCount, keepsTurns: keepsTurns, sources: sources)))
    var under: [(source: VisualSource, turn: ConversationTurn)] = []
    for source in sources {
      guard let thread = (keepsTurns ? turns : pictures)[source] else { continue }
      do {
        let conversation = try thread.get()
        let turn = try model.ask(question, in: conversation, options: options, run: run)
        report(.prompted(source, QuestionCost(turn, conversation)))
        under.append((source, turn))
        if let stop = turn.stream.stop { report(.ended(source, stop: stop.rawValue, generationSeconds: 0)) }
      } catch let error as ModelError where !error.isNotFinite {
        report(.refused(source, "\(error)"))
      }
    }
    while under.contains(where: { $0.turn.stream.stop == nil }) {
      for index in under.indices {
        guard let token = try under[index].turn.next(run) else { continue }
        let (source, turn) = under[index]
        report(.token(source, TokenProbability(token, model.tokenizer), text: token.text))
        guard let stop = turn.stream.stop else { continue }
        report(.ended(source, stop: stop.rawValue, generationSeconds: turn.generationSeconds))
      }
    }
    for (source, turn) in under { turns[source] = .success(turn.kept) }
  }

  /// Asks each question on its own, about the first picture alone.
  package func families(_ questions: [FamilyQuestion], about cache: VisualCache) throws {
    report(.familiesStarted(questions.count))
    let bases = try sources.map { ($0, try model.conversation(on: cache, source: $0, run: run)) }
    var named = FamilyNames()
    // Families have short answers; a source that was never trained may go round in circles.
    let options = GenerationOptions(
      maxNewTokens: min(options.maxNewTokens, 16), temperature: options.temperature, topP: options.topP,
      seed: options.seed)
    for question in questions {
      guard let text = named.filled(question.text) else { continue }
      let columns = try bases.map { source, base in
        var turn = try model.ask(text, in: base, options: options, run: run)
        while try turn.next(run) != nil {}
        return FamilyAnswer.Column(
          source: source,
          text: model.tokenizer.decode(turn.stream.tokenIDs.filter { !model.configuration.eosTokenIDs.contains($0) })
            .trimmingCharacters(in: .whitespaces),
          probability: turn.stream.probabilities.reduce(1) { $0 * Double($1) })
      }
      named.learn(question, from: columns)
      report(.family(FamilyAnswer(family: question.family, question: text, right: question.right, answers: columns)))
    }
  }
}

extension QuestionCost {
  init(_ turn: ConversationTurn, _ before: Conversation) {
    self.init(
      reusedRows: turn.reusedRows, reusedBytes: before.byteCount, computedRows: turn.computedRows,
      promptTokens: turn.promptTokenIDs.count, seconds: turn.promptSeconds,
      position: before.position + turn.promptTokenIDs.count)
  }
}

extension TokenProbability {
  init(_ token: GeneratedToken, _ tokenizer: SentencePieceTokenizer) {
    self.init(
      id: Int(token.id), piece: tokenizer.piece(token.id), probability: Double(token.probability))
  }
}

extension CompressionFacts {
  /// What a checkpoint says of itself, and how it is asked.
  package init(_ pipeline: Pipeline, options: GenerationOptions) {
    let checkpoint = pipeline.checkpoint
    let configuration = checkpoint.configuration
    let kinds = configuration.sequence
    self.init(
      modelName: checkpoint.name, configSHA256: checkpoint.configSHA256, weightsSHA256: checkpoint.weightsSHA256,
      version: pipeline.version,
      shape: DecoderShape(
        layers: configuration.layers, hiddenSize: configuration.hiddenSize,
        intermediateSize: configuration.intermediateSize, heads: configuration.heads,
        keyValueHeads: configuration.keyValueHeads, headDim: configuration.headDim,
        vocabularySize: configuration.vocabularySize),
      prompt: PromptShape(
        prefix: pipeline.model.prefixTokens,
        visual: (kinds.contains(.anchors) ? configuration.anchorTokens : 0)
          + (kinds.contains(.patches) ? configuration.patches : 0) + (configuration.keepsCLS ? 1 : 0),
        voco: configuration.vocoTokens, text: 0),
      pattern: configuration.visualMask == .star ? .star : .voco, bytesPerElement: MemoryLayout<Float>.size,
      contextLength: configuration.maxPositionEmbeddings,
      trainedSources: configuration.trainedSources,
      untrainedParts: configuration.untrainedParts, temperature: Double(options.temperature), seed: options.seed)
  }
}

/// A question of a family, and the right answer where it is known.
package struct FamilyQuestion: Sendable {
  package let family: String
  /// May name what earlier answers named: `{object}`, `{other}`.
  package let text: String
  package let right: String?

  package init(family: String, text: String, right: String?) {
    self.family = family
    self.text = text
    self.right = right
  }

  /// The questions for the picture called `picture`: those that the file `own` has for it, else those of the file
  /// `general`, which fit any picture.
  package static func questions(for picture: String, own: String, general: String) throws -> [FamilyQuestion] {
    let known = try read(own) { $0 == picture }
    return known.isEmpty ? try read(general) { _ in true } : known
  }

  private static func read(_ path: String, where matches: (String) -> Bool) throws -> [FamilyQuestion] {
    try QuestionSet(.llava, path: path).questions.compactMap { question in
      guard case .file(let image) = question.image, matches(image) else { return nil }
      return FamilyQuestion(
        family: question.category, text: question.text, right: question.answers.first { !$0.isEmpty })
    }
  }
}

/// What answers have named so far, for questions about it.
struct FamilyNames {
  private var names: [String] = []
  /// The family of questions whose answer is a name.
  private static let naming = "which"

  /// The question with the names in it; nil while there are too few.
  func filled(_ text: String) -> String? {
    var text = text
    for (place, name) in ["{object}", "{other}"].enumerated() where text.contains(name) {
      guard names.indices.contains(place) else { return nil }
      text = text.replacingOccurrences(of: name, with: names[place])
    }
    return text
  }

  /// Voco's answers to the questions for an object are names.
  mutating func learn(_ question: FamilyQuestion, from columns: [FamilyAnswer.Column]) {
    guard question.family == Self.naming, let answer = columns.first(where: { $0.source == .voco }) ?? columns.first,
      !answer.text.isEmpty, !names.contains(answer.text)
    else { return }
    names.append(answer.text)
  }
}

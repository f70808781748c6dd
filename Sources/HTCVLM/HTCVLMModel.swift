import Files
import ImageLoading
package import Tensor
package import Tokenization
package import Trace
package import WeightFormats

/// HTC-VLM (arXiv 2512.08240): a picture as 576 continuous patches and 4 discrete anchors, compressed by a decoder into
/// the keys and values of one `<voco>` token, from which text is answered.
///
/// Weights are bound by their checkpoint keys and stay mapped; opening a model converts no large tensor.
package final class HTCVLMModel: Sendable {
  package let configuration: HTCVLMConfiguration
  package let precision: Precision
  package let tokenizer: SentencePieceTokenizer
  let preprocessor: ImagePreprocessor
  private let bound: BoundParts
  var vision: CLIPVisionTransformer { bound.vision }
  var projector: VisionProjector { bound.projector }
  var mgvq: MGVQTokenizer? { bound.mgvq }
  var anchorProjector: AnchorProjector? { bound.anchorProjector }
  var decoder: LlamaDecoder { bound.decoder }
  private let prompts: PromptEncoding
  /// What is at each position before voco, or before the prompt.
  private let context: [SegmentKind]
  private let weightFiles: [MappedFile]

  /// Binds the weights of a checkpoint.
  ///
  /// Throws `ModelError` naming the first tensor that is missing or misshapen, or the configuration's key that does not
  /// fit, and `TokenizerError` for the tokenizer's file.
  ///
  /// With `int8` the matrices in it stand in for the weights of the same keys.
  package convenience init(directory: CheckpointDirectory, int8: Int8Weights? = nil) throws {
    try self.init(
      configuration: directory.configuration, preprocessor: directory.preprocessor, tensors: directory.tensors,
      tokenizer: try SentencePieceTokenizer(path: directory.tokenizerPath), checkpoint: directory.path, int8: int8)
  }

  /// Binds `tensors`; errors call them `checkpoint`.
  package init(
    configuration: HTCVLMConfiguration, preprocessor: ImageProcessorConfiguration, tensors: [String: StoredTensor],
    tokenizer: SentencePieceTokenizer, checkpoint: String, int8: Int8Weights? = nil
  ) throws {
    self.configuration = configuration
    precision = int8 == nil ? .exact : .int8
    self.tokenizer = tokenizer
    let weights = WeightReader(tensors: tensors, checkpoint: checkpoint, quantized: int8?.matrices ?? [:])
    try Self.check(tokens: configuration, tokenizer)
    // Parts that are bound when they are first used are checked now.
    for expected in try Self.expectedTensors(configuration) where expected.required {
      _ = try weights.stored(expected.name, expected.shape)
    }
    self.preprocessor = ImagePreprocessor(
      imageSize: configuration.vision.imageSize, steps: preprocessor.steps,
      aspect: configuration.imageAspectRatio)
    bound = try BoundParts(weights, configuration)
    prompts = try PromptEncoding(configuration, tokenizer)
    let files = tensors.values.compactMap(\.file).map { (ObjectIdentifier($0), $0) }
    weightFiles = Array(Dictionary(files) { first, _ in first }.values)
    let layout = try SequenceLayout(
      order: configuration.sequence, parts: Self.parts(configuration, tokenizer, prompts, text: []),
      visualMask: configuration.visualMask)
    context = Array(layout.kinds[layout.context])
  }

  /// Drops the pages that the stages before the decoder have read: of a 7B model a gigabyte that nobody needs beside the
  /// decoder's own.
  func releaseWeightPages() {
    for file in weightFiles { file.releasePages() }
  }

  /// What a trace says of the model.
  package var description: ModelDescription {
    var description = configuration.modelDescription
    description.precision = .own(precision)
    return description
  }

  /// Every tensor that a checkpoint of this configuration has, with its shape; those that nothing reads, such as vision
  /// layers after the selected one, are not required.
  package static func expectedTensors(_ configuration: HTCVLMConfiguration) throws(ModelError) -> [ExpectedTensor] {
    let recorder = TensorRecorder()
    _ = try BoundParts(WeightReader(recording: recorder), configuration)
    return recorder.tensors
  }

  /// The keys of the matrices that `Precision.int8` holds as integers: the decoder's layers and its head, and the tower's
  /// layers that are run.
  package static func int8Keys(_ configuration: HTCVLMConfiguration) -> [String] {
    let recorder = TensorRecorder()
    let weights = WeightReader(recording: recorder)
    do {
      _ = try CLIPVisionTransformer(weights, configuration)
      _ = try LlamaDecoder(weights, configuration)
    } catch {
      preconditionFailure("a recording reader finds every tensor: \(error)")
    }
    return recorder.matrices
  }

  private static func check(
    tokens configuration: HTCVLMConfiguration, _ tokenizer: SentencePieceTokenizer
  ) throws(ModelError) {
    let vocabulary = configuration.vocabularySize
    guard tokenizer.vocabularySize <= vocabulary else {
      throw .configuration(
        key: "vocab_size", found: "\(vocabulary)",
        expected: "at least the tokenizer's \(tokenizer.vocabularySize) pieces")
    }
  }

  /// Whether there is a voco token to compress a picture into.
  package var hasVoco: Bool { configuration.vocoTokens > 0 }

  /// What the model was made to answer from: voco, or in a model without it everything.
  package var ownSource: VisualSource { hasVoco ? .voco : .full }

  /// Tokens of the sequence before voco, or before the prompt, that are of no picture.
  package var prefixTokens: Int { context.count { !$0.isVisual } }

  /// What the sequence's segments are filled with, for a picture and a tokenised prompt.
  func parts(text: [Int32]) -> SequenceLayout.Parts {
    Self.parts(configuration, tokenizer, prompts, text: text)
  }

  private static func parts(
    _ configuration: HTCVLMConfiguration, _ tokenizer: SentencePieceTokenizer, _ prompts: PromptEncoding, text: [Int32]
  ) -> SequenceLayout.Parts {
    var parts = SequenceLayout.Parts(
      bos: configuration.bosTokenID, newline: tokenizer.byteTokenID(0x0A), voco: configuration.vocoTokenID,
      vocoTokens: configuration.vocoTokens, anchors: configuration.anchorTokens, patches: configuration.patches,
      prefix: prompts.beforePicture, text: text)
    if let newlines = prompts.newlines { parts.newlines = newlines }
    parts.cls = configuration.keepsCLS ? 1 : 0
    return parts
  }

  /// The ids of a prompt in its template; special tokens never come from the prompt's text.
  ///
  /// Throws `ModelError.promptTooLong` if the sequence would exceed `max_position_embeddings`, and
  /// `ModelError.emptyPrompt` if no token is left.
  package func tokenize(_ prompt: String) throws -> [Int32] {
    let ids = try promptTokens(prompt)
    let length = try SequenceLayout(
      order: configuration.sequence, parts: parts(text: ids), visualMask: configuration.visualMask
    ).length
    if let limit = configuration.maxPositionEmbeddings, length > limit {
      throw ModelError.promptTooLong(promptTokens: ids.count, sequenceLength: length, limit: limit)
    }
    return ids
  }

  /// The ids of a prompt in its template, wherever they will stand.
  func promptTokens(_ prompt: String) throws -> [Int32] {
    let ids = try prompts.tokens(prompt, tokenizer)
    guard !ids.isEmpty else { throw ModelError.emptyPrompt }
    return ids
  }
}

/// The parts of a model, bound to their weights in the order that a checkpoint is listed in.
private struct BoundParts: Sendable {
  let vision: CLIPVisionTransformer
  let projector: VisionProjector
  let mgvq: MGVQTokenizer?
  let anchorProjector: AnchorProjector?
  let decoder: LlamaDecoder

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    vision = try CLIPVisionTransformer(weights, configuration)
    projector = try VisionProjector(weights, configuration)
    if let mgvq = configuration.mgvq {
      self.mgvq = try MGVQTokenizer(weights, mgvq)
    } else {
      mgvq = nil
    }
    anchorProjector = configuration.anchorTokens > 0 ? try AnchorProjector(weights, configuration) : nil
    decoder = try LlamaDecoder(weights, configuration)
  }
}

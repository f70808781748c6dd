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
  /// The prompt's tokens before the one that is inspected in voco's place; nil in a model as its checkpoint has it.
  package let question: [Int32]?

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
  ///
  /// - Parameter question: where the configuration is that of an inspected token, the prompt before it.
  package init(
    configuration: HTCVLMConfiguration, preprocessor: ImageProcessorConfiguration, tensors: [String: StoredTensor],
    tokenizer: SentencePieceTokenizer, checkpoint: String, int8: Int8Weights? = nil, question: [Int32]? = nil
  ) throws {
    self.question = question
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
    context = try Self.context(configuration, Self.parts(configuration, tokenizer, prompts, question, text: []))
  }

  /// The same model with the last token of `prompt` in voco's place: its attention is that of a predicting token, which is
  /// read in every layer, and nothing but its own state makes the logits.
  ///
  /// - Throws: what `tokenize` throws.
  package convenience init(inspecting prompt: String, in model: HTCVLMModel) throws {
    precondition(!model.hasVoco, "the inspected token of a model with voco is voco")
    let ids = try model.tokenize(prompt)
    try self.init(
      sharing: model, configuration: model.configuration.asking(by: ids[ids.count - 1]), question: Array(ids.dropLast())
    )
  }

  private init(sharing model: HTCVLMModel, configuration: HTCVLMConfiguration, question: [Int32]) throws(ModelError) {
    (self.configuration, self.question) = (configuration, question)
    (precision, tokenizer, preprocessor) = (model.precision, model.tokenizer, model.preprocessor)
    (bound, prompts, weightFiles) = (model.bound, model.prompts, model.weightFiles)
    context = try Self.context(configuration, Self.parts(configuration, tokenizer, prompts, question, text: []))
  }

  /// What is at each position before voco, or before the prompt.
  private static func context(
    _ configuration: HTCVLMConfiguration, _ parts: SequenceLayout.Parts
  ) throws(ModelError) -> [SegmentKind] {
    let layout = try SequenceLayout(order: configuration.sequence, parts: parts, visualMask: configuration.visualMask)
    return Array(layout.kinds[layout.context])
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
    Self.parts(configuration, tokenizer, prompts, question, text: text)
  }

  private static func parts(
    _ configuration: HTCVLMConfiguration, _ tokenizer: SentencePieceTokenizer, _ prompts: PromptEncoding,
    _ question: [Int32]?, text: [Int32]
  ) -> SequenceLayout.Parts {
    var parts = SequenceLayout.Parts(
      bos: configuration.bosTokenID, newline: tokenizer.byteTokenID(0x0A), voco: configuration.vocoTokenID,
      vocoTokens: configuration.vocoTokens, anchors: configuration.anchorTokens, patches: configuration.patches,
      prefix: prompts.beforePicture, text: text)
    if let newlines = prompts.newlines { parts.newlines = newlines }
    parts.cls = configuration.keepsCLS ? 1 : 0
    parts.question = question
    return parts
  }

  /// The ids of a prompt in its template; special tokens never come from the prompt's text.
  ///
  /// Throws `ModelError.promptTooLong` if the sequence would exceed `max_position_embeddings`, and
  /// `ModelError.emptyPrompt` if no token is left.
  package func tokenize(_ prompt: String) throws -> [Int32] {
    // Of an inspected token the prompt is in the sequence already.
    guard question == nil else { return [] }
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

extension HTCVLMModel {
  /// Codes, anchors, features and patches of a picture: the stages `mgvq`, `anchors` and `vision`, in this order, so
  /// that the codes are on screen while the tower runs; `onCodes` gets them before it does. `known` are the picture's, of an
  /// earlier run.
  package func encode(
    _ image: Picture, run: RunContext = RunContext(), known: KnownCodes? = nil, onCodes: (CodeGrid) -> Void = { _ in }
  ) throws -> VisualEncoding {
    let mgvq: MGVQTrace?
    let anchors: Tensor
    if let known {
      (mgvq, anchors) = (known.mgvq, known.anchors)
      known.report(to: run)
    } else {
      mgvq = try codes(of: image, run: run)
      if let mgvq { onCodes(mgvq.codes) }
      anchors = try self.anchors(mgvq, run: run)
    }
    let vision = try run.stage(.vision, steps: vision.steps + 1) { step in
      let pixels = try preprocessor.pixelValues(image)
      try requireFinite(pixels, "pixel values")
      let rows = try self.vision(pixels, step: step)
      let features = rows[rows: 1..<rows.shape[0]]
      let patches = try projector(features)
      let cls = configuration.keepsCLS ? try projector(rows[rows: 0..<1]) : nil
      try step()
      return (trace: VisionTrace(pixelValues: pixels, features: features, patches: patches), cls: cls)
    }
    VisualEncoding.report(vision.trace, to: run.observer)
    releaseWeightPages()
    return VisualEncoding(mgvq: mgvq, anchors: anchors, vision: vision.trace, cls: vision.cls)
  }

  /// The stage `mgvq`; nil in a model without a quantizer.
  private func codes(of image: Picture, run: RunContext) throws -> MGVQTrace? {
    guard let quantizer = mgvq, let side = configuration.mgvq?.imageSize else { return nil }
    let mgvq = try run.stage(.mgvq, steps: quantizer.encodingSteps) { step in
      let pixels = preprocessor.mgvqPixelValues(image, size: side)
      let codes = try quantizer.encode(pixels, step: step)
      return MGVQTrace(pixelValues: pixels, latent: codes.latent, codes: codes.grid, quantized: codes.quantized)
    }
    VisualEncoding.report(mgvq, to: run.observer)
    return mgvq
  }

  /// The stage `anchors`; `[0, D]` in a model without anchors.
  private func anchors(_ mgvq: MGVQTrace?, run: RunContext) throws -> Tensor {
    guard let mgvq, let anchorProjector else { return .zeros([0, configuration.hiddenSize]) }
    let anchors = try run.stage(.anchors, steps: 1) { step in
      let anchors = try anchorProjector.checked(mgvq.quantized)
      try step()
      return anchors
    }
    run.observer?.observe(.anchors, layer: nil, tensor: anchors)
    return anchors
  }

  /// The quantizer; throws `ModelError.noQuantizer` in a model without one.
  func quantizer() throws(ModelError) -> MGVQTokenizer {
    guard let mgvq else { throw .noQuantizer(family: configuration.family) }
    return mgvq
  }

  /// The picture `[3, M, M]` of a grid of codes, unclipped: the stage `reconstruction`.
  ///
  /// Groups outside `groups` are left out, their channels zero.
  package func reconstruct(
    _ codes: CodeGrid, groups: Range<Int>? = nil, run: RunContext = RunContext()
  ) throws -> Tensor {
    let mgvq = try quantizer()
    let picture = try run.stage(.reconstruction, steps: mgvq.decodingSteps) { step in
      try mgvq.decode(try mgvq.codebook().vectors(codes, keeping: groups), step: step)
    }
    if groups == nil { run.observer?.observe(.mgvqReconstruction, layer: nil, tensor: picture) }
    return picture
  }

  /// The codebooks: normalized codes, for neighbours, margins and usage.
  package func codebook() throws -> GroupQuantizer { try quantizer().codebook() }
}

extension HTCVLMModel {
  /// The code vectors of a grid, `[C, h, w]`.
  package func codeVectors(_ codes: CodeGrid) throws -> Tensor { try quantizer().codebook().vectors(codes) }

  /// The picture `[3, M, M]` of code vectors `[C, h, w]`, unclipped.
  package func decode(_ vectors: Tensor, run: RunContext = RunContext()) throws -> Tensor {
    try quantizer().decode(vectors, step: run.checkCancellation)
  }

  /// The picture with other codes: new vectors and anchors, the vision tower's features as they are.
  package func replacing(codes: CodeGrid, in visual: VisualEncoding) throws -> VisualEncoding {
    guard let before = visual.mgvq else { throw ModelError.noQuantizer(family: configuration.family) }
    let quantized = try codeVectors(codes)
    let mgvq = MGVQTrace(pixelValues: before.pixelValues, latent: before.latent, codes: codes, quantized: quantized)
    return VisualEncoding(mgvq: mgvq, anchors: projected(quantized), vision: visual.vision, cls: visual.cls)
  }

  /// The anchors `[A, D]` of code vectors `[C, h, w]`; A is 0 in a model without anchors.
  package func projected(_ vectors: Tensor) -> Tensor {
    anchorProjector.map { $0(vectors) } ?? .zeros([0, configuration.hiddenSize])
  }

  /// How much each anchor changes without a latent cell or a group.
  package func anchorAblation(_ visual: VisualEncoding) throws(ModelError) -> AnchorAblation {
    guard let mgvq = visual.mgvq, let anchorProjector else { throw .noQuantizer(family: configuration.family) }
    return AnchorAblation(anchorProjector, quantized: mgvq.quantized, groups: mgvq.codes.groups)
  }
}

extension HTCVLMModel {
  /// The anchors `[A, D]` of a picture; A is 0 in a model without them. The vision tower does not run.
  package func anchors(of image: Picture, run: RunContext = RunContext()) throws -> Tensor {
    guard let mgvq, let side = configuration.mgvq?.imageSize else { return .zeros([0, configuration.hiddenSize]) }
    let pixels = preprocessor.mgvqPixelValues(image, size: side)
    return projected(try mgvq.encode(pixels, step: run.checkCancellation).quantized)
  }
}

extension HTCVLMModel {
  /// A picture that a model with the same vision tower and quantizer encoded, with this model's own anchors and patches:
  /// only the projectors run. Throws `ModelError.notFinite`.
  package func reprojected(_ visual: VisualEncoding) throws -> VisualEncoding {
    VisualEncoding(
      mgvq: visual.mgvq, anchors: visual.mgvq.map { projected($0.quantized) } ?? visual.anchors,
      vision: VisionTrace(
        pixelValues: visual.vision.pixelValues, features: visual.vision.features,
        patches: try projector(visual.vision.features)), cls: visual.cls)
  }
}

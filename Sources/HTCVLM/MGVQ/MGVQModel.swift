import ImageLoading
package import Safetensors
package import Tensor
package import Trace

/// The quantizer of a checkpoint by itself, with the anchor projector and the vision tower where there are any: what a
/// codebook is judged from, without a decoder.
package struct MGVQModel: Sendable {
  /// The file's or directory's own name.
  package let name: String
  /// SHA-256 of `config.json`; empty for a bare state dict.
  package let configSHA256: String
  /// SHA-256 of the weight files.
  package var weightsSHA256: String { weights.sha256 }
  private let weights: WeightIdentity
  /// `config.json`'s `untrained_parts`.
  package let untrainedParts: [String]
  /// `nil` when the tensors hold a codebook but no networks to encode a picture with.
  package let configuration: MGVQConfiguration?
  package let groups: Int
  /// Why there are no anchors: what the anchor projector lacks; `nil` if there is one, or a bare state dict.
  package let anchorProblem: String?
  /// Whether the anchor projector is there.
  package var hasAnchors: Bool { projector != nil }
  /// Whether the vision tower and its projector are there.
  package var hasPatches: Bool { patches != nil }

  /// The codebooks of a quantizer that is no MGVQ.
  package let stack: CodebookStack?
  private let table: StoredTensor?
  private let buffers: (used: StoredTensor?, probabilities: StoredTensor?)
  private let preprocessor: ImagePreprocessor
  private let mgvq: MGVQTokenizer?
  let projector: AnchorProjector?
  private let patches: Patches?

  private struct Patches: Sendable {
    let vision: CLIPVisionTransformer
    let projector: VisionProjector
  }

  /// Throws `CheckpointError` naming the file of weights that was written to since it was opened.
  package func checkUnchanged() throws(CheckpointError) { try weights.checkUnchanged() }

  /// Binds the quantizer's tensors in `source`; of the rest of the model, whatever is complete.
  ///
  /// - Throws: `ModelError` naming the quantizer's tensor that is missing or misshapen.
  package init(_ source: MGVQSource) throws {
    name = source.name
    configSHA256 = source.checkpoint?.configSHA256 ?? ""
    weights = source.weights
    untrainedParts = source.checkpoint?.configuration.untrainedParts ?? []
    configuration = source.dict.configuration
    groups = source.dict.groups
    let prefix = source.dict.prefix
    stack = source.stack
    table = source.tensors["\(prefix)quantize.embedding.weight"]
    precondition(stack != nil || table != nil, "a state dict was found by its codebook")
    buffers = (
      source.tensors["\(prefix)quantize.codebook_used"], source.tensors["\(prefix)quantize.embed_prob"]
    )
    let weights = WeightReader(tensors: source.tensors, checkpoint: source.path)
    for tensor in [stack == nil ? table : nil, buffers.used, buffers.probabilities] {
      if let tensor, let found = tensor.firstNotFinite() {
        throw ModelError.notFiniteWeight(name: tensor.name, found: found, checkpoint: source.path)
      }
    }
    mgvq = try configuration.map { try MGVQTokenizer(weights, $0, prefix: prefix) }
    let whole = source.checkpoint?.configuration
    (projector, anchorProblem) = Self.projector(weights, whole)
    patches = try whole.flatMap { configuration in
      do throws(ModelError) {
        return Patches(
          vision: try CLIPVisionTransformer(weights, configuration),
          projector: try VisionProjector(weights, configuration))
      } catch .notFiniteWeight(let name, let found, let checkpoint) {
        throw ModelError.notFiniteWeight(name: name, found: found, checkpoint: checkpoint)
      } catch {
        return nil
      }
    }
    let processor = source.checkpoint?.preprocessor ?? .clip(imageSize: configuration?.imageSize ?? 1)
    preprocessor = ImagePreprocessor(
      imageSize: processor.imageSize, steps: processor.steps,
      aspect: whole?.imageAspectRatio ?? .pad)
  }

  private static func projector(
    _ weights: WeightReader, _ configuration: HTCVLMConfiguration?
  ) -> (AnchorProjector?, problem: String?) {
    guard let configuration, configuration.anchorTokens > 0 else { return (nil, nil) }
    do { return (try AnchorProjector(weights, configuration), nil) } catch { return (nil, error.description) }
  }

  /// `quantize.embedding.weight` `[codes of all groups, channels of a group]`, as stored.
  package var embedding: Tensor { stack?.embedding ?? table?.float32() ?? .zeros([0, 1]) }

  /// `codebook_used`, a window of indices used last; `nil` if absent or of a type that holds no indices.
  package var codebookUsed: [Float]? { buffers.used?.numbers }

  /// `embed_prob`, a running frequency of each code; `nil` if absent.
  package var embedProbabilities: [Float]? { buffers.probabilities?.numbers }

  /// The codes of a picture.
  ///
  /// - Throws: `ModelError.missingTensor` if there is no encoder.
  package func encode(_ image: Picture) throws -> MGVQTrace {
    guard let mgvq, let configuration else {
      throw ModelError.missingTensor(name: "encoder.project_in", checkpoint: name)
    }
    let pixels = preprocessor.mgvqPixelValues(image, size: configuration.imageSize)
    let codes = try mgvq.encode(pixels) {}
    return MGVQTrace(pixelValues: pixels, latent: codes.latent, codes: codes.grid, quantized: codes.quantized)
  }

  /// The picture `[3, M, M]` that the first `groups` groups of a picture's codes make, the others zero; unclipped.
  ///
  /// - Throws: `ModelError.missingTensor` if there is no decoder.
  package func reconstruct(_ codes: CodeGrid, groups: Int) throws -> Tensor {
    guard let mgvq else { throw ModelError.missingTensor(name: "decoder.project_in", checkpoint: name) }
    return try mgvq.decode(mgvq.codebook().vectors(codes, keeping: 0..<groups)) {}
  }

  /// The anchors `[A, D]` of code vectors `[C, h, w]`; `nil` without an anchor projector.
  package func anchors(_ quantized: Tensor) throws -> Tensor? { try projector.map { try $0.checked(quantized) } }

  /// The code vectors `[C, h, w]` of a grid.
  ///
  /// - Throws: `ModelError.missingTensor` if there is no encoder.
  package func codeVectors(_ codes: CodeGrid) throws -> Tensor {
    guard let mgvq else { throw ModelError.missingTensor(name: "encoder.project_in", checkpoint: name) }
    return try mgvq.codebook().vectors(codes)
  }

  /// The patch tokens `[P, D]` of a picture; `nil` without a vision tower.
  package func patchTokens(_ image: Picture) throws -> Tensor? {
    guard let patches else { return nil }
    let rows = try patches.vision(try preprocessor.pixelValues(image)) {}
    return try patches.projector(rows[rows: 1..<rows.shape[0]])
  }

  /// The square picture that the quantizer sees, `[3, M, M]` in [−1, 1] → RGB bytes for crops.
  package func square(_ image: Picture) -> Picture {
    guard let side = configuration?.imageSize else { return image }
    return preprocessor.mgvqPicture(image, size: side)
  }
}

extension StoredTensor {
  /// The elements of a buffer as floats, whatever numbers it holds; `nil` for a type that holds none.
  fileprivate var numbers: [Float]? {
    switch dtype {
    case .f32, .f16, .bf16: float32().values
    case .i32, .u8, .bool: int32().map(Float.init)
    case .i64:
      withUnsafeBytes { bytes in
        (0..<count).map { Float(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
      }
    default: nil
    }
  }
}

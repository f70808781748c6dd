package import Tensor
package import Trace

/// The memory that a run takes, worked out from the configuration and the weights' headers alone. Bytes.
package struct MemoryEstimate: Sendable, Hashable {
  /// Weights that a run reads from mapped files: the system can drop and read again what is not in use.
  package let mapped: Int
  /// Weights that are held in 32 bits: the quantizer's convolutions and the tower's patch embedding, where they are
  /// not stored so, and their copies in the layout that convolutions run in.
  package let converted: Int
  /// The largest stage's intermediates.
  package let activations: Int
  /// Keys and values of the whole sequence.
  package let keyValues: Int

  /// What cannot be dropped.
  package var resident: Int { converted + activations + keyValues }
  package var total: Int { mapped + resident }

  package init(configuration: HTCVLMConfiguration, tensors: [String: StoredTensor], precision: Precision = .exact) {
    let quantized = precision == .int8 ? Set(HTCVLMModel.int8Keys(configuration)) : []
    mapped = tensors.reduce(0) { sum, entry in
      sum + (quantized.contains(entry.key) ? Self.int8Bytes(entry.value) : entry.value.byteCount)
    }
    converted =
      tensors.reduce(0) { sum, entry in
        guard entry.value.shape.count == 4 else { return sum }
        let isQuantizer = entry.key.hasPrefix("\(MGVQTokenizer.prefix).")
        return sum + Conv2D.heldBytes(entry.value.shape, minimalFiltering: isQuantizer)
      }
    let length = Self.length(configuration)
    // The codes are decoded to a picture beside the tower and the decoder.
    activations =
      max(Self.tower(configuration.vision), Self.decoder(configuration, length))
      + (configuration.mgvq.map(Self.quantizer) ?? 0)
    keyValues = configuration.keyValueBytes(rows: length)
  }

  /// An integer an element, and a scale a row.
  private static func int8Bytes(_ matrix: StoredTensor) -> Int {
    matrix.count + (matrix.shape.first ?? 0) * float
  }

  private static let float = MemoryLayout<Float>.size

  /// Positions of a sequence with a prompt of this many tokens.
  private static let promptTokens = 64

  private static func length(_ configuration: HTCVLMConfiguration) -> Int {
    configuration.sequence.reduce(0) { sum, segment in
      switch segment {
      case .bos, .newline: sum + 1
      case .anchors: sum + configuration.anchorTokens
      case .patches: sum + configuration.patches
      case .cls: sum + 1
      case .voco: sum + configuration.vocoTokens
      case .text: sum + promptTokens
      }
    }
  }

  /// Queries, keys, values, their mixture, the residual and its norm; the MLP twice; scores and weights of a head.
  private static func tower(_ vision: VisionConfiguration) -> Int {
    let tokens = vision.patches + 1
    return float * tokens * (6 * vision.hiddenSize + 2 * vision.intermediateSize + 2 * tokens)
  }

  /// The largest stage's maps: a GLU block holds its wide map thrice, a residual block four narrow ones and, of two, 36
  /// values for 16 where it is transformed.
  private static func quantizer(_ mgvq: MGVQConfiguration) -> Int {
    func largest(_ stages: [MGVQConfiguration.Stage]) -> Int {
      var side = stages[0].depth == 0 ? mgvq.imageSize / 2 : mgvq.imageSize
      var largest = 3 * mgvq.imageSize * mgvq.imageSize
      for (index, stage) in stages.enumerated() where stage.depth > 0 {
        let maps = stage.block == .eViTGLU ? 3 * 2 * GatedInvertedBottleneck.expansion : 9
        largest = max(largest, maps * stage.width * side * side)
        if index < stages.count - 1 { side = max(1, side / 2) }
      }
      return float * largest
    }
    return max(largest(mgvq.encoder), largest(mgvq.decoder))
  }

  /// A layer's rows, the scores of a head, under the causal mask the rollout, and one matrix converted to 32 bits.
  private static func decoder(_ configuration: HTCVLMConfiguration, _ length: Int) -> Int {
    let queries = configuration.heads * configuration.headDim
    let rows = length * (4 * configuration.hiddenSize + 3 * queries + 3 * configuration.intermediateSize)
    let square = length * length
    let causal = configuration.visualMask == .causal
    let rollout = causal && configuration.layers * square <= ContextRollout.largest ? configuration.layers * square : 0
    return float * (rows + (causal ? 3 * square : 0) + rollout + configuration.hiddenSize * queries)
  }
}

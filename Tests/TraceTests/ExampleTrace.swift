import Tensor
import Trace

/// A small trace of every stage, with a number of its own in every place.
func exampleTrace() -> Trace {
  let digest = String(repeating: "0123456789abcdef", count: 4)
  var trace = Trace(
    provenance: Provenance(
      version: "1.2.3", imageName: "a \"quoted\" név.png", imageWidth: 451, imageHeight: 300, imageSHA256: digest,
      modelName: "tiny", configSHA256: digest, weightsSHA256: digest, prompt: "what\nis it? 🐈"),
    model: ModelDescription(
      layers: 2, heads: 3, keyValueHeads: 1, hiddenSize: 4, vocabularySize: 12, anchors: 2, patchGrid: 2,
      visionImageSize: 6, mgvqImageSize: 4, groups: 2, codesPerGroup: 5, vocoTokens: 1, visualMask: .star,
      imageAspectRatio: .pad, precision: .own(.exact), untrainedParts: ["decoder"]))
  trace.vision = VisionTrace(pixelValues: numbers([3, 6, 6]), features: numbers([4, 5]), patches: numbers([4, 4]))
  trace.mgvq = MGVQTrace(
    pixelValues: numbers([3, 4, 4]), latent: numbers([6, 2, 1]),
    codes: CodeGrid(groups: 2, height: 2, width: 1, indices: [0, 4, 2, 3]), quantized: numbers([6, 2, 1]),
    reconstruction: numbers([3, 4, 4]))
  trace.anchors = numbers([2, 4])
  trace.sequence = SequenceTrace(
    spans: [
      SequenceSpan(kind: .bos, start: 0, count: 1), SequenceSpan(kind: .anchors, start: 1, count: 2),
      SequenceSpan(kind: .patches, start: 3, count: 4), SequenceSpan(kind: .voco, start: 7, count: 1),
      SequenceSpan(kind: .text, start: 8, count: 2),
    ],
    tokenIDs: [1, -2, -2, -1, -1, -1, -1, 11, 5, 6],
    pieces: ["<s>", "A1", "A2", "patch", "patch", "patch", "patch", "<voco>", "▁what", "\u{1b}[2J"],
    embeddings: numbers([10, 4]), mask: (0..<100).map { $0 % 10 <= $0 / 10 ? 1 : 0 })
  trace.language = LanguageTrace(
    attentionVoco: shares([2, 3, 10], upTo: 7), attentionLast: shares([2, 3, 10]), hiddenVoco: numbers([3, 4]),
    logits: numbers([12]), valueNorms: numbers([2, 3, 10]), rolloutVoco: numbers([2, 10]))
  trace.generation = GenerationTrace(tokenIDs: [3, 2], text: "a cat")
  return trace
}

/// Rows of different values that sum to one, 0 behind the last key that the query sees.
private func shares(_ shape: [Int], upTo last: Int = .max) -> Tensor {
  let width = shape[shape.count - 1]
  let values = numbers(shape).values.enumerated().map { $0 % width > last ? 0 : $1 }
  return Tensor(
    shape: shape,
    values: values.enumerated().map { index, value in
      value / values[index / width * width..<(index / width + 1) * width].reduce(0, +)
    })
}

/// Values in 0..<1, all different.
func numbers(_ shape: [Int]) -> Tensor {
  let count = shape.reduce(1, *)
  return Tensor(shape: shape, values: (0..<count).map { Float($0) / Float(count) })
}

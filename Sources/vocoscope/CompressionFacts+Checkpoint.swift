import Evidence
import HTCVLM
import Inspector
import Trace
import WeightFormats

extension CompressionFacts {
  /// What a checkpoint says of itself, and how it is asked.
  init(_ pipeline: Pipeline, options: GenerationOptions) {
    let checkpoint = pipeline.checkpoint
    let configuration = checkpoint.configuration
    let kinds = configuration.sequence
    self.init(
      modelName: checkpoint.name, configSHA256: checkpoint.configSHA256, weightsSHA256: checkpoint.weightsSHA256,
      version: programVersion,
      shape: DecoderShape(
        layers: configuration.layers, hiddenSize: configuration.hiddenSize,
        intermediateSize: configuration.intermediateSize, heads: configuration.heads,
        keyValueHeads: configuration.keyValueHeads, headDim: configuration.headDim,
        vocabularySize: configuration.vocabularySize),
      prompt: PromptShape(
        prefix: pipeline.model.prefixTokens,
        visual: (kinds.contains(.anchors) ? configuration.anchorTokens : 0)
          + (kinds.contains(.patches) ? configuration.patches + (configuration.keepsCLS ? 1 : 0) : 0),
        voco: configuration.vocoTokens, text: 0),
      pattern: configuration.visualMask == .star ? .star : .voco, bytesPerElement: MemoryLayout<Float>.size,
      contextLength: configuration.maxPositionEmbeddings,
      trainedSources: configuration.trainedSources,
      untrainedParts: configuration.untrainedParts, temperature: Double(options.temperature), seed: options.seed)
  }
}

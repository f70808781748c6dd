internal import Tensor
internal import WeightFormats

/// Turns a file's tensors into a trace, checking each against the model's description and the others.
struct TraceReader {
  let tensors: CheckedTensors
  let metadata: TraceMetadata

  init(file: SafetensorsFile, metadata: TraceMetadata) {
    tensors = CheckedTensors(file: file)
    self.metadata = metadata
  }

  private var model: ModelDescription { metadata.model }

  func trace() throws(CheckpointError) -> Trace {
    var trace = Trace(provenance: metadata.provenance, model: model)
    trace.vision = try vision()
    trace.mgvq = try mgvq()
    trace.anchors =
      tensors.has(.anchors)
      ? try tensors.floats(.anchors, [model.anchors, model.hiddenSize]) : nil
    trace.sequence = try SequenceReader(tensors: tensors, metadata: metadata).sequence()
    trace.language = try language(length: trace.sequence?.length)
    trace.generation = try generation()
    return trace
  }

  private func vision() throws(CheckpointError) -> VisionTrace? {
    let names = [TraceTensorName.visionPixelValues, TraceTensorName.visionFeatures, TraceTensorName.patches]
    guard tensors.hasAny(names) else { return nil }
    let patches = model.patchRows * model.patchGrid
    return VisionTrace(
      pixelValues: try tensors.floats(names[0], [3, model.visionImageHeight, model.visionImageSize]),
      features: try tensors.floats(names[1], [nil, nil]),
      patches: try tensors.floats(names[2], [patches, model.hiddenSize]))
  }

  private func mgvq() throws(CheckpointError) -> MGVQTrace? {
    let pixelValues = TraceTensorName.mgvqPixelValues
    let latentName = TraceTensorName.mgvqLatent
    let reconstruction = TraceTensorName.mgvqReconstruction
    guard
      tensors.hasAny([
        pixelValues, latentName, .mgvqCodes, .mgvqQuantized, reconstruction,
      ])
    else { return nil }
    let side = model.mgvqImageSize
    let latent = try tensors.floats(latentName, [nil, nil, nil])
    let (height, width) = (latent.shape[1], latent.shape[2])
    let codes = try tensors.integers(.mgvqCodes, [model.groups, height, width])
    try tensors.check(.mgvqCodes, codes, lieIn: 0..<Int32(model.codesPerGroup))
    return MGVQTrace(
      pixelValues: try tensors.floats(pixelValues, [3, side, side]),
      latent: latent,
      codes: CodeGrid(groups: model.groups, height: height, width: width, indices: codes),
      quantized: try tensors.floats(.mgvqQuantized, latent.shape),
      reconstruction: tensors.has(reconstruction) ? try tensors.floats(reconstruction, [3, side, side]) : nil)
  }

  private func language(length: Int?) throws(CheckpointError) -> LanguageTrace? {
    let (last, hasVoco) = (TraceTensorName.attentionLast, model.vocoTokens > 0)
    let voco = hasVoco ? TraceTensorName.attentionVoco : last
    let hidden = hasVoco ? TraceTensorName.hiddenVoco : TraceTensorName.hiddenLast
    let norms = hasVoco ? TraceTensorName.valueNormsVoco : TraceTensorName.valueNormsLast
    let rollout = hasVoco ? TraceTensorName.rolloutVoco : TraceTensorName.rolloutLast
    guard tensors.hasAny([voco, last, hidden, TraceTensorName.logits, norms, rollout]) else {
      return nil
    }
    guard let length else {
      throw tensors.fault(.sequenceTokenIDs, "is missing, though \(voco.rawValue) or its like is there")
    }
    let (layers, heads) = (model.layers, model.heads)
    let language = LanguageTrace(
      attentionVoco: try tensors.floats(voco, [layers, heads, length]),
      attentionLast: try tensors.floats(last, [layers, heads, length]),
      hiddenVoco: try tensors.floats(hidden, [layers + 1, model.hiddenSize]),
      logits: try tensors.floats(.logits, [model.vocabularySize]),
      valueNorms: tensors.has(norms) ? try tensors.floats(norms, [layers, heads, length]) : nil,
      rolloutVoco: tensors.has(rollout) ? try tensors.floats(rollout, [layers, length]) : nil)
    try tensors.check(voco, isAttention: language.attentionVoco)
    try tensors.check(last, isAttention: language.attentionLast)
    if let rows = language.rolloutVoco { try tensors.check(rollout, isShareOf: rows) }
    return language
  }

  private func generation() throws(CheckpointError) -> GenerationTrace? {
    let name = TraceTensorName.generatedTokenIDs
    guard tensors.has(name) || metadata.generatedText != nil else { return nil }
    let tokenIDs = try tensors.integers(name, [nil])
    try tensors.check(name, tokenIDs, lieIn: 0..<Int32(model.vocabularySize))
    guard let text = metadata.generatedText else {
      throw .key(
        path: tensors.path, key: "__metadata__.generated_text", found: nil, expected: "the text of \(name.rawValue)")
    }
    return GenerationTrace(tokenIDs: tokenIDs, text: text)
  }
}

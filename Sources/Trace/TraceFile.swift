package import Safetensors
internal import Tensor

/// A trace as a safetensors file: every intermediate under a fixed name, and the rest as strings in `__metadata__`.
package enum TraceFile {
  /// `__metadata__.format`.
  package static let format = "vocoscope-trace"

  /// Creates or replaces the file at `path`; stages that have not run are left out.
  ///
  /// - Throws: `CheckpointError` naming `path`, and the tensor that `read` would refuse; then nothing was written.
  package static func write(_ trace: Trace, to path: String) throws(CheckpointError) {
    let entries = entries(of: trace)
    for entry in entries {
      guard case .floats(let values) = entry.elements else { continue }
      if let value = Tensor(shape: entry.shape, values: values).firstNotFinite() {
        throw .tensor(path: path, name: entry.name, problem: "\(value.problem); no trace of it is written")
      }
    }
    do {
      try SafetensorsWriter.write(entries, metadata: TraceMetadata(trace).strings, to: path)
    } catch {
      throw .unreadable(error)
    }
  }

  /// Reads the file at `path`.
  ///
  /// Stages whose tensors are all absent are `nil`, and so are `value_norms.voco`, `rollout.voco` and
  /// `mgvq.reconstruction` when absent.
  ///
  /// - Throws: `CheckpointError` naming the file and the tensor or metadata key that is missing or contradicts another.
  package static func read(path: String) throws(CheckpointError) -> Trace {
    let file = try SafetensorsFile(path: path)
    guard file.metadata["format"] == format else {
      throw .key(
        path: path, key: "__metadata__.format", found: file.metadata["format"]?.debugDescription,
        expected: "\"\(format)\", for this is how a trace is told from other safetensors files")
    }
    return try TraceReader(file: file, metadata: TraceMetadata(reading: file)).trace()
  }

  /// The tensors of `trace` under their names in the file; those of stages that have not run are left out.
  package static func entries(of trace: Trace) -> [SafetensorsEntry] {
    var entries: [SafetensorsEntry] = []
    if let vision = trace.vision {
      entries += [
        SafetensorsEntry(.visionPixelValues, vision.pixelValues),
        SafetensorsEntry(.visionFeatures, vision.features),
        SafetensorsEntry(.patches, vision.patches),
      ]
    }
    if let mgvq = trace.mgvq { entries += Self.entries(of: mgvq) }
    if let anchors = trace.anchors { entries.append(SafetensorsEntry(.anchors, anchors)) }
    if let sequence = trace.sequence {
      let length = sequence.length
      entries += [
        SafetensorsEntry(.sequenceEmbeddings, sequence.embeddings),
        SafetensorsEntry(.sequenceTokenIDs, shape: [length], integers: sequence.tokenIDs),
        SafetensorsEntry(.mask, shape: [length, length], bytes: sequence.mask),
      ]
    }
    if let language = trace.language { entries += Self.entries(of: language, hasVoco: trace.model.vocoTokens > 0) }
    if let generation = trace.generation {
      entries.append(
        SafetensorsEntry(
          .generatedTokenIDs, shape: [generation.tokenIDs.count], integers: generation.tokenIDs))
    }
    return entries
  }

  private static func entries(of mgvq: MGVQTrace) -> [SafetensorsEntry] {
    let codes = mgvq.codes
    return [
      SafetensorsEntry(.mgvqPixelValues, mgvq.pixelValues),
      SafetensorsEntry(.mgvqLatent, mgvq.latent),
      SafetensorsEntry(
        .mgvqCodes, shape: [codes.groups, codes.height, codes.width], integers: codes.indices),
      SafetensorsEntry(.mgvqQuantized, mgvq.quantized),
    ] + (mgvq.reconstruction.map { [SafetensorsEntry(.mgvqReconstruction, $0)] } ?? [])
  }

  private static func entries(of language: LanguageTrace, hasVoco: Bool) -> [SafetensorsEntry] {
    let optional = [
      (hasVoco ? TraceTensorName.attentionVoco : TraceTensorName.attentionLast, language.attentionVoco),
      (hasVoco ? TraceTensorName.valueNormsVoco : TraceTensorName.valueNormsLast, language.valueNorms),
      (hasVoco ? TraceTensorName.rolloutVoco : TraceTensorName.rolloutLast, language.rolloutVoco),
      (TraceTensorName.attentionLast, hasVoco ? language.attentionLast : nil),
    ]
    return [
      SafetensorsEntry(hasVoco ? TraceTensorName.hiddenVoco : TraceTensorName.hiddenLast, language.hiddenVoco),
      SafetensorsEntry(.logits, language.logits),
    ] + optional.compactMap { name, tensor in tensor.map { SafetensorsEntry(name, $0) } }
  }
}

extension SafetensorsEntry {
  fileprivate init(_ name: TraceTensorName, _ tensor: Tensor) { self.init(name.rawValue, tensor) }

  fileprivate init(_ name: TraceTensorName, shape: [Int], integers: [Int32]) {
    self.init(name.rawValue, shape: shape, integers: integers)
  }

  fileprivate init(_ name: TraceTensorName, shape: [Int], bytes: [UInt8]) {
    self.init(name.rawValue, shape: shape, bytes: bytes)
  }
}

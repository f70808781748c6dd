import Files
import Foundation
import JSON
import Safetensors
import Tensor
import WeightFormats

/// The decoder's directory, with what a LoRA run or a projector by itself changes of it.
struct PublishedDecoder {
  let directory: String
  let layout: WeightLayout
  /// Under the original layout's names.
  let tensors: [String: StoredTensor]
  /// Those of the directory, then those of the adapter.
  let files: [MappedFile]
  let added: AddedTokens
  let settings: PublishedSettings
  /// The file that `settings` were read from.
  let configPath: String
  /// `vision_config` of a directory in transformers' layout.
  let visionDocument: JSONValue?
  /// What was passed over, in words.
  let notes: [String]

  static let projector = "mm_projector.bin"

  /// Opens `directory`, and of `adapter` the LoRA run or the projector.
  init(directory: String, adapter: String?) throws(CheckpointError) {
    self.directory = directory
    let weights = try Self.weights(directory)
    layout = WeightLayout(names: weights.tensors.keys)
    let base = try layout.canonicalized(weights.tensors, path: directory)
    switch try adapter.map(Self.change) {
    case nil: (tensors, files, notes) = (base, weights.files, [])
    case .lora(let run)?:
      tensors = try run.merged(into: base, canonical: layout.canonical)
      (files, notes) = (weights.files + run.files, run.notes)
    case .projector(let file)?:
      let own = try WeightLayout.renamed(file.tensors, path: adapter ?? "") { name in
        let part = name.components(separatedBy: "mm_projector.")
        return part.count == 2 ? "\(VisionProjector.prefix).\(part[1])" : nil
      }
      (tensors, files, notes) = (base.merging(own) { _, new in new }, weights.files + file.files, [])
    }
    added = try Self.addedTokens(directory, adapter)
    let own = adapter.map { "\($0)/config.json" }.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
    configPath = own ?? "\(directory)/config.json"
    let whole = try GenerationSettings.applied(to: JSONValue(file: configPath), directory: directory)
    guard case .object = whole else {
      throw .malformed(path: configPath, problem: "the file holds \(whole.summary), not an object")
    }
    switch layout {
    case .original:
      settings = PublishedSettings(whole)
      visionDocument = nil
      try settings.checkOriginal(path: configPath)
    case .transformers:
      settings = try PublishedSettings(transformers: whole, path: configPath)
      visionDocument =
        whole["vision_config"].map(PublishedVisionSettings.filled)
        ?? PublishedVisionSettings.largePatch14(imageSize: 336)
    }
  }

  private enum Change {
    case lora(LoRAAdapter)
    case projector(WeightFiles)
  }

  private static func change(_ adapter: String) throws(CheckpointError) -> Change {
    if FileManager.default.fileExists(atPath: "\(adapter)/\(LoRAAdapter.configuration)") {
      return .lora(try LoRAAdapter(directory: adapter))
    }
    let projector = "\(adapter)/\(Self.projector)"
    guard FileManager.default.fileExists(atPath: projector) else {
      throw .malformed(path: adapter, problem: "holds neither \(LoRAAdapter.configuration) nor \(Self.projector)")
    }
    return .projector(try WeightFiles(file: projector))
  }

  private static func weights(_ directory: String) throws(CheckpointError) -> WeightFiles {
    do {
      return try WeightFiles(directory: directory)
    } catch {
      let files = FileManager.default
      if files.fileExists(atPath: "\(directory)/\(LoRAAdapter.configuration)") {
        throw .malformed(
          path: directory, problem: "is a LoRA run; name its base with --llm and this directory with --adapter")
      }
      if files.fileExists(atPath: "\(directory)/\(projector)") {
        throw .malformed(
          path: directory,
          problem: "holds only a projector; name the decoder with --llm and this directory with --adapter")
      }
      throw error
    }
  }

  /// Those of the adapter where it names any, else the base's.
  private static func addedTokens(_ directory: String, _ adapter: String?) throws(CheckpointError) -> AddedTokens {
    if let adapter {
      let own = try AddedTokens(directory: adapter)
      if !own.ids.isEmpty { return own }
    }
    return try AddedTokens(directory: directory)
  }

  /// What the directory was trained as.
  func family(_ parts: ModelParts) throws(CheckpointError) -> ModelFamily {
    let hasAnchors = tensors["\(AnchorProjector.prefix).fc1.weight"] != nil
    if parts.mgvq != nil { return .htcVLM }
    if hasAnchors || parts.randomAnchorSeed != nil {
      throw .malformed(path: directory, problem: "has anchors, so its quantizer is needed: --mgvq FILE")
    }
    if added.ids[AddedTokens.voco] != nil { return .vocoLLaMA }
    return settings["matryoshka_vis_token_scale"] == nil ? .llava : .m3
  }
}

/// The vision tower of a published model: the one among the decoder's tensors, since towers are sometimes trained, else a
/// CLIP directory's.
struct PublishedTower {
  /// `vision_config`.
  let document: JSONValue
  /// Of a tower that is not among the decoder's tensors, under a checkpoint's names.
  let tensors: [String: StoredTensor]
  /// Those of the directory, then those of the adapter.
  let files: [MappedFile]
  /// What had to be assumed; nil if nothing.
  let assumption: String?
  let imageSize: Int
  let patches: Int
  /// Where `preprocessor_config.json` may be, first that of the tower.
  private let directories: [String]

  init(
    _ decoder: PublishedDecoder, family: ModelFamily, vision: String?, cache: HuggingFaceCache
  ) throws(CheckpointError) {
    var name: String?
    if case .string(let text)? = decoder.settings["mm_vision_tower"] { name = text }
    let prefix = WeightLayout.visionPrefix
    let isInside = decoder.tensors.keys.contains { $0.hasPrefix(prefix) }
    guard isInside || family != .m3 else {
      throw .tensor(
        path: decoder.directory, name: "\(prefix)vision_model.embeddings.class_embedding",
        problem: "is missing: M3 trains its tower, so CLIP's own does not fit")
    }
    var found: HuggingFaceCache.Found?
    if let vision {
      found = try cache.directory(vision)
    } else if !isInside || decoder.visionDocument == nil && PublishedVisionSettings.known(name) == nil {
      guard let name else {
        throw .malformed(path: decoder.directory, problem: "has no vision tower; name a CLIP directory with --vision")
      }
      found = try Self.named(name, decoder, cache)
    }
    var tower: PublishedVision?
    if !isInside, let found { tower = try PublishedVision(directory: found.path) }
    tensors = Dictionary(uniqueKeysWithValues: (tower?.tensors ?? [:]).map { (prefix + $0.key, $0.value) })
    files = tower?.files ?? []
    assumption = found?.assumption
    if let own = tower?.document ?? decoder.visionDocument {
      document = own
    } else if let found {
      document = try PublishedVision.settings(directory: found.path)
    } else {
      document = PublishedVisionSettings.known(name) ?? .null
    }
    let reader = JSONReader(
      path: found.map { "\($0.path)/config.json" } ?? decoder.configPath, prefix: "", object: document)
    imageSize = try reader.integer("image_size", in: 1...4096)
    let side = imageSize / (try reader.integer("patch_size", in: 1...imageSize))
    patches = side * side
    if found == nil, isInside { try Self.check(decoder, patches: patches, named: name) }
    directories = [found?.path, decoder.directory].compactMap { $0 }
  }

  /// Refuses a tower among the decoder's tensors that is not the one its settings speak of, before anything else is counted by
  /// these.
  private static func check(
    _ decoder: PublishedDecoder, patches: Int, named name: String?
  ) throws(CheckpointError) {
    let embedding = "\(WeightLayout.visionPrefix)vision_model.embeddings.position_embedding.weight"
    guard let rows = decoder.tensors[embedding]?.shape.first, rows != patches + 1 else { return }
    let says = decoder.visionDocument == nil ? "the tower that mm_vision_tower names, \(name ?? "")" : "vision_config"
    throw .tensor(
      path: decoder.directory, name: embedding,
      problem:
        "has \(rows) rows, expected the \(patches + 1) of \(says); name the directory with this tower's config.json "
        + "with --vision, or, where an option takes one directory alone, put them together with 'vocoscope convert'")
  }

  /// The directory of the tower that `mm_vision_tower` names.
  private static func named(
    _ name: String, _ decoder: PublishedDecoder, _ cache: HuggingFaceCache
  ) throws(CheckpointError) -> HuggingFaceCache.Found {
    let problem: String
    do {
      let found = try cache.directory(name)
      if Directory.exists(found.path) { return found }
      problem = "\(printableName(name)): no such directory"
    } catch { problem = error.description }
    throw .malformed(
      path: decoder.configPath, problem: "mm_vision_tower: \(problem); name a CLIP directory with --vision")
  }

  /// `preprocessor_config.json`, or `processor_config.json` where transformers 5 nests it, or CLIP's statistics.
  func preprocessor(imageSize: Int) throws(CheckpointError) -> ImageProcessorConfiguration {
    for directory in directories {
      if let found = try ImageProcessorConfiguration.read(directory: directory, imageSize: imageSize) { return found }
    }
    return .clip(imageSize: imageSize)
  }
}

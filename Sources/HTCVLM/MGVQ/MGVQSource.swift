import Files
import Foundation
package import Safetensors
package import Tensor
import WeightFormats

/// Where a quantizer comes from: an HTC-VLM checkpoint directory, a directory of weights without `config.json`, or one
/// file of weights, which may hold the codebooks of any vector quantizer.
package struct MGVQSource: Sendable {
  package let path: String
  package let name: String
  package let tensors: [String: StoredTensor]
  let weights: WeightIdentity
  package let dict: MGVQStateDict
  /// The codebooks of a quantizer that is no MGVQ.
  package let stack: CodebookStack?
  /// `nil` for a bare state dict.
  package let checkpoint: CheckpointDirectory?

  /// The side that a bare state dict encodes pictures at unless told: HTC-VLM's.
  package static let imageSize = 336

  /// Opens `path`; `imageSize` is for a state dict without a configuration, `codebook` what the names of the codebooks
  /// begin with in a file that holds several kinds.
  ///
  /// - Throws: `CheckpointError` naming the file, and the key or tensor in it, that cannot be used.
  package init(path: String, imageSize: Int = imageSize, codebook: String? = nil) throws(CheckpointError) {
    self.path = path
    let isDirectory = Directory.exists(path)
    let url = URL(fileURLWithPath: path)
    name = url.standardizedFileURL.lastPathComponent
    if !isDirectory, FileManager.default.fileExists(atPath: path) {
      checkpoint = nil
      let file = try WeightFiles(file: path)
      (tensors, weights) = (file.tensors, WeightIdentity(file.files))
      (dict, stack) = try Self.found(tensors, path: path, imageSize: imageSize, codebook: codebook)
    } else if isDirectory, !FileManager.default.fileExists(atPath: url.appendingPathComponent("config.json").path) {
      checkpoint = nil
      let only = try Self.onlyFile(path)
      let file = try WeightFiles(file: only)
      (tensors, weights) = (file.tensors, WeightIdentity(file.files))
      (dict, stack) = try Self.found(tensors, path: only, imageSize: imageSize, codebook: codebook)
    } else {
      let directory = try CheckpointDirectory(path: path)
      checkpoint = directory
      (tensors, weights) = (directory.tensors, directory.weights)
      (dict, stack) = (try MGVQStateDict(directory), nil)
    }
  }

  /// An MGVQ, else the codebooks of whatever quantizer it is.
  private static func found(
    _ tensors: [String: StoredTensor], path: String, imageSize: Int, codebook: String?
  ) throws(CheckpointError) -> (MGVQStateDict, CodebookStack?) {
    // What no other quantizer's file has: MGVQ's networks, its buffer, or a convolution of several groups.
    let isMGVQ = tensors.contains { name, tensor in
      let isGrouped =
        name.hasSuffix("quant_conv.weight") && !name.hasSuffix("post_quant_conv.weight") && tensor.shape.count == 4
        && tensor.shape[0] > tensor.shape[1] && tensor.shape[0] % max(1, tensor.shape[1]) == 0
      return isGrouped || name.contains("encoder.stages.") || name.hasSuffix("quantize.embed_prob")
    }
    if codebook == nil, isMGVQ { return (try MGVQStateDict(tensors: tensors, path: path, imageSize: imageSize), nil) }
    let stack = try CodebookStack(tensors: tensors, path: path, key: codebook)
    return (MGVQStateDict(stack: stack), stack)
  }

  private init(
    path: String, name: String, tensors: [String: StoredTensor], weights: WeightIdentity, dict: MGVQStateDict,
    checkpoint: CheckpointDirectory?
  ) {
    self.path = path
    self.name = name
    self.tensors = tensors
    self.weights = weights
    self.dict = dict
    stack = nil
    self.checkpoint = checkpoint
  }

  /// What `source` names: for a directory or a file, `init(path:imageSize:)`; for parts, all of them.
  package init(opening source: CheckpointSource, imageSize: Int = imageSize, codebook: String? = nil) throws {
    if case .directory(let path) = source, !FileManager.default.fileExists(atPath: "\(path)/config.json") {
      try self.init(path: path, imageSize: imageSize, codebook: codebook)
      return
    }
    let checkpoint = try source.open()
    self.init(
      path: checkpoint.path, name: checkpoint.name, tensors: checkpoint.tensors,
      weights: checkpoint.weights, dict: try MGVQStateDict(checkpoint), checkpoint: checkpoint)
  }

  /// The one safetensors file of a directory.
  private static func onlyFile(_ directory: String) throws(CheckpointError) -> String {
    let names = (try? Directory.ownNames(directory)) ?? []
    let files = names.filter { $0.hasSuffix(".safetensors") }
    guard files.count == 1 else {
      let found = files.isEmpty ? "no .safetensors file" : "\(files.count) .safetensors files"
      throw .malformed(
        path: directory, problem: "holds no config.json and \(found), so it is neither a checkpoint nor a state dict")
    }
    return URL(fileURLWithPath: directory).appendingPathComponent(files[0]).path
  }
}

/// The codebooks of a vector quantizer of any kind, found in its weights by key and shape: VQGAN's and LlamaGen's
/// `quantize.embedding.weight`, vector-quantize-pytorch's `_codebook.embed`, and the moving-average `embed` of VQ-VAE-2;
/// one alone, several heads, or the layers of a residual or grouped stack.
package struct CodebookStack: Sendable {
  /// The tensors, in the stack's order.
  package let names: [String]
  /// How many codebooks of K codes there are.
  package let groups: Int
  /// `[G·K, d]`: group g owns rows g·K ..< (g+1)·K.
  package let embedding: Tensor
  /// How often training chose each code lately, `[G·K]`; nil without such a buffer.
  package let clusterSizes: [Float]?

  /// Finds the codebooks; those of one file must be of one shape, unless `key` says with which text their names begin.
  ///
  /// - Throws: `CheckpointError` naming what was found instead.
  package init(tensors: [String: StoredTensor], path: String, key: String? = nil) throws(CheckpointError) {
    let found = tensors.values.filter { key.map($0.name.hasPrefix) ?? true }.compactMap { Entry($0, tensors) }
      .sorted { numericOrder($0.name).lexicographicallyPrecedes(numericOrder($1.name)) }
    guard let first = found.first else {
      throw .malformed(
        path: path,
        problem:
          "holds no codebook: no tensor is called quantize.embedding.weight, _codebook.embed or the like"
          + (key.map { " below \(printableName($0))" } ?? ""))
    }
    if let other = found.first(where: { $0.codes != first.codes || $0.dimension != first.dimension }) {
      throw .malformed(
        path: path,
        problem:
          "holds codebooks of several shapes, \(printableName(first.name)) of \(first.codes) codes and \(printableName(other.name)) of "
          + "\(other.codes); --codebook NAME chooses one")
    }
    for entry in found {
      let sizes = entry.sizes.map { Tensor(shape: [$0.count], values: $0) }
      if let value = entry.table.firstNotFinite() ?? sizes?.firstNotFinite() {
        throw .tensor(path: path, name: entry.name, problem: value.problem)
      }
    }
    names = found.map(\.name)
    groups = found.reduce(0) { $0 + $1.heads }
    embedding = Tensor.concatenate(found.map(\.table))
    let sizes = found.compactMap(\.sizes)
    clusterSizes = sizes.count == found.count ? sizes.flatMap { $0 } : nil
  }

  /// One tensor of codes.
  private struct Entry {
    let name: String
    let heads: Int
    let codes: Int
    let dimension: Int
    /// `[heads·K, d]`.
    let table: Tensor
    let sizes: [Float]?

    /// What a codebook's key ends with, after what says that it is a quantizer's.
    private static let endings = ["embedding.weight", "codebook.weight", "embed", "codebook", "embedding"]
    private static let words = ["quantiz", "codebook", "vq", "rvq"]

    init?(_ tensor: StoredTensor, _ all: [String: StoredTensor]) {
      let parts = tensor.name.split(separator: ".")
      let isCodebook = Self.endings.contains { tensor.name == $0 || tensor.name.hasSuffix(".\($0)") }
      let isQuantizer = parts.contains { part in Self.words.contains { part.lowercased().contains($0) } }
      guard isCodebook, isQuantizer || parts.last == "embed", tensor.dtype.isWeight, tensor.count > 0 else {
        return nil
      }
      let parent = parts.dropLast().joined(separator: ".")
      let counts = all[parent.isEmpty ? "cluster_size" : "\(parent).cluster_size"]
      name = tensor.name
      switch tensor.shape.count {
      case 3:
        (heads, codes, dimension) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
        table = tensor.float32().reshaped([heads * codes, dimension])
      case 2:
        // VQ-VAE-2 keeps its codes as columns; its counts tell which extent is theirs.
        let isTransposed = counts?.shape == [tensor.shape[1]] && tensor.shape[0] != tensor.shape[1]
        heads = 1
        table = isTransposed ? tensor.float32().transposed() : tensor.float32()
        (codes, dimension) = (table.shape[0], table.shape[1])
      default: return nil
      }
      guard codes > 1 else { return nil }
      let rows = heads * codes
      sizes = counts.flatMap { $0.dtype.isWeight && $0.count == rows ? $0.float32().values : nil }
    }
  }
}

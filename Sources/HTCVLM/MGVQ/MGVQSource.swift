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
    let names = (try? Directory.names(directory)) ?? []
    let files = names.filter { $0.hasSuffix(".safetensors") }
    guard files.count == 1 else {
      let found = files.isEmpty ? "no .safetensors file" : "\(files.count) .safetensors files"
      throw .malformed(
        path: directory, problem: "holds no config.json and \(found), so it is neither a checkpoint nor a state dict")
    }
    return URL(fileURLWithPath: directory).appendingPathComponent(files[0]).path
  }
}

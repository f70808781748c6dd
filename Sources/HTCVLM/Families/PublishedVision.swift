import Foundation
import JSON
import Tensor
import WeightFormats

/// The vision tower of a CLIP directory as transformers writes it, a whole CLIP or the tower alone.
struct PublishedVision {
  /// `vision_config`.
  let document: JSONValue
  let imageSize: Int
  /// By names that begin with `vision_model.`.
  let tensors: [String: StoredTensor]
  let headerBytes: [UInt8]
  private let directory: String

  private static let root = "vision_model."
  /// What the tower's keys begin with where newer releases leave the root out.
  private static let bare = ["embeddings.", "pre_layrnorm.", "encoder.", "post_layernorm."]

  init(directory: String) throws(CheckpointError) {
    self.directory = directory
    let path = "\(directory)/config.json"
    let whole = try JSONValue(file: path)
    document = whole["vision_config"] ?? whole
    imageSize = try JSONReader(path: path, prefix: "", object: document).integer("image_size", in: 1...4096)
    var tensors: [String: StoredTensor] = [:]
    let files = try WeightFiles(directory: directory)
    headerBytes = files.headerBytes
    for (name, tensor) in files.tensors {
      if name.hasPrefix(Self.root) {
        tensors[name] = tensor
      } else if Self.bare.contains(where: name.hasPrefix) {
        tensors[Self.root + name] = tensor
      }
    }
    guard !tensors.isEmpty else {
      throw .malformed(
        path: directory, problem: "holds no tensor of a CLIP vision tower, such as vision_model.embeddings.…")
    }
    self.tensors = tensors
  }

  /// What the directory says of pictures, or CLIP's own steps.
  func preprocessor() throws(CheckpointError) -> ImageProcessorConfiguration {
    try ImageProcessorConfiguration(directory: directory, imageSize: imageSize)
  }
}

/// An MGVQ state dict, in PyTorch's format or as safetensors.
struct PublishedQuantizer {
  let configuration: MGVQConfiguration
  /// By the released names.
  let tensors: [String: StoredTensor]
  let headerBytes: [UInt8]

  init(path: String, imageSize: Int) throws(CheckpointError) {
    let files = try WeightFiles(file: path)
    let found = files.tensors
    headerBytes = files.headerBytes
    let dict = try MGVQStateDict(tensors: found, path: path, imageSize: imageSize)
    guard let configuration = dict.configuration else {
      throw .malformed(path: path, problem: "holds a codebook, but no encoder.* to go with it")
    }
    self.configuration = configuration
    tensors = Dictionary(
      uniqueKeysWithValues: found.filter { $0.key.hasPrefix(dict.prefix) }.map {
        (String($0.key.dropFirst(dict.prefix.count)), $0.value)
      })
  }
}

extension MGVQConfiguration {
  /// `mgvq_config`.
  var json: JSONValue {
    func stages(_ side: String, _ stages: [Stage]) -> [JSONMember] {
      [
        JSONMember("\(side)_width_list", .array(stages.map { .integer($0.width) })),
        JSONMember("\(side)_depth_list", .array(stages.map { .integer($0.depth) })),
        JSONMember("\(side)_block_type", .array(stages.map { .string($0.block.rawValue) })),
        JSONMember("\(side)_norm", .array(stages.map { .string($0.norm.rawValue) })),
        JSONMember("\(side)_act", .array(stages.map { .string($0.activation.rawValue) })),
      ]
    }
    return .object(
      [
        JSONMember("latent_channels", .integer(latentChannels)), JSONMember("codebook_size", .integer(codebookSize)),
        JSONMember("codebook_groups", .integer(groups)), JSONMember("image_size", .integer(imageSize)),
      ] + stages("encoder", encoder) + stages("decoder", decoder))
  }
}

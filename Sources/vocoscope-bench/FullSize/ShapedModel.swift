import HTCVLM
import JSON
import Safetensors
import Tensor
import Tokenization
import Trace
import WeightFormats

/// What a measurement varies of a checkpoint's shape.
struct ModelShape: Codable, Hashable {
  var layers: Int
  /// Patches along a side of the picture.
  var grid: Int
  var mask: String

  /// Positions up to the voco token: bos, anchors, patches, voco.
  func tokens(anchors: Int) -> Int { 1 + anchors + grid * grid + 1 }
}

/// A checkpoint of random weights from which models of other shapes are made: of fewer layers, of larger pictures, under
/// the other mask.
struct ShapedCheckpoint {
  let directory: CheckpointDirectory
  private let document: JSONValue
  private let tokenizer: SentencePieceTokenizer

  init(path: String) throws {
    directory = try CheckpointDirectory(path: path)
    document = try JSONValue(file: "\(path)/config.json")
    tokenizer = try SentencePieceTokenizer(path: directory.tokenizerPath)
  }

  var shape: ModelShape {
    let configuration = directory.configuration
    return ModelShape(
      layers: configuration.layers, grid: configuration.vision.grid, mask: configuration.visualMask.rawValue)
  }

  func configuration(_ shape: ModelShape) throws -> HTCVLMConfiguration {
    let size = shape.grid * directory.configuration.vision.patchSize
    let vision = (document["vision_config"] ?? .null).replacing("image_size", .integer(size))
    let changed = document.replacing("num_hidden_layers", .integer(shape.layers))
      .replacing("visual_mask", .string(shape.mask)).replacing("vision_config", vision)
    return try HTCVLMConfiguration(document: changed, path: "\(directory.path)/config.json")
  }

  /// The 8-bit integers of all layers; made on first use, which takes minutes.
  func integers() throws -> Int8Weights {
    try directory.int8Weights(keys: HTCVLMModel.int8Keys(directory.configuration), cacheDirectory: nil)
  }

  /// A model of this shape; positions that the file lacks are zero.
  func model(_ shape: ModelShape, int8: Int8Weights? = nil) throws -> HTCVLMModel {
    let configuration = try configuration(shape)
    let vision = configuration.vision
    var tensors = directory.tensors
    let positions = "model.vision_tower.vision_tower.vision_model.embeddings.position_embedding.weight"
    if tensors[positions]?.shape.first != vision.patches + 1 {
      tensors[positions] = StoredTensor(name: positions, tensor: .zeros([vision.patches + 1, vision.hiddenSize]))
    }
    return try HTCVLMModel(
      configuration: configuration, preprocessor: .clip(imageSize: vision.imageSize), tensors: tensors,
      tokenizer: tokenizer, checkpoint: directory.path, int8: int8)
  }
}

extension JSONValue {
  /// An object with the member `key` set to `value`.
  fileprivate func replacing(_ key: String, _ value: JSONValue) -> JSONValue {
    guard case .object(let object) = self else { return self }
    return .object(object.members.filter { $0.key != key } + [JSONMember(key, value)])
  }
}

extension HTCVLMModel {
  /// A prompt that makes `count` tokens with its template, or as few more as there can be.
  func prompt(ofTokens count: Int) throws -> String {
    var prompt = "?"
    while try tokenize(prompt).count < count { prompt += " a" }
    return prompt
  }
}

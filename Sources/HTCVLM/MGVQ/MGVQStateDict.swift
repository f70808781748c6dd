import Files
import JSON
package import Safetensors
package import Tensor

/// An MGVQ state dict (arXiv 2507.07997, released code) found among tensors, with the shape that they tell.
package struct MGVQStateDict: Sendable {
  /// What the keys begin with, its dot included: empty for a bare state dict, `model.mgvq.` in an HTC-VLM checkpoint.
  package let prefix: String
  /// Groups, each with a codebook of its own.
  package let groups: Int
  /// `nil` when the tensors hold a codebook but not the networks around it.
  package let configuration: MGVQConfiguration?

  /// The side that pictures are encoded at, by the latent's channels and how many times smaller its grid is.
  typealias ImageSize = (_ channels: Int, _ reduction: Int) throws(CheckpointError) -> Int

  private static let embedding = "quantize.embedding.weight"

  /// Reads the shape off the tensors of the file at `path`.
  ///
  /// Two things leave no trace in tensors: activations are those that the released models pair with a norm (ReLU with
  /// batch norm, SiLU otherwise), and `imageSize` is the side that pictures are encoded at.
  ///
  /// - Throws: `CheckpointError` naming the tensor that is missing or does not fit.
  package init(tensors: [String: StoredTensor], path: String, imageSize: Int) throws(CheckpointError) {
    try self.init(tensors: tensors, path: path) { (_, _) throws(CheckpointError) in imageSize }
  }

  init(tensors: [String: StoredTensor], path: String, imageSize: ImageSize) throws(CheckpointError) {
    let found = tensors.keys.filter { $0 == Self.embedding || $0.hasSuffix(".\(Self.embedding)") }.sorted()
    guard let name = found.first, let table = tensors[name] else {
      throw .malformed(path: path, problem: "holds no MGVQ state dict: no tensor is called \(Self.embedding)")
    }
    guard found.count == 1 else {
      throw .malformed(path: path, problem: "holds \(found.count) MGVQ state dicts, such as \(printableName(found[1]))")
    }
    let prefix = String(name.dropLast(Self.embedding.count))
    guard table.shape.count == 2, table.count > 0, table.dtype.isWeight else {
      throw .tensor(
        path: path, name: name, problem: "is \(table.dtype.rawValue) \(table.shape), expected floats [codes, channels]")
    }
    let dimension = table.shape[1]
    let groups: Int
    if let convolution = tensors["\(prefix)quant_conv.weight"] {
      guard convolution.shape.count == 4, convolution.shape[1] == dimension, convolution.shape[0] % dimension == 0,
        convolution.shape[0] > 0
      else {
        throw .tensor(
          path: path, name: "\(prefix)quant_conv.weight",
          problem: "is \(convolution.shape), expected [C, \(dimension), 1, 1] beside codes of \(dimension) values")
      }
      groups = convolution.shape[0] / dimension
    } else if let probabilities = tensors["\(prefix)quantize.embed_prob"], probabilities.shape.count == 2 {
      groups = probabilities.shape[0]
    } else {
      throw .tensor(
        path: path, name: "\(prefix)quant_conv.weight", problem: "is missing: it tells how many groups share the codes")
    }
    guard groups > 0, table.shape[0] % groups == 0 else {
      throw .tensor(
        path: path, name: name, problem: "has \(table.shape[0]) rows, which \(groups) groups cannot share evenly")
    }
    self.prefix = prefix
    self.groups = groups
    let own = Dictionary(
      uniqueKeysWithValues: tensors.filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value.shape)
      })
    guard own.keys.contains(where: { $0.hasPrefix("encoder.") }) else {
      configuration = nil
      return
    }
    let document = try Self.document(
      Networks(shapes: own, path: path), latentChannels: groups * dimension, codes: table.shape[0], groups: groups,
      imageSize: imageSize)
    configuration = try MGVQConfiguration(JSONReader(path: path, prefix: "mgvq_config.", object: document))
  }

  /// What stands for the state dict of another kind of quantizer: its codebooks, and no networks.
  init(stack: CodebookStack) {
    prefix = ""
    groups = stack.groups
    configuration = nil
  }

  /// The state dict of a checkpoint, whose configuration is at hand.
  ///
  /// - Throws: `CheckpointError` if the codebook is missing or of another shape than the configuration says.
  package init(_ directory: CheckpointDirectory) throws(CheckpointError) {
    guard let configuration = directory.configuration.mgvq else {
      throw .malformed(path: directory.path, problem: "holds \(directory.family.withArticle) without a quantizer")
    }
    prefix = "model.mgvq."
    groups = configuration.groups
    self.configuration = configuration
    let name = prefix + Self.embedding
    let expected = [configuration.codebookSize, configuration.channelsPerGroup]
    guard let table = directory.tensors[name] else {
      throw .tensor(path: directory.path, name: name, problem: "is missing")
    }
    guard table.shape == expected, table.dtype.isWeight else {
      throw .tensor(
        path: directory.path, name: name,
        problem: "is \(table.dtype.rawValue) \(table.shape), expected floats \(expected)")
    }
  }

  /// What `mgvq_config` would say.
  private static func document(
    _ networks: Networks, latentChannels: Int, codes: Int, groups: Int, imageSize: ImageSize
  ) throws(CheckpointError) -> JSONValue {
    let encoder = try networks.stages("encoder")
    let side = try imageSize(latentChannels, MGVQConfiguration.reduction(encoder.map(\.depth)))
    let decoder = networks.has("decoder") ? try networks.stages("decoder") : encoder
    func list(_ key: String, _ stages: [Networks.Stage], _ value: (Networks.Stage) -> JSONValue) -> JSONMember {
      JSONMember(key, .array(stages.map(value)))
    }
    return .object([
      JSONMember("latent_channels", .integer(latentChannels)), JSONMember("codebook_size", .integer(codes)),
      JSONMember("codebook_groups", .integer(groups)), JSONMember("image_size", .integer(side)),
      list("encoder_width_list", encoder) { .integer($0.width) },
      list("encoder_depth_list", encoder) { .integer($0.depth) },
      list("encoder_block_type", encoder) { .string($0.block.rawValue) },
      list("encoder_norm", encoder) { .string($0.norm.rawValue) },
      list("encoder_act", encoder) { .string($0.activation.rawValue) },
      list("decoder_width_list", decoder) { .integer($0.width) },
      list("decoder_depth_list", decoder) { .integer($0.depth) },
      list("decoder_block_type", decoder) { .string($0.block.rawValue) },
      list("decoder_norm", decoder) { .string($0.norm.rawValue) },
      list("decoder_act", decoder) { .string($0.activation.rawValue) },
    ])
  }
}

/// The stages of an encoder or decoder as its keys and shapes tell.
private struct Networks {
  struct Stage {
    var width: Int
    var depth: Int
    var block: MGVQConfiguration.Block
    var norm: MGVQConfiguration.Norm
    /// The released models pair ReLU with batch norm and SiLU with RMSNorm2d.
    var activation: MGVQConfiguration.Activation { norm == .batchNorm2D ? .relu : .silu }
  }

  /// Shapes by the keys below the state dict's prefix.
  let shapes: [String: [Int]]
  let path: String

  func has(_ network: String) -> Bool { shapes.keys.contains { $0.hasPrefix("\(network).") } }

  /// Shallow to deep; a stage without a key is one of depth 0.
  func stages(_ network: String) throws(CheckpointError) -> [Stage] {
    let numbers = shapes.keys.compactMap { key -> Int? in
      let parts = key.split(separator: ".", maxSplits: 3)
      return parts.count > 2 && parts[0] == network && parts[1] == "stages" ? Int(parts[2]) : nil
    }
    guard let last = numbers.max(), (1..<12).contains(last) else {
      throw .malformed(path: path, problem: "has \(network) tensors, but no stages \(network).stages.0 to .11 in them")
    }
    var stages: [Stage?] = []
    for number in 0...last { stages.append(try stage("\(network).stages.\(number).op_list")) }
    // The width of an empty stage is that of the next one: nothing between them changes it.
    var deeper: Stage?
    for number in (0...last).reversed() {
      if let own = stages[number] {
        deeper = own
      } else if let next = deeper {
        stages[number] = Stage(width: next.width, depth: 0, block: next.block, norm: next.norm)
      }
    }
    return stages.compactMap { $0 }
  }

  /// The stage whose operations are `operations.0`, `operations.1`, …; `nil` if it has no block.
  private func stage(_ operations: String) throws(CheckpointError) -> Stage? {
    var stage: Stage?
    for index in 0..<256 {
      let own = "\(operations).\(index)"
      if let shape = shapes["\(own).main.conv1.conv.weight"] {
        stage = try joined(stage, .resBlock, shape, norm: "\(own).main.conv2.norm", "\(own).main.conv1.conv.weight")
      } else if let shape = shapes["\(own).context_module.main.proj.conv.weight"] {
        stage = try joined(
          stage, .eViTGLU, shape, norm: "\(own).context_module.main.proj.norm",
          "\(own).context_module.main.proj.conv.weight")
      } else if shapes["\(own).main.conv.conv.weight"] == nil {
        break
      }
    }
    return stage
  }

  /// The stage with one more block whose first extent is its width.
  private func joined(
    _ stage: Stage?, _ block: MGVQConfiguration.Block, _ shape: [Int], norm: String, _ name: String
  ) throws(CheckpointError) -> Stage {
    guard let width = shape.first, stage == nil || stage?.width == width && stage?.block == block else {
      throw .tensor(path: path, name: name, problem: "is \(shape), unlike the block before it in its stage")
    }
    return Stage(
      width: width, depth: (stage?.depth ?? 0) + 1, block: block,
      norm: shapes["\(norm).running_mean"] == nil ? .rmsNorm2D : .batchNorm2D)
  }
}

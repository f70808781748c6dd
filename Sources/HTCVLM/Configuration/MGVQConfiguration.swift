import JSON
import Safetensors

/// `mgvq_config`: the multi-group vector quantizer (MGVQ, arXiv 2507.07997).
package struct MGVQConfiguration: Sendable, Hashable {
  package enum Block: String, Sendable, CaseIterable {
    case resBlock = "ResBlock"
    case eViTGLU = "EViT_GLU"
  }

  package enum Norm: String, Sendable, CaseIterable {
    case batchNorm2D = "bn2d"
    case rmsNorm2D = "trms2d"
  }

  package enum Activation: String, Sendable, CaseIterable { case relu, silu }

  /// One resolution of the encoder or the decoder; stage 0 is the finest.
  package struct Stage: Sendable, Hashable {
    package let width: Int
    /// Blocks; a stage of depth 0 has neither blocks nor a change of resolution.
    package let depth: Int
    package let block: Block
    package let norm: Norm
    package let activation: Activation
  }

  package let latentChannels: Int
  /// Codes of all groups together.
  package let codebookSize: Int
  package let groups: Int
  /// Side of the square input in pixels.
  package let imageSize: Int
  package let encoder: [Stage]
  package let decoder: [Stage]

  package var codesPerGroup: Int { codebookSize / groups }
  package var channelsPerGroup: Int { latentChannels / groups }
  /// Side of the latent grid.
  package var latentSize: Int { imageSize / Self.reduction(encoder.map(\.depth)) }

  init(_ reader: JSONReader) throws(CheckpointError) {
    latentChannels = try reader.integer("latent_channels", in: 1...65536)
    codebookSize = try reader.integer("codebook_size")
    groups = try reader.integer("codebook_groups", in: 1...latentChannels)
    imageSize = try reader.integer("image_size", in: 1...4096)
    encoder = try Self.stages(reader, "encoder")
    decoder = try Self.stages(reader, "decoder")
    try check(reader)
  }

  private func check(_ reader: JSONReader) throws(CheckpointError) {
    guard latentChannels % groups == 0, codebookSize % groups == 0 else {
      throw reader.fault(
        "codebook_groups", .integer(groups),
        expected: "a divisor of latent_channels, \(latentChannels), and codebook_size, \(codebookSize)")
    }
    let reduction = Self.reduction(encoder.map(\.depth))
    guard imageSize % reduction == 0 else {
      throw reader.fault(
        "image_size", .integer(imageSize), expected: "a multiple of \(reduction), the encoder's reduction")
    }
    guard latentChannels * latentSize * latentSize <= largestSize else {
      throw reader.fault(
        "latent_channels", .integer(latentChannels),
        expected: "at most \(largestSize) values in \(latentSize) × \(latentSize) places")
    }
    guard Self.reduction(decoder.map(\.depth)) == reduction else {
      throw reader.fault(
        "decoder_depth_list", .array(decoder.map { .integer($0.depth) }),
        expected: "stages that enlarge by \(reduction), as the encoder reduces")
    }
  }

  /// How many times smaller the latent grid is: each stage with blocks but the last halves, and so does `project_in`
  /// where the first stage has none.
  static func reduction(_ depths: [Int]) -> Int {
    1 << (depths.dropLast().filter { $0 > 0 }.count + (depths.first == 0 ? 1 : 0))
  }

  private static func stages(_ reader: JSONReader, _ side: String) throws(CheckpointError) -> [Stage] {
    let widths = try reader.integers("\(side)_width_list", in: 1...65536)
    let depths = try reader.integers("\(side)_depth_list", in: 0...256)
    guard 2...12 ~= widths.count else {
      throw reader.fault("\(side)_width_list", .array(widths.map(JSONValue.integer)), expected: "2 to 12 widths")
    }
    guard depths.count == widths.count else {
      throw reader.fault(
        "\(side)_depth_list", .array(depths.map(JSONValue.integer)), expected: "\(widths.count) depths, one a width")
    }
    let blocks = try perStage(reader, "\(side)_block_type", default: Block.resBlock, count: widths.count)
    let norms = try perStage(reader, "\(side)_norm", default: Norm.rmsNorm2D, count: widths.count)
    let activations = try perStage(reader, "\(side)_act", default: Activation.silu, count: widths.count)
    return widths.indices.map {
      Stage(width: widths[$0], depth: depths[$0], block: blocks[$0], norm: norms[$0], activation: activations[$0])
    }
  }

  /// A list of one value a stage, or one string for all stages.
  private static func perStage<Choice: RawRepresentable & CaseIterable>(
    _ reader: JSONReader, _ key: String, default absent: Choice, count: Int
  ) throws(CheckpointError) -> [Choice] where Choice.RawValue == String {
    if case .array? = reader.value(key) {
      let choices = try reader.choices(key, of: Choice.self) ?? []
      guard choices.count == count else {
        throw reader.fault(key, reader.value(key), expected: "\(count) values, one a width")
      }
      return choices
    }
    return [Choice](repeating: try reader.choice(key, default: absent), count: count)
  }
}

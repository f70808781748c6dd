import Tensor
import Trace

/// MGVQ (arXiv 2507.07997): a picture as `groups` grids of code indices, and back.
struct MGVQTokenizer: Sendable {
  static let prefix = "model.mgvq"

  private let encoderShape: MGVQNetworkShape
  private let decoderShape: MGVQNetworkShape
  private let encoding: Lazy<Encoding>
  private let decoding: Lazy<Decoding>
  private let quantizer: Lazy<GroupQuantizer>

  private struct Encoding: Sendable {
    let encoder: MGVQEncoder
    let quantConvolution: Conv2D

    init(_ weights: WeightReader, _ configuration: MGVQConfiguration, _ shape: MGVQNetworkShape) throws(ModelError) {
      var inner = weights.under("encoder")
      inner.usesMinimalFiltering = true
      encoder = try MGVQEncoder(inner, shape)
      quantConvolution = try weights.convolution(
        "quant_conv", inputs: configuration.latentChannels, outputs: configuration.latentChannels, kernel: 1,
        groups: configuration.groups)
    }
  }

  private struct Decoding: Sendable {
    let postQuantConvolution: Conv2D
    let decoder: MGVQDecoder

    init(_ weights: WeightReader, _ configuration: MGVQConfiguration, _ shape: MGVQNetworkShape) throws(ModelError) {
      postQuantConvolution = try weights.convolution(
        "post_quant_conv", inputs: configuration.latentChannels, outputs: configuration.latentChannels, kernel: 1,
        groups: configuration.groups)
      decoder = try MGVQDecoder(weights.under("decoder"), shape)
    }
  }

  /// A picture's codes and what they came from.
  struct Codes: Sendable {
    /// `mgvq.latent` `[C, h, w]`.
    let latent: Tensor
    let grid: CodeGrid
    /// `mgvq.quantized` `[C, h, w]`.
    let quantized: Tensor
  }

  /// `prefix` is what the keys begin with, its dot included; `nil` is an HTC-VLM checkpoint's.
  init(_ weights: WeightReader, _ configuration: MGVQConfiguration, prefix: String? = nil) throws(ModelError) {
    let own = prefix.map(weights.at) ?? weights.under(Self.prefix)
    let encoderShape = try MGVQNetworkShape.encoder(configuration)
    let decoderShape = try MGVQNetworkShape.decoder(configuration)
    self.encoderShape = encoderShape
    self.decoderShape = decoderShape
    encoding = try own.deferred { (own) throws(ModelError) in try Encoding(own, configuration, encoderShape) }
    let (groups, codes) = (configuration.groups, configuration.codebookSize)
    let codebook = try own.stored("quantize.embedding.weight", [codes, configuration.channelsPerGroup])
    own.mention("quantize.codebook_used", [codes])
    own.mention("quantize.embed_prob", [groups, codes / groups])
    decoding = try own.deferred { (own) throws(ModelError) in try Decoding(own, configuration, decoderShape) }
    quantizer = Lazy { GroupQuantizer(embedding: codebook.float32(), groups: groups) }
  }

  /// How often `encode` calls `step`.
  var encodingSteps: Int { encoderShape.steps + 1 }

  /// How often `decode` calls `step`.
  var decodingSteps: Int { decoderShape.steps + 1 }

  /// The codes of a picture `[3, M, M]` in [−1, 1].
  func encode(_ picture: Tensor, step: () throws -> Void) throws -> Codes {
    let encoding = try encoding.get()
    let latent = encoding.quantConvolution(try encoding.encoder(picture, step: step))
    let quantizer = try quantizer.get()
    let grid = quantizer.nearest(latent)
    let codes = Codes(latent: latent, grid: grid, quantized: quantizer.vectors(grid))
    try step()
    return codes
  }

  /// The picture `[3, M, M]` of code vectors `[C, h, w]`, unclipped.
  func decode(_ quantized: Tensor, step: () throws -> Void) throws -> Tensor {
    let decoding = try decoding.get()
    let latent = decoding.postQuantConvolution(quantized)
    try step()
    return try decoding.decoder(latent, step: step)
  }

  /// The codebooks, for neighbours and margins.
  func codebook() throws -> GroupQuantizer { try quantizer.get() }
}

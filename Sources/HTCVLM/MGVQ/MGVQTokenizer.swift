import Tensor
import Trace
import WeightFormats

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
  }

  private struct Decoding: Sendable {
    let postQuantConvolution: Conv2D
    let decoder: MGVQDecoder
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
    let own =
      prefix.map { WeightReader(tensors: weights.tensors, checkpoint: weights.checkpoint, prefix: $0) }
      ?? weights.under(Self.prefix)
    let encoderShape = try MGVQNetworkShape.encoder(configuration)
    let decoderShape = try MGVQNetworkShape.decoder(configuration)
    self.encoderShape = encoderShape
    self.decoderShape = decoderShape
    let (channels, groups) = (configuration.latentChannels, configuration.groups)
    let codebook = try own.stored(
      "quantize.embedding.weight", [configuration.codebookSize, channels / groups])
    encoding = Lazy {
      var weights = own.under("encoder")
      weights.usesMinimalFiltering = true
      return Encoding(
        encoder: try MGVQEncoder(weights, encoderShape),
        quantConvolution: try own.convolution(
          "quant_conv", inputs: channels, outputs: channels, kernel: 1, groups: groups))
    }
    decoding = Lazy {
      Decoding(
        postQuantConvolution: try own.convolution(
          "post_quant_conv", inputs: channels, outputs: channels, kernel: 1, groups: groups),
        decoder: try MGVQDecoder(own.under("decoder"), decoderShape))
    }
    quantizer = Lazy { GroupQuantizer(embedding: try own.finite(codebook), groups: groups) }
  }

  static func list(_ list: inout TensorList, _ configuration: MGVQConfiguration) throws(ModelError) {
    let encoder = try MGVQNetworkShape.encoder(configuration)
    let decoder = try MGVQNetworkShape.decoder(configuration)
    let (channels, groups) = (configuration.latentChannels, configuration.groups)
    list.under(prefix) { own in
      own.under("encoder") { MGVQEncoder.list(&$0, encoder) }
      own.convolution("quant_conv", inputs: channels, outputs: channels, kernel: 1, groups: groups)
      own.tensor("quantize.embedding.weight", [configuration.codebookSize, channels / groups])
      own.tensor("quantize.codebook_used", [configuration.codebookSize], required: false)
      own.tensor("quantize.embed_prob", [groups, configuration.codebookSize / groups], required: false)
      own.convolution("post_quant_conv", inputs: channels, outputs: channels, kernel: 1, groups: groups)
      own.under("decoder") { MGVQDecoder.list(&$0, decoder) }
    }
  }

  /// How often `encode` calls `step`.
  var encodingSteps: Int { encoderShape.steps + 1 }

  /// How often `decode` calls `step`.
  var decodingSteps: Int { decoderShape.steps + 1 }

  /// The codes of a picture `[3, M, M]` in [−1, 1].
  func encode(_ picture: Tensor, step: () throws -> Void) throws -> Codes {
    let encoding = try encoding.get()
    let latent = encoding.quantConvolution(try encoding.encoder(picture, step: step))
    try requireFinite(latent, "quantizer's latent")
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
    let picture = try decoding.decoder(latent, step: step)
    try requireFinite(picture, "decoded picture")
    return picture
  }

  /// The codebooks, for neighbours and margins.
  func codebook() throws -> GroupQuantizer { try quantizer.get() }
}

package import Tensor
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
      var inner = weights.under("decoder")
      inner.usesMinimalFiltering = true
      decoder = try MGVQDecoder(inner, shape)
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
    quantizer = Lazy { GroupQuantizer(embedding: try own.finite(codebook), groups: groups) }
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

/// MGVQ's multi-group quantizer (arXiv 2507.07997): each group of channels has a codebook of its own, and the nearest
/// code is the one of the largest cosine.
package struct GroupQuantizer: Sendable {
  package let groups: Int
  /// Codes of one group; the file's `codebook_size` is the total over groups.
  package let codesPerGroup: Int
  /// Channels of one group.
  package let dimension: Int
  /// The L2-normalized codes, `[G · codesPerGroup, dimension]`: group g owns rows g · codesPerGroup and on.
  package let codes: Tensor

  /// `embedding` is `quantize.embedding.weight` `[codebook_size, dimension]`.
  init(embedding: Tensor, groups: Int) {
    self.groups = groups
    codesPerGroup = embedding.shape[0] / groups
    dimension = embedding.shape[1]
    codes = normalizedRows(embedding)
  }

  /// The nearest code of each group at each position of `latent` `[C, h, w]`.
  func nearest(_ latent: Tensor) -> CodeGrid {
    let (height, width) = (latent.shape[1], latent.shape[2])
    var indices: [Int32] = []
    indices.reserveCapacity(groups * height * width)
    for group in 0..<groups {
      let channels = latent[rows: group * dimension..<(group + 1) * dimension]
      let vectors = normalizedRows(channels.reshaped([dimension, height * width]).transposed())
      let codebook = codes[rows: group * codesPerGroup..<(group + 1) * codesPerGroup]
      indices += largestCosines(vectors, codebook)
    }
    return CodeGrid(groups: groups, height: height, width: width, indices: indices)
  }

  /// The normalized code vectors of `grid`, `[C, h, w]`; groups outside `kept` read zero.
  func vectors(_ grid: CodeGrid, keeping kept: Range<Int>? = nil) -> Tensor {
    let positions = grid.height * grid.width
    let kept = kept ?? 0..<groups
    var values = [Float](repeating: 0, count: groups * dimension * positions)
    for group in kept {
      for position in 0..<positions {
        let code = group * codesPerGroup + Int(grid.indices[group * positions + position])
        for channel in 0..<dimension {
          values[(group * dimension + channel) * positions + position] = codes.values[code * dimension + channel]
        }
      }
    }
    return Tensor(shape: [groups * dimension, grid.height, grid.width], values: values)
  }

  /// For each of `vectors` `[n, d]` the row of `codebook` `[K, d]` with the largest dot product, the first of equals.
  private func largestCosines(_ vectors: Tensor, _ codebook: Tensor) -> [Int32] {
    let (count, codes) = (vectors.shape[0], codebook.shape[0])
    let cosines = matmul(vectors, codebook, transposeB: true)
    return cosines.values.withUnsafeBufferPointer { cosines in
      (0..<count).map { row in
        var best = 0
        for code in 1..<max(codes, 1) where cosines[row * codes + code] > cosines[row * codes + best] { best = code }
        return Int32(best)
      }
    }
  }
}

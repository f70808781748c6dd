import Tensor

/// What a block of a stage is made of; the released f16c32-g8 model uses residual blocks in its shallow stages and
/// EfficientViT blocks in its deep ones.
struct MGVQBlockShape: Sendable, Hashable {
  var kind: MGVQConfiguration.Block
  var channels: Int
  var norm: MGVQConfiguration.Norm
  var activation: Activation
}

/// A block: `[C, H, W]` to the same shape.
enum MGVQBlock: Sendable {
  case residual(ResidualConvolution)
  case efficientViT(EfficientViTBlock)

  init(_ weights: WeightReader, _ shape: MGVQBlockShape) throws(ModelError) {
    switch shape.kind {
    case .resBlock: self = .residual(try ResidualConvolution(weights, shape))
    case .eViTGLU: self = .efficientViT(try EfficientViTBlock(weights, shape))
    }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .residual(let block): block(x)
    case .efficientViT(let block): block(x)
    }
  }
}

/// x + norm(conv3×3(act(conv3×3(x)))), upstream's `ResBlock`.
struct ResidualConvolution: Sendable {
  let first: Conv2D
  let second: Conv2D
  let norm: MGVQNorm
  let activation: Activation

  init(_ weights: WeightReader, _ shape: MGVQBlockShape) throws(ModelError) {
    let main = weights.under("main")
    let channels = shape.channels
    first = try main.convolution("conv1.conv", inputs: channels, outputs: channels, kernel: 3)
    second = try main.convolution("conv2.conv", inputs: channels, outputs: channels, kernel: 3, bias: false)
    norm = try MGVQNorm(main, "conv2.norm", shape.norm, channels: channels)
    activation = shape.activation
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    x + norm(second(activation(first(x))))
  }
}

/// x + LiteMLA(x), then x + GLU-MBConv(x): upstream's `EViT_GLU`, from EfficientViT (arXiv 2205.14756) and DC-AE
/// (arXiv 2410.10733).
struct EfficientViTBlock: Sendable {
  let attention: LinearAttention
  let local: GatedInvertedBottleneck

  init(_ weights: WeightReader, _ shape: MGVQBlockShape) throws(ModelError) {
    attention = try LinearAttention(weights.under("context_module.main"), shape)
    local = try GatedInvertedBottleneck(weights.under("local_module.main"), shape)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let attended = x + attention(x)
    return attended + local(attended)
  }
}

/// The normalization at the end of a block, over channels of `[C, H, W]`.
enum MGVQNorm: Sendable {
  /// x / sqrt(mean over channels of x² + 1e−5) · w + b: upstream's `TritonRMSNorm2d`.
  case rms(weight: Tensor, bias: Tensor)
  /// Inference batch norm with running statistics.
  case batch(mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor)

  /// Reads `key.*`: `kind` is the configuration's name.
  init(_ weights: WeightReader, _ key: String, _ kind: MGVQConfiguration.Norm, channels: Int) throws(ModelError) {
    let weight = try weights.tensor("\(key).weight", [channels])
    let bias = try weights.tensor("\(key).bias", [channels])
    switch kind {
    case .rmsNorm2D:
      self = .rms(weight: weight, bias: bias)
    case .batchNorm2D:
      self = .batch(
        mean: try weights.tensor("\(key).running_mean", [channels]),
        variance: try weights.tensor("\(key).running_var", [channels]),
        weight: weight, bias: bias)
    }
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .rms(let weight, let bias): rmsNorm2D(x, weight: weight, bias: bias)
    case .batch(let mean, let variance, let weight, let bias):
      batchNorm2D(x, mean: mean, variance: variance, weight: weight, bias: bias)
    }
  }
}

/// ReLU linear attention without positions, upstream's `LiteMLA` with no extra scales (EfficientViT, arXiv 2205.14756).
struct LinearAttention: Sendable {
  /// Channels of a head, upstream's `dim`.
  static let headSize = 32
  /// Upstream's `eps`.
  static let epsilon: Float = 1e-15

  let qkv: Conv2D
  let projection: Conv2D
  let norm: MGVQNorm
  let heads: Int

  init(_ weights: WeightReader, _ shape: MGVQBlockShape) throws(ModelError) {
    heads = shape.channels / Self.headSize
    let inner = heads * Self.headSize
    qkv = try weights.convolution("qkv.conv", inputs: shape.channels, outputs: 3 * inner, kernel: 1, bias: false)
    projection = try weights.convolution("proj.conv", inputs: inner, outputs: shape.channels, kernel: 1, bias: false)
    norm = try MGVQNorm(weights, "proj.norm", shape.norm, channels: shape.channels)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let (height, width) = (x.shape[1], x.shape[2])
    let positions = height * width
    let size = Self.headSize
    let joint = qkv(x).reshaped([heads * 3 * size, positions])
    let outputs = (0..<heads).map { head in
      let first = head * 3 * size
      let query = Activation.relu(joint[rows: first..<first + size])
      let key = Activation.relu(joint[rows: first + size..<first + 2 * size])
      let value = joint[rows: first + 2 * size..<first + 3 * size]
      return positions > size ? linear(query, key, value) : quadratic(query, key, value)
    }
    return norm(projection(Tensor.concatenate(outputs).reshaped([heads * size, height, width])))
  }

  /// (v kᵀ) q / ((1 kᵀ) q + ε), all `[size, positions]`: cost linear in positions.
  private func linear(_ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor {
    let positions = value.shape[1]
    let ones = Tensor(shape: [1, positions], values: [Float](repeating: 1, count: positions))
    let state = matmul(Tensor.concatenate([value, ones]), key, transposeB: true)
    let sums = matmul(state, query)
    let size = value.shape[0]
    return Tensor(shape: [size, positions]) { output in
      sums.values.withUnsafeBufferPointer { sums in
        for row in 0..<size {
          for column in 0..<positions {
            output[row * positions + column] =
              sums[row * positions + column] / (sums[size * positions + column] + Self.epsilon)
          }
        }
      }
    }
  }

  /// v A with A = kᵀ q, each column divided by its sum + ε: cheaper for few positions.
  private func quadratic(_ query: Tensor, _ key: Tensor, _ value: Tensor) -> Tensor {
    let positions = value.shape[1]
    let scores = matmul(key.transposed(), query)
    let weights = Tensor(shape: [positions, positions]) { output in
      scores.values.withUnsafeBufferPointer { scores in
        for column in 0..<positions {
          var sum: Float = 0
          for row in 0..<positions { sum += scores[row * positions + column] }
          for row in 0..<positions {
            output[row * positions + column] = scores[row * positions + column] / (sum + Self.epsilon)
          }
        }
      }
    }
    return matmul(value, weights)
  }
}

/// 1×1 to 2·4·C with activation, depthwise 3×3, split into halves a and g, a·act(g), 1×1 back and a norm: upstream's
/// `GLUMBConv` (DC-AE, arXiv 2410.10733).
struct GatedInvertedBottleneck: Sendable {
  /// Upstream's `expand_ratio`.
  static let expansion = 4

  let inverted: Conv2D
  let depthwise: Conv2D
  let pointwise: Conv2D
  let norm: MGVQNorm
  let activation: Activation

  init(_ weights: WeightReader, _ shape: MGVQBlockShape) throws(ModelError) {
    let inner = shape.channels * Self.expansion
    inverted = try weights.convolution("inverted_conv.conv", inputs: shape.channels, outputs: 2 * inner, kernel: 1)
    depthwise = try weights.convolution(
      "depth_conv.conv", inputs: 2 * inner, outputs: 2 * inner, kernel: 3, groups: 2 * inner)
    pointwise = try weights.convolution(
      "point_conv.conv", inputs: inner, outputs: shape.channels, kernel: 1, bias: false)
    norm = try MGVQNorm(weights, "point_conv.norm", shape.norm, channels: shape.channels)
    activation = shape.activation
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let wide = depthwise(activation(inverted(x)))
    let half = wide.shape[0] / 2
    return norm(pointwise(wide[rows: 0..<half] * activation(wide[rows: half..<2 * half])))
  }
}

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

import Tensor

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

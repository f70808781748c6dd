import Tensor

/// The normalisation at the end of a block, over channels of `[C, H, W]`.
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

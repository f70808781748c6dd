internal import CKernels

/// Layer normalization of each row of `x` `[n, D]`; `weight` and `bias` are `[D]`.
///
/// (x − mean) / √(variance + epsilon) · weight + bias, the variance with divisor D (Ba et al., arXiv 1607.06450).
package func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) -> Tensor {
  precondition(x.rank == 2 && weight.shape == [x.shape[1]] && bias.shape == weight.shape, "layerNorm of \(x.shape)")
  return Tensor(shape: x.shape) { y in
    guard let y = y.baseAddress else { return }
    withPointers(x, weight, bias) { x, weight, bias in
      inRows(x.count, width: weight.count) { first, rows in
        kernel_layer_norm(x.start + first, weight.start, bias.start, epsilon, y + first, rows, weight.count)
      }
    }
  }
}

/// x / √(mean(x²) + epsilon) · weight for each row of `x` `[n, D]` (Zhang & Sennrich, arXiv 1910.07467).
package func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
  precondition(x.rank == 2 && weight.shape == [x.shape[1]], "rmsNorm of \(x.shape)")
  return Tensor(shape: x.shape) { y in
    guard let y = y.baseAddress else { return }
    withPointers(x, weight) { x, weight in
      inRows(x.count, width: weight.count) { first, rows in
        kernel_rms_norm(x.start + first, weight.start, epsilon, y + first, rows, weight.count)
      }
    }
  }
}

/// Calls `body` for parts of a matrix of `count` elements with the first element of each and its rows.
private func inRows(_ count: Int, width: Int, _ body: (_ first: Int, _ rows: Int) -> Void) {
  inParallel(count / width, grain: max(1, (1 << 15) / width)) { body($0.lowerBound * width, $0.count) }
}

/// x / √(mean over channels of x² + epsilon) · weight + bias at every place of `x` `[C, H, W]`: the `trms2d` of MGVQ.
package func rmsNorm2D(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5) -> Tensor {
  precondition(x.rank == 3 && weight.shape == [x.shape[0]] && bias.shape == weight.shape, "rmsNorm2D of \(x.shape)")
  let places = x.shape[1] * x.shape[2]
  return Tensor(shape: x.shape) { y in
    guard let y = y.baseAddress else { return }
    withPointers(x, weight, bias) { x, weight, bias in
      inParallel(places, grain: 1 << 10, multipleOf: 16) { part in
        kernel_rms_norm_channels(
          x.start + part.lowerBound, weight.start, bias.start, epsilon, y + part.lowerBound, weight.count, places,
          part.count)
      }
    }
  }
}

/// Batch normalization of `x` `[C, H, W]` with the statistics of training: (x − mean) / √(variance + epsilon) · weight
/// + bias, each `[C]`.
package func batchNorm2D(
  _ x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, epsilon: Float = 1e-5
) -> Tensor {
  precondition(
    x.rank == 3 && [mean, variance, weight, bias].allSatisfy { $0.shape == [x.shape[0]] }, "batchNorm2D of \(x.shape)")
  let channels = 0..<x.shape[0]
  let scale = channels.map {
    Float(Double(weight.values[$0]) / (Double(variance.values[$0]) + Double(epsilon)).squareRoot())
  }
  let shift = channels.map { Float(Double(bias.values[$0]) - Double(mean.values[$0]) * Double(scale[$0])) }
  return Tensor(shape: x.shape) { y in
    withPointers(x) { x in
      kernel_channel_affine(x.start, scale, shift, y.baseAddress, channels.count, x.count / max(channels.count, 1))
    }
  }
}

/// The rows of `x` `[n, D]` over their L2 norm, which is at least 1e−12 as in torch's `F.normalize`.
package func normalizedRows(_ x: Tensor) -> Tensor {
  let (rows, width) = (x.shape[0], x.shape[1])
  return Tensor(shape: x.shape) { output in
    x.values.withUnsafeBufferPointer { input in
      for row in 0..<rows {
        var squares = 0.0
        for column in 0..<width {
          let value = Double(input[row * width + column])
          squares += value * value
        }
        let norm = Float(max(squares.squareRoot(), 1e-12))
        for column in 0..<width { output[row * width + column] = input[row * width + column] / norm }
      }
    }
  }
}

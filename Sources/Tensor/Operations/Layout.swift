import CKernels

extension Tensor {
  /// The transpose of a matrix: `[m, n]` → `[n, m]`.
  package func transposed() -> Tensor {
    precondition(rank == 2, "transpose of \(shape)")
    return permuted([1, 0])
  }

  /// The axes in another order: axis i of the result is axis `axes[i]` of `self`, as `torch.permute` has it.
  package func permuted(_ axes: [Int]) -> Tensor {
    precondition(axes.sorted() == Array(0..<rank), "permute \(shape) by \(axes)")
    let strides = rowMajorStrides(shape)
    return gathered(extents: axes.map { shape[$0] }, strides: axes.map { strides[$0] })
  }

  /// `[C, H, W]` → `[H·W, C]`: one row for each place.
  package func channelsLast() -> Tensor {
    precondition(rank == 3, "channelsLast of \(shape)")
    return reshaped([shape[0], shape[1] * shape[2]]).transposed()
  }

  /// `[H·W, C]` → `[C, H, W]`.
  package func channelsFirst(height: Int, width: Int) -> Tensor {
    precondition(rank == 2 && shape[0] == height * width, "channelsFirst of \(shape) as \(height)×\(width)")
    return transposed().reshaped([shape[1], height, width])
  }

  /// Columns `range` of a matrix `[n, D]`.
  package func columns(_ range: Range<Int>) -> Tensor {
    precondition(rank == 2 && range.lowerBound >= 0 && range.upperBound <= shape[1], "columns \(range) of \(shape)")
    return gathered(extents: [shape[0], range.count], strides: [shape[1], 1], offset: range.lowerBound)
  }

  /// Matrices `[n, Dᵢ]` side by side.
  package static func concatenateColumns(_ tensors: [Tensor]) -> Tensor {
    precondition(!tensors.isEmpty && tensors.allSatisfy { $0.rank == 2 && $0.shape[0] == tensors[0].shape[0] })
    let (rows, width) = (tensors[0].shape[0], tensors.reduce(0) { $0 + $1.shape[1] })
    return Tensor(shape: [rows, width]) { y in
      guard let y = y.baseAddress else { return }
      var column = 0
      for tensor in tensors {
        let count = tensor.shape[1]
        withPointers(tensor) { x in
          for row in 0..<rows { (y + row * width + column).update(from: x.start + row * count, count: count) }
        }
        column += count
      }
    }
  }

  /// The row-major tensor whose element (i, j, …) is element offset + i·strides[0] + j·strides[1] + … of `self`.
  func gathered(extents: [Int], strides: [Int], offset: Int = 0) -> Tensor {
    precondition(1...Int(KERNEL_MAX_RANK) ~= extents.count, "rank \(extents.count)")
    return Tensor(shape: extents) { y in
      guard !y.isEmpty else { return }
      withPointers(self) { x in
        kernel_gather_strided(x.start + offset, y.baseAddress, extents.count, extents, strides)
      }
    }
  }
}

/// How many elements apart neighbours along each axis are.
func rowMajorStrides(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
  return strides
}

/// `[C, H, W]` → `[C·f², H/f, W/f]`: channel c·f² + i·f + j holds the pixels at offset (i, j), as
/// `torch.nn.functional.pixel_unshuffle`.
package func pixelUnshuffle(_ x: Tensor, _ factor: Int) -> Tensor {
  precondition(x.rank == 3 && x.shape[1] % factor == 0 && x.shape[2] % factor == 0, "unshuffle \(x.shape) by \(factor)")
  let (channels, height, width) = (x.shape[0], x.shape[1] / factor, x.shape[2] / factor)
  return x.reshaped([channels, height, factor, width, factor]).permuted([0, 2, 4, 1, 3])
    .reshaped([channels * factor * factor, height, width])
}

/// `[C·f², H, W]` → `[C, H·f, W·f]`, the inverse of `pixelUnshuffle`, as `torch.nn.functional.pixel_shuffle`.
package func pixelShuffle(_ x: Tensor, _ factor: Int) -> Tensor {
  precondition(x.rank == 3 && x.shape[0] % (factor * factor) == 0, "shuffle \(x.shape) by \(factor)")
  let (channels, height, width) = (x.shape[0] / (factor * factor), x.shape[1], x.shape[2])
  return x.reshaped([channels, factor, factor, height, width]).permuted([0, 3, 1, 4, 2])
    .reshaped([channels, height * factor, width * factor])
}

/// `[C, H, W]` → `[C·times, H, W]`: each channel `times` times in a row, as `torch.repeat_interleave` along axis 0.
package func repeatInterleaveChannels(_ x: Tensor, times: Int) -> Tensor {
  precondition(x.rank == 3 && times > 0, "repeat \(x.shape) \(times) times")
  let places = x.shape[1] * x.shape[2]
  return x.gathered(extents: [x.shape[0], times, places], strides: [places, 0, 1])
    .reshaped([x.shape[0] * times, x.shape[1], x.shape[2]])
}

/// `[C, H, W]` → `[groups, H, W]`: the mean over each run of C / groups consecutive channels.
package func meanChannelGroups(_ x: Tensor, groups: Int) -> Tensor {
  precondition(x.rank == 3 && groups > 0 && x.shape[0] % groups == 0, "\(x.shape) in \(groups) groups")
  return Tensor(shape: [groups, x.shape[1], x.shape[2]]) { y in
    withPointers(x) {
      kernel_mean_groups($0.start, y.baseAddress, groups, x.shape[0] / groups, x.shape[1] * x.shape[2])
    }
  }
}

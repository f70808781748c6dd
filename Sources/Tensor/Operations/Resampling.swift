internal import CKernels

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

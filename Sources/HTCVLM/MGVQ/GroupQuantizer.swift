package import Tensor
import Trace

/// MGVQ's multi-group quantiser (arXiv 2507.07997): each group of channels has a codebook of its own, and the nearest
/// code is the one of the largest cosine.
package struct GroupQuantizer: Sendable {
  package let groups: Int
  /// Codes of one group; the file's `codebook_size` is the total over groups.
  package let codesPerGroup: Int
  /// Channels of one group.
  package let dimension: Int
  /// The L2-normalised codes, `[G · codesPerGroup, dimension]`: group g owns rows g · codesPerGroup and on.
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

  /// The normalised code vectors of `grid`, `[C, h, w]`; groups outside `kept` read zero.
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

/// Rows over their L2 norm, which is at least 1e−12 as in torch's `F.normalize`.
private func normalizedRows(_ x: Tensor) -> Tensor {
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

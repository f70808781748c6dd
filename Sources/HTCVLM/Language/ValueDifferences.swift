package import Tensor

/// W_o^h W_o^hᵀ of every layer and head, computed once for many pictures.
package struct OutputGrams: Sendable {
  /// `[L][H]`, each `[headDim, headDim]`.
  let layers: [[Tensor]]
}

extension HTCVLMModel {
  package func outputGrams() -> OutputGrams { OutputGrams(layers: decoder.layers.map { $0.outputGrams() }) }

  /// How much the value at each key differs between pictures, as voco's output reads it: ‖(v_i − v_donor) W_o^h‖/√2,
  /// root-mean-square over the donors, `[L, H, S₀]`; 0 at keys that no donor replaces. A vector that is the same in
  /// every picture carries nothing.
  ///
  /// `donors` are the same pictures in the same order for each of the groups of `keys`.
  package func valueDifferences(
    _ cache: VisualCache, _ groups: [(keys: [Int], donors: [DonorContext])], grams: OutputGrams
  ) -> Tensor {
    let (shape, length) = (decoder.shape, cache.keys)
    var result = [Float](repeating: 0, count: decoder.layers.count * shape.heads * length)
    for layer in decoder.layers.indices {
      for group in groups where !group.donors.isEmpty {
        let own = gatherRows(cache.context.layers[layer].values, group.keys)
        let differences = group.donors.map { donor in
          own + gatherRows(donor.layers[layer].values, group.keys.map { donor.rows[$0] }) * -1
        }
        for head in 0..<shape.heads {
          var squares = [Double](repeating: 0, count: group.keys.count)
          for difference in differences {
            let columns = difference.columns(shape.keyColumns(head: head))
            let turned = matmul(columns, grams.layers[layer][head])
            let width = shape.headDim
            for row in squares.indices {
              var sum = 0.0
              for column in row * width..<(row + 1) * width {
                sum += Double(columns.values[column]) * Double(turned.values[column])
              }
              squares[row] += max(0, sum)
            }
          }
          let start = (layer * shape.heads + head) * length
          for (row, key) in group.keys.enumerated() {
            result[start + key] = Float((squares[row] / Double(2 * group.donors.count)).squareRoot())
          }
        }
      }
    }
    return Tensor(shape: [decoder.layers.count, shape.heads, length], values: result)
  }

  /// ‖v_i W_o^h‖ of every key that voco sees, `[L, H, S₀]`, of its own rows as of the context's.
  package func valueNorms(_ cache: VisualCache) -> Tensor {
    let rows = decoder.layers.indices.map { layer -> Tensor in
      let norms = decoder.layers[layer].valueNorms(cache.context.layers[layer].values)
      let own = Tensor.zeros([norms.shape[0], cache.keys - norms.shape[1]])
      return Tensor.concatenateColumns([norms, own])
    }
    return Tensor.concatenate(rows).reshaped([rows.count] + rows[0].shape)
  }
}

package import Tensor
package import Trace

/// Keys and values of another run's rows before the first voco, to be put in the place of a run's own at the same
/// positions.
///
/// Two are equal only if they are the same object: comparing their numbers would cost more than a run.
package final class DonorContext: Sendable, Hashable {
  /// One entry per layer.
  let layers: [KeyValues]
  /// The row of each position in `layers`; −1 where the donor holds none.
  let rows: [Int]

  init(layers: [KeyValues], rows: [Int]) {
    self.layers = layers
    self.rows = rows
  }

  package static func == (a: DonorContext, b: DonorContext) -> Bool { a === b }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  func holds(_ position: Int) -> Bool { rows.indices.contains(position) && rows[position] >= 0 }

  /// Bytes of the keys and values.
  package var byteCount: Int {
    layers.reduce(0) { $0 + ($1.keys.count + $1.values.count) * MemoryLayout<Float>.size }
  }
}

extension HTCVLMModel {
  /// The whole context of a compressed picture.
  package func donor(_ cache: VisualCache) -> DonorContext {
    DonorContext(layers: cache.context.layers, rows: Array(cache.input.layout.context))
  }

  /// The context of `cache`'s picture with only its anchors, or only its patches, replaced by those of `other`.
  ///
  /// Under the star mask the other rows do not change, so only the replaced ones are computed and held.
  package func donor(
    _ cache: VisualCache, replacing kind: SegmentKind, by other: VisualEncoding
  ) throws -> DonorContext {
    let edit =
      kind == .anchors ? InputEdit.anchors(EditedRows(other.anchors)) : .patches(EditedRows(other.vision.patches))
    let input = try decoderInput(cache.visual, edits: cache.intervention.inputs + [edit])
    return try context(input, changed: input.layout.positions(of: kind))
  }

  /// A compressed picture with what stands at some pairs of positions exchanged, as a run of its own.
  package func exchanging(_ pairs: [(Int, Int)], in cache: VisualCache) throws -> VisualCache {
    let edits = cache.intervention.inputs + pairs.map { .exchange($0.0, $0.1) }
    let input = try decoderInput(cache.visual, edits: edits)
    let changed = try context(input, changed: pairs.flatMap { [$0.0, $0.1] }.sorted())
    let layers = zip(cache.context.layers, changed.layers).map { own, new in
      KeyValues(
        keys: merged(own.keys, new.keys, rows: changed.rows), values: merged(own.values, new.values, rows: changed.rows)
      )
    }
    let context = DecoderContext(layers: layers, rollout: nil)
    let voco = try vocoState(try plan(input, [.none]), input, context, capture: false) {}
    return VisualCache(
      visual: cache.visual, intervention: Intervention(inputs: edits), input: input, context: context, voco: voco)
  }

  /// The rows of `input`'s context that `changed` positions can reach: under the star mask those and what all see.
  private func context(_ input: DecoderInput, changed: [Int]) throws -> DonorContext {
    let layout = input.layout
    let pattern = ContextPattern(layout)
    var held = Array(layout.context)
    var own = pattern
    if case .star(let shared) = pattern {
      held = Set(shared + changed).filter { $0 < layout.firstVoco }.sorted()
      let places = Dictionary(uniqueKeysWithValues: held.enumerated().map { ($0.element, $0.offset) })
      own = .star(shared: shared.compactMap { places[$0] })
    }
    let context = try decoder.context(
      gatherRows(input.embeddings, held), positions: held.map { input.positions[$0] }, pattern: own,
      wantsRollout: false, check: {}, step: {})
    var rows = [Int](repeating: -1, count: layout.firstVoco)
    for (row, position) in held.enumerated() { rows[position] = row }
    return DonorContext(layers: context.layers, rows: rows)
  }
}

/// `base` with the rows that `new` holds put in their places.
private func merged(_ base: Tensor, _ new: Tensor, rows: [Int]) -> Tensor {
  let width = base.shape[1]
  var values = base.values
  for (position, row) in rows.enumerated() where row >= 0 {
    values.replaceSubrange(
      position * width..<(position + 1) * width, with: new.values[row * width..<(row + 1) * width])
  }
  return Tensor(shape: base.shape, values: values)
}

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

import Foundation
import Statistics
import Tensor
import Trace

/// The decoder's input up to the prompt, after the interventions on it.
struct DecoderInput: Sendable {
  /// Without the prompt's tokens.
  let layout: SequenceLayout
  /// `[layout.length, D]`.
  let embeddings: Tensor
  /// The rotary position of each row.
  let positions: [Int]

  init(
    order: [SegmentKind], parts: SequenceLayout.Parts, visualMask: VisualMask, edits: [InputEdit],
    anchors: Tensor,
    patches: Tensor, cls: Tensor?, embedding: StoredTensor
  ) throws(ModelError) {
    var order = order
    var visual: [SegmentKind: Tensor] = [.anchors: anchors, .patches: patches]
    visual[.cls] = cls
    for edit in edits {
      switch edit {
      case .order(let other): order = other
      case .anchors(let edited): try Self.replace(.anchors, in: &visual, with: edited.rows)
      case .patches(let edited): try Self.replace(.patches, in: &visual, with: edited.rows)
      case .noise(let kind, let scale, let seed):
        guard let rows = visual[kind] else {
          throw .intervention("noise goes on anchors or patches, not on \(kind.rawValue)")
        }
        visual[kind] = Self.noisy(rows, scale: scale, seed: seed)
      case .exchange: break
      }
    }
    layout = try SequenceLayout(order: order, parts: parts, visualMask: visualMask)
    embeddings = try Self.exchanged(Self.embed(layout, visual: visual, embedding: embedding), edits: edits)
    positions = Array(0..<layout.length)
  }

  private static func replace(
    _ kind: SegmentKind, in visual: inout [SegmentKind: Tensor], with rows: Tensor
  ) throws(ModelError) {
    let shape = visual[kind]?.shape ?? []
    guard rows.shape == shape else {
      throw .intervention("\(kind.rawValue) of shape \(rows.shape) replace vectors of shape \(shape)")
    }
    visual[kind] = rows
  }

  private static func exchanged(_ rows: Tensor, edits: [InputEdit]) throws(ModelError) -> Tensor {
    var order = Array(0..<rows.shape[0])
    for edit in edits {
      guard case .exchange(let first, let second) = edit else { continue }
      guard order.indices.contains(first), order.indices.contains(second) else {
        throw .intervention("positions \(first) and \(second) of a sequence of \(order.count)")
      }
      order.swapAt(first, second)
    }
    return order == Array(order.indices) ? rows : gatherRows(rows, order)
  }

  /// Rows in sequence order: gathered token embeddings and the visual vectors.
  private static func embed(
    _ layout: SequenceLayout, visual: [SegmentKind: Tensor], embedding: StoredTensor
  ) -> Tensor {
    let width = embedding.shape[1]
    let pieces = layout.spans.filter { $0.count > 0 }.map { span in
      visual[span.kind] ?? embedding.rows(layout.tokenIDs[span.range].map(Int.init))
    }
    return pieces.isEmpty ? .zeros([0, width]) : Tensor.concatenate(pieces)
  }

  /// Box–Muller noise, scaled to the standard deviation of all elements.
  private static func noisy(_ rows: Tensor, scale: Float, seed: UInt64) -> Tensor {
    let count = Double(max(rows.count, 1))
    let mean = rows.values.reduce(0.0) { $0 + Double($1) } / count
    let variance = rows.values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    let deviation = variance.squareRoot() * Double(scale)
    var generator = SplitMix64(seed: seed)
    return Tensor(
      shape: rows.shape,
      values: rows.values.map { value in
        let radius = (-2 * log(1 - generator.unit())).squareRoot()
        return value + Float(deviation * radius * cos(2 * Double.pi * generator.unit()))
      })
  }
}

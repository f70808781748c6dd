package import Tensor
import Trace

/// HTC-VLM's anchor projector (arXiv 2512.08240): v_d = GELU(W₂ · GELU(W₁ · vec(q) + b₁) + b₂), as A rows of width D.
struct AnchorProjector: Sendable {
  static let prefix = "model.anchor_projector"

  let first: Linear
  /// W₁ `[hidden, C·h·w]` as it lies in its file, for what its columns do alone.
  let firstWeight: StoredTensor
  let second: Linear
  let flatten: HTCVLMConfiguration.AnchorFlatten
  private let anchors: Int

  init(_ weights: WeightReader, _ configuration: HTCVLMConfiguration) throws(ModelError) {
    let own = weights.under(Self.prefix)
    let hidden = configuration.anchorProjectorHiddenSize
    firstWeight = try own.stored("fc1.weight", [hidden, Self.inputs(configuration)])
    first = try own.linear("fc1", inputs: Self.inputs(configuration), outputs: hidden)
    second = try own.linear(
      "fc2", inputs: hidden, outputs: configuration.anchorTokens * configuration.hiddenSize)
    flatten = configuration.anchorFlatten
    anchors = configuration.anchorTokens
  }

  /// The length of vec(q).
  private static func inputs(_ configuration: HTCVLMConfiguration) -> Int {
    configuration.mgvq.map { $0.latentChannels * $0.latentSize * $0.latentSize } ?? 0
  }

  /// `quantized` `[C, h, w]` → `[A, D]`. Throws `ModelError.notFinite`.
  func checked(_ quantized: Tensor) throws(ModelError) -> Tensor {
    let anchors = self(quantized)
    try requireFinite(anchors, "anchors", weights: [first, second])
    return anchors
  }

  /// `quantized` `[C, h, w]` → `[A, D]`.
  func callAsFunction(_ quantized: Tensor) -> Tensor {
    let output = Activation.gelu(second(Activation.gelu(beforeActivation(quantized))))
    return output.reshaped([anchors, output.count / anchors])
  }

  /// W₁ · vec(q) + b₁, `[1, hidden]`.
  func beforeActivation(_ quantized: Tensor) -> Tensor {
    let vector: Tensor
    switch flatten {
    case .chw: vector = quantized
    case .hwc: vector = quantized.permuted([1, 2, 0])
    }
    return first(vector.reshaped([1, vector.count]))
  }
}

/// Exact and without gradients: the first layer of the projector is linear in q, so that each ablation costs one small
/// product.
extension AnchorAblation {
  /// Multiplications of the second layer that are spent on single codes.
  private static var affordable: Int { 4_000_000_000 }

  /// `quantized` is `[C, h, w]`.
  init(_ projector: AnchorProjector, quantized: Tensor, groups count: Int) {
    let places = quantized.shape[1] * quantized.shape[2]
    let whole = projector(quantized)
    let parts = projector.contributions(quantized, groups: count)
    let hidden = parts.shape[2]
    let sum = { (rows: [Int]) -> [Float] in
      var sums = [Float](repeating: 0, count: hidden)
      for row in rows { for index in 0..<hidden { sums[index] += parts.values[row * hidden + index] } }
      return sums
    }
    let perCell = (0..<places).flatMap { place in sum((0..<count).map { $0 * places + place }) }
    let perGroup = (0..<count).flatMap { group in sum((0..<places).map { group * places + $0 }) }
    let cells = projector.change(whole, without: Tensor(shape: [places, hidden], values: perCell), from: quantized)
    let groups = projector.change(whole, without: Tensor(shape: [count, hidden], values: perGroup), from: quantized)
    let single = count * places
    let codes =
      single * hidden <= Self.affordable / whole.count
      ? projector.change(whole, without: parts.reshaped([single, hidden]), from: quantized)
        .reshaped([whole.shape[0], count, places]) : nil
    self.init(cells: cells, groups: groups, codes: codes)
  }
}

extension AnchorProjector {
  /// What each code adds to the first layer before its activation: W₁ over the code's channels times its vector,
  /// `[G, h·w, hidden]`.
  func contributions(_ quantized: Tensor, groups: Int) -> Tensor {
    let (channels, places) = (quantized.shape[0], quantized.shape[1] * quantized.shape[2])
    let width = channels / groups
    let hidden = first.outputSize
    let byRow = (0..<hidden).map { firstWeight.rows([$0]).values }
    return Tensor(shape: [groups, places, hidden]) { output in
      quantized.values.withUnsafeBufferPointer { q in
        for unit in 0..<hidden {
          byRow[unit].withUnsafeBufferPointer { weights in
            for group in 0..<groups {
              for place in 0..<places {
                var sum: Float = 0
                for channel in group * width..<(group + 1) * width {
                  let index = flatten == .chw ? channel * places + place : place * channels + channel
                  sum += weights[index] * q[channel * places + place]
                }
                output[(group * places + place) * hidden + unit] = sum
              }
            }
          }
        }
      }
    }
  }

  /// Relative change of each anchor when `parts` `[n, hidden]` are taken out of the first layer one by one: `[A, n]`.
  func change(_ whole: Tensor, without parts: Tensor, from quantized: Tensor) -> Tensor {
    let base = beforeActivation(quantized).values
    let (count, hidden) = (parts.shape[0], parts.shape[1])
    let without = Tensor(shape: [count, hidden]) { output in
      parts.values.withUnsafeBufferPointer { parts in
        for row in 0..<count {
          for unit in 0..<hidden { output[row * hidden + unit] = base[unit] - parts[row * hidden + unit] }
        }
      }
    }
    let changed = Activation.gelu(second(Activation.gelu(without)))
    let (anchors, dimension) = (whole.shape[0], whole.shape[1])
    return Tensor(shape: [anchors, count]) { output in
      whole.values.withUnsafeBufferPointer { whole in
        changed.values.withUnsafeBufferPointer { changed in
          for anchor in 0..<anchors {
            var norm = 0.0
            for index in 0..<dimension {
              let value = Double(whole[anchor * dimension + index])
              norm += value * value
            }
            for row in 0..<count {
              var distance = 0.0
              for index in 0..<dimension {
                let offset = anchor * dimension + index
                let difference = Double(changed[row * anchors * dimension + offset]) - Double(whole[offset])
                distance += difference * difference
              }
              output[anchor * count + row] = norm > 0 ? Float((distance / norm).squareRoot()) : 0
            }
          }
        }
      }
    }
  }
}

extension AnchorProjector {
  /// What stands before the first and before the second GELU, `[1, hidden]` and `[1, A·D]`.
  func beforeActivations(_ quantized: Tensor) -> [Tensor] {
    let first = beforeActivation(quantized)
    return [first, second(Activation.gelu(first))]
  }
}

extension MGVQModel {
  /// What stands before the anchor projector's two activations, for code vectors `[C, h, w]`; empty without a projector.
  package func anchorPreActivations(_ quantized: Tensor) -> [Tensor] { projector?.beforeActivations(quantized) ?? [] }
}

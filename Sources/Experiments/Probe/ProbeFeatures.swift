package import HTCVLM
package import Tensor
import Trace

/// What a label may be read off, gathered picture by picture.
package struct ProbeFeatures: Sendable {
  package struct Kind: Sendable, Hashable {
    package let name: String
    /// Whether anything that ends in an answer reads it.
    package let read: Bool
  }

  /// In the order from the picture to the text.
  package private(set) var kinds: [Kind] = []
  /// `[kinds]`, each with a row a picture.
  private var values: [[Float]] = []
  package private(set) var pictures = 0

  package init() {}

  /// Adds a compressed picture: its code vectors, anchors, the mean of its patches, and the last voco's state as it enters
  /// each layer and after the last.
  package mutating func add(_ cache: VisualCache, hasVoco: Bool) {
    var features: [(Kind, [Float])] = []
    if let quantized = cache.visual.mgvq?.quantized {
      features.append((Kind(name: "codes", read: true), quantized.values))
    }
    let (anchors, patches) = (cache.visual.anchors, cache.visual.vision.patches)
    if anchors.count > 0 { features.append((Kind(name: "anchors", read: true), anchors.values)) }
    features.append((Kind(name: "mean patch", read: true), Self.mean(patches)))
    if hasVoco {
      let states = cache.hiddenVoco
      // Into the first layer goes the token's embedding, which is the same for every picture.
      for layer in 1..<states.shape[0] {
        let isLast = layer == states.shape[0] - 1
        let name = isLast ? "<voco> after the last layer" : "<voco> into layer \(layer + 1)"
        features.append((Kind(name: name, read: !isLast), states[row: layer].values))
      }
    }
    if pictures == 0 {
      kinds = features.map(\.0)
      values = features.map { _ in [] }
    }
    for (index, feature) in features.enumerated() { values[index] += feature.1 }
    pictures += 1
  }

  /// `[n, d]` of a kind.
  package func features(_ kind: Int) -> Tensor {
    Tensor(shape: [pictures, values[kind].count / pictures], values: values[kind])
  }

  private static func mean(_ rows: Tensor) -> [Float] {
    let (count, width) = (rows.shape[0], rows.shape[1])
    var sums = [Double](repeating: 0, count: width)
    for index in rows.values.indices { sums[index % width] += Double(rows.values[index]) }
    return sums.map { Float($0 / Double(max(1, count))) }
  }
}

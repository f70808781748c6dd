package import Evidence
package import HTCVLM
import ImageLoading
import Statistics
import Tensor
import WeightFormats

/// Pictures without anything in them: what priority remains is not an answer to content.
package enum BlankPictures {
  package static let names = ["grey", "black", "white", "noise 1", "noise 2", "noise 3"]

  /// A square picture of `side` pixels; noise is uniform in every channel of every pixel.
  static func image(_ name: String, side: Int) -> Picture {
    var generator = SplitMix64(seed: 0, stream: name)
    let count = side * side * 3
    let pixels: [UInt8] =
      switch name {
      case "grey": [UInt8](repeating: 128, count: count)
      case "black": [UInt8](repeating: 0, count: count)
      case "white": [UInt8](repeating: 255, count: count)
      default: (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 56) }
      }
    return Picture(width: side, height: side, pixels: pixels)
  }
}

/// Models of the same shape whose decoder and anchor projector are drawn anew, tensor by tensor, with the mean and the
/// standard deviation of the weights under test; the vision tower, its projector and MGVQ stay.
package struct RandomModels {
  private let checkpoint: CheckpointDirectory
  private let model: HTCVLMModel
  private let seed: UInt64
  private let spreads: [(name: String, shape: [Int], mean: Double, halfWidth: Double)]

  package init(_ checkpoint: CheckpointDirectory, _ model: HTCVLMModel, seed: UInt64) {
    self.checkpoint = checkpoint
    self.model = model
    self.seed = seed
    spreads = checkpoint.tensors.values.filter { Self.isDrawn($0.name) }.map { tensor in
      let moments = Self.moments(tensor.float32().values)
      // A uniform distribution of half-width √3·σ has the standard deviation σ.
      return (tensor.name, tensor.shape, moments.mean, 3.0.squareRoot() * moments.deviation)
    }
  }

  /// 39, which a rank test at 0.025 needs, where they fit into memory one by one at little cost; 5, which a t prediction
  /// needs, for larger models; none where one would take more than 8 GB.
  package static func count(for checkpoint: CheckpointDirectory) -> Int {
    let weights = checkpoint.tensors.values.filter { isDrawn($0.name) }.reduce(0) { $0 + $1.count }
    return weights <= 200_000_000 ? 39 : weights <= 2_000_000_000 ? 5 : 0
  }

  /// Pictures that every random model sees: the first ones.
  package static let pictures = 4

  /// The model with the number `index`.
  package func model(_ index: Int) throws -> HTCVLMModel {
    var tensors = checkpoint.tensors
    for spread in spreads {
      var generator = SplitMix64(seed: seed, stream: "random weights \(index) \(spread.name)")
      let weights = Tensor(shape: spread.shape) { output in
        for position in output.indices {
          output[position] = Float(spread.mean + spread.halfWidth * (2 * generator.unit() - 1))
        }
      }
      tensors[spread.name] = StoredTensor(name: spread.name, tensor: weights)
    }
    return try HTCVLMModel(
      configuration: checkpoint.configuration, preprocessor: checkpoint.preprocessor, tensors: tensors,
      tokenizer: model.tokenizer, checkpoint: checkpoint.path)
  }

  private static func isDrawn(_ name: String) -> Bool {
    ["model.layers.", "model.embed_tokens.", "model.norm.", "lm_head.", "model.anchor_projector."]
      .contains { name.hasPrefix($0) }
  }

  private static func moments(_ values: [Float]) -> (mean: Double, deviation: Double) {
    guard !values.isEmpty else { return (0, 0) }
    var (sum, squares) = (0.0, 0.0)
    for value in values { sum += Double(value) }
    let mean = sum / Double(values.count)
    for value in values { squares += (Double(value) - mean) * (Double(value) - mean) }
    return (mean, (squares / Double(values.count)).squareRoot())
  }
}

extension VerifySubject {
  /// ln lift of a picture without anything in it.
  package func blank(_ name: String) throws -> BlankPicture? {
    let image = BlankPictures.image(name, side: model.configuration.vision.imageSize)
    let attention = try compress(try model.encode(image)).attention
    return PriorityMeasurement(attention).map { BlankPicture(name: name, logLift: $0.logLift) }
  }

  /// The mean effects of this model on some pictures, encoded by the model under test.
  package func effects(number: Int, on pictures: [(key: String, visual: VisualEncoding)]) throws -> RandomModelRun {
    var (attends, contributes, causes): ([Double], [Double], [Double]) = ([], [], [])
    for picture in pictures {
      let compressed = try compress(model.reprojected(picture.visual))
      let attention = compressed.attention
      PriorityMeasurement(attention).map { attends.append($0.logLift) }
      PriorityMeasurement(attention, normWeighted: true).map { contributes.append($0.logLift) }
      causes += try effects(of: [.cut(keys: Set(attention.layout.anchors))], on: compressed.cache).map(\.kl)
    }
    let mean = { (values: [Double]) in
      values.count == pictures.count ? values.reduce(0, +) / Double(values.count) : nil
    }
    return RandomModelRun(
      seed: UInt64(number), pictures: pictures.map(\.key), attends: mean(attends), contributes: mean(contributes),
      causes: mean(causes))
  }
}

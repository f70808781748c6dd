import Evidence
import HTCVLM
import Statistics
import Tensor
import WeightFormats

/// Models of the same shape in which every matrix of the decoder and of the projectors has its own entries permuted;
/// norms and biases, the vision tower and the quantizer stay.
struct RandomModels {
  private let model: HTCVLMModel
  private let tensors: [String: StoredTensor]
  private let preprocessor: ImageProcessorConfiguration
  private let seed: UInt64

  init(_ model: HTCVLMModel, tensors: [String: StoredTensor], preprocessor: ImageProcessorConfiguration, seed: UInt64) {
    self.model = model
    self.tensors = tensors
    self.preprocessor = preprocessor
    self.seed = seed
  }

  /// Pictures that every random model sees: the first ones.
  static let pictures = 8
  /// Above so many parameters they are run only when asked for.
  static let affordable = 1_000_000_000

  /// Numbers that are permuted.
  static func parameters(_ tensors: [String: StoredTensor]) -> Int {
    tensors.values.filter(isPermuted).reduce(0) { $0 + $1.count }
  }

  /// What so many models will take: a sentence.
  ///
  /// - Parameters:
  ///   - runs: of the decoder over a picture, a model.
  ///   - seconds: that one such run took.
  static func cost(_ models: Int, runs: Int, seconds: Double, parameters: Int) -> String {
    let memory = Double(4 * parameters) / 1e9
    return
      "The random control: \(models) models of permuted weights × \(runs) runs over pictures, donors and exchanges × "
      + "\(Format.duration(seconds)) a run so far, about \(Format.duration(Double(models * runs) * seconds)) for the "
      + "decoder alone"
      + (memory >= 0.1 ? ", and \(Format.fixed(memory, digits: 1)) GB of memory for the weights" : "")
      + "; --no-random-models leaves it out."
  }

  /// The model with the number `index`.
  func model(_ index: Int) throws -> HTCVLMModel {
    var tensors = tensors
    for tensor in tensors.values where Self.isPermuted(tensor) {
      var generator = SplitMix64(seed: seed, stream: "permuted weights \(index) \(tensor.name)")
      var values = tensor.float32().values
      for place in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(place, generator.below(place + 1)) }
      tensors[tensor.name] = StoredTensor(name: tensor.name, tensor: Tensor(shape: tensor.shape, values: values))
    }
    return try HTCVLMModel(
      configuration: model.configuration, preprocessor: preprocessor, tensors: tensors, tokenizer: model.tokenizer,
      checkpoint: "permuted weights \(index)")
  }

  private static func isPermuted(_ tensor: StoredTensor) -> Bool {
    tensor.shape.count == 2
      && ["model.layers.", "model.embed_tokens.", "lm_head.", "model.anchor_projector.", "model.mm_projector"]
        .contains { tensor.name.hasPrefix($0) }
  }
}

extension PictureMeasurement {
  /// The pictures that random models see: the first ones and their donors, ascending.
  func seen(_ pictures: Int) -> [Int] {
    Set((0..<pictures).flatMap { picture in [picture] + donors.flatMap { $0.donors[picture] } }).sorted()
  }

  /// One random model on pictures that the model under test encoded, with their donors.
  func randomModel(
    _ number: Int, _ random: HTCVLMModel, keys: [String], pictures: Int, encoded: @escaping (Int) -> VisualEncoding
  ) throws -> RandomModelEvidence {
    let twin = PictureMeasurement(
      subject: subject.replacing(model: random), layouts: layouts, grams: random.outputGrams(), seed: seed,
      donors: donors, answers: answers)
    let compressed = CompressedPictures(random) { try random.reprojected(encoded($0)) }
    var attends = [Double](repeating: 0, count: subject.vocos.count)
    var contributes = attends
    var movements = [[[Double]]](repeating: [], count: subject.prompts.count)
    var pairs = [[RandomModelEvidence.Pair]](repeating: [], count: subject.prompts.count)
    for index in 0..<pictures {
      let plain = try compressed[index]
      let contexts = try twin.contexts(index, plain) { try compressed[$0] }
      let lenders = donors[0].donors[index].compactMap { contexts[$0] }
      for (voco, evidence) in try twin.vocoEvidence(plain, key: keys[index], donors: lenders).enumerated() {
        attends[voco] += evidence.attends.logSamePosition / Double(pictures)
        contributes[voco] += (evidence.contributes?.priority.logSamePosition ?? 0) / Double(pictures)
      }
      for prompt in subject.prompts.indices where donors[prompt].differ[index] {
        for donor in donors[prompt].donors[index] {
          guard let context = contexts[donor],
            let moved = try twin.movement(index, donor: donor, prompt: prompt, plain, context)
          else { continue }
          movements[prompt].append(moved)
          pairs[prompt].append(.init(picture: index, donor: donor))
        }
      }
    }
    let means = movements.map { ofPairs in
      subject.vocos.map { voco in mean(ofPairs.map { $0[voco] }) ?? 0 }.max() ?? 0
    }
    return RandomModelEvidence(
      number: number, pictures: Array(0..<pictures), pairs: pairs, attends: attends.max() ?? 0,
      contributes: contributes.max() ?? 0, movement: means)
  }
}

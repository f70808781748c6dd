import HTCVLM
import Statistics
import Tensor
import TestSupport
import Testing
import Trace
import WeightFormats

/// A model of which one weight is no finite number, or whose results outgrow the numbers.
@Suite("Values that are not finite")
struct FiniteTests {
  private struct Results: Equatable {
    var logits: Tensor
    var hidden: Tensor
    var features: Tensor
    var reconstruction: Tensor
    var outcome: Tensor
    var text: String
  }

  private let configuration: HTCVLMConfiguration
  private let tensors: [String: StoredTensor]

  init() throws {
    configuration = try SyntheticModel.configuration()
    tensors = try SyntheticModel.tensors(configuration)
  }

  private func results(_ tensors: [String: StoredTensor]) throws -> Results {
    let model = try SyntheticModel.model(configuration, tensors: tensors)
    let visual = try model.encode(SyntheticModel.picture())
    let cache = try model.compress(visual)
    let answer = try model.answer("what is it?", from: cache, options: GenerationOptions(maxNewTokens: 2))
    let cut = Intervention(cuts: [EdgeCut(keys: [1, 2])])
    let outcome = try model.outcomes(of: [.none, cut], on: cache, prompt: "what is it?")
    return Results(
      logits: answer.logits, hidden: cache.hiddenVoco, features: visual.vision.features,
      reconstruction: try model.reconstruct(try #require(visual.mgvq).codes),
      outcome: Tensor.concatenate(outcome.map { $0.logits.reshaped([1, $0.logits.count]) }), text: answer.text)
  }

  private func replacing(_ name: String, at element: Int, by value: Float) throws -> [String: StoredTensor] {
    var changed = tensors
    let tensor = try #require(tensors[name]).float32()
    var values = tensor.values
    values[element] = value
    changed[name] = StoredTensor(name: name, tensor: Tensor(shape: tensor.shape, values: values))
    return changed
  }

  @Test("One in any weight ends the run with that weight's name, or changes no result", arguments: [0, 1, 2])
  func anyWeight(_ round: Int) throws {
    let whole = try results(tensors)
    let values: [Float] = [.nan, .infinity, -.infinity]
    var generator = SplitMix64(seed: UInt64(round))
    var refused = 0
    let names = try HTCVLMModel.expectedTensors(configuration).filter(\.required).map(\.name)
    for (index, name) in names.enumerated() {
      let count = try #require(tensors[name]).count
      let element = Int.random(in: 0..<count, using: &generator)
      let value = values[(index + round) % 3]
      do {
        let found = try results(try replacing(name, at: element, by: value))
        #expect(found == whole, "\(name)[\(element)] = \(value)")
      } catch let error as ModelError {
        refused += 1
        #expect(error.description.contains(name), "\(name)[\(element)] = \(value): \(error)")
        #expect(error.description.contains("finite"), "\(error)")
      }
    }
    // The others are rows of the embedding and the head's that this prompt does not need.
    #expect(refused >= names.count - 1, "\(refused) of \(names.count)")
  }

  @Test("The error names tensor, layer and position")
  func place() throws {
    let changed = try replacing("model.layers.1.mlp.up_proj.weight", at: 5, by: .nan)
    let error = #expect(throws: ModelError.self) { try results(changed) }
    guard case .notFinite(let result)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(result.result == "hidden states after decoder layer 1" && result.position == 0)
    #expect(result.weight == "model.layers.1.mlp.up_proj.weight is not finite: it holds NaN at [0, 5]")
  }

  @Test(
    "Finite weights whose results overflow are told from bad weights",
    arguments: [
      "model.layers.0.mlp.down_proj.weight", "model.layers.2.self_attn.k_proj.weight", "model.mm_projector.weight",
      "model.mgvq.quant_conv.weight",
    ])
  func overflow(_ name: String) throws {
    var changed = tensors
    let tensor = try #require(tensors[name]).float32()
    changed[name] = StoredTensor(name: name, tensor: tensor * 3e38)
    let error = #expect(throws: ModelError.self) { try results(changed) }
    #expect(error?.description.contains("finite") == true, "\(name): \(String(describing: error))")
  }

  @Test("A row of scores that are all NaN is not taken for one in which all keys are masked")
  func scores() {
    let rows = softmaxRows(Tensor(shape: [2, 3], values: [.nan, .nan, .nan, -.infinity, -.infinity, -.infinity]))
    #expect(rows.values[..<3].allSatisfy(\.isNaN) && rows.values[3...].allSatisfy { $0 == 0 })
  }

  @Test(
    "8-bit rows of values that are not finite get a scale that is not", arguments: [Float.nan, .infinity, -.infinity])
  func integers(_ value: Float) {
    for place in [0, 63, 64, 99] {
      var values = [Float](repeating: 0.5, count: 200)
      values[100 + place] = value
      let weight = StoredTensor(name: "w", tensor: Tensor(shape: [2, 100], values: values))
      let scales = QuantizedMatrix.quantize(weight, rows: 0..<2).scales
      #expect(scales[0].isFinite && !scales[1].isFinite)
      #expect(weight.firstNotFinite()?.index == [1, place])
    }
  }
}

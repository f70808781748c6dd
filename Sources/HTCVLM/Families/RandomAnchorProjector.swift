import JSON
import Safetensors
import Statistics
import Tensor

/// Random weights in the place of an anchor projector, drawn as torch initialises a linear layer: uniform in ±1/√inputs.
struct RandomAnchorProjector {
  let hidden: Int
  let tensors: [String: StoredTensor]

  /// The widest hidden layer of a substitute: wider says no more and costs hundreds of megabytes.
  private static let widest = 1024

  init(
    _ document: JSONValue, quantizer: MGVQConfiguration, seed: UInt64, path: String
  ) throws(CheckpointError) {
    let reader = JSONReader(path: path, prefix: "", object: document)
    let width = try reader.integer("hidden_size")
    let anchors = try reader.integer("num_anchor_tokens", in: 1...4096)
    hidden = try reader.integer("anchor_projector_hidden_size", default: min(Self.widest, width))
    let inputs = quantizer.latentChannels * quantizer.latentSize * quantizer.latentSize
    var generator = SplitMix64(seed: seed)
    func uniform(_ shape: [Int], inputs: Int) -> Tensor {
      let bound = 1 / Double(inputs).squareRoot()
      return Tensor(
        shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float((2 * generator.unit() - 1) * bound) })
    }
    let shapes: [(String, [Int], Int)] = [
      ("fc1.weight", [hidden, inputs], inputs), ("fc1.bias", [hidden], inputs),
      ("fc2.weight", [anchors * width, hidden], hidden), ("fc2.bias", [anchors * width], hidden),
    ]
    tensors = Dictionary(
      uniqueKeysWithValues: shapes.map { key, shape, inputs in
        let name = "\(AnchorProjector.prefix).\(key)"
        return (name, StoredTensor(name: name, tensor: uniform(shape, inputs: inputs)))
      })
  }
}

import JSON
import Statistics
import Tensor
import WeightFormats

/// A LLaVA `config.json` on its way to an HTC-VLM's.
struct PublishedSettings {
  private var members: [JSONMember]
  /// Parts whose weights are substitutes.
  var untrained: [String] = []

  /// Keys of HTC-VLM that no other model's configuration has, as the paper has them.
  private static let ownKeys: [JSONMember] = [
    JSONMember("mm_projector_type", .string("linear")), JSONMember("num_voco_tokens", .integer(1)),
    JSONMember("num_anchor_tokens", .integer(4)), JSONMember("anchor_flatten", .string("chw")),
    JSONMember("visual_mask", .string("star")),
    JSONMember("sequence", .array(["bos", "anchors", "patches", "voco", "text"].map(JSONValue.string))),
  ]

  init(_ document: JSONValue) {
    if case .object(let object) = document { members = object.members } else { members = [] }
    for member in Self.ownKeys { setIfAbsent(member.key, member.value) }
  }

  var document: JSONValue {
    let named = members.filter { $0.key != "untrained_parts" }
    let parts = JSONMember("untrained_parts", .array(untrained.map(JSONValue.string)))
    return .object(named + (untrained.isEmpty ? [] : [parts]))
  }

  mutating func set(_ key: String, _ value: JSONValue) {
    members.removeAll { $0.key == key }
    members.append(JSONMember(key, value))
  }

  mutating func setIfAbsent(_ key: String, _ value: JSONValue) {
    if !members.contains(where: { $0.key == key && $0.value != .null }) { set(key, value) }
  }

  /// Sets `vocab_size` from the embedding's rows and `voco_token_id` to the first row behind the tokenizer's pieces, where
  /// VoCo-LLaMA adds its token.
  mutating func setDecoder(
    _ tensors: [String: StoredTensor], path: String, pieces: Int, allowsSubstitute: Bool
  ) throws(CheckpointError) {
    let name = "model.embed_tokens.weight"
    guard let rows = tensors[name]?.shape.first else { throw .tensor(path: path, name: name, problem: "is missing") }
    set("vocab_size", .integer(rows))
    if members.contains(where: { $0.key == "voco_token_id" && $0.value != .null }) { return }
    if rows > pieces {
      set("voco_token_id", .integer(pieces))
      return
    }
    guard allowsSubstitute else {
      throw .tensor(
        path: path, name: name,
        problem:
          "has \(rows) rows for \(pieces) pieces, so none is <voco>'s; --random-anchor-projector SEED puts that of "
          + "<unk> in its place")
    }
    set("voco_token_id", .integer(0))
    untrained.append("untrained voco token (the row of <unk>)")
  }
}

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

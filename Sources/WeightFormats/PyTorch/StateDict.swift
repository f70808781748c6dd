internal import JSON
import Safetensors
internal import Tensor

/// The tensors of a pickled state dict by name, wherever training scripts keep it among other things.
struct StateDict {
  let tensors: [(name: String, view: PickleTensor)]

  /// Names under which scripts keep what is meant to be run, averaged weights first.
  private static let nests = [
    "ema", "model_ema", "ema_model", "params_ema", "state_dict_ema", "ema_state_dict", "g_ema", "model", "state_dict",
    "model_state_dict", "module", "net", "network", "generator", "vqvae", "vae", "tokenizer", "params", "weights",
  ]
  /// What `DistributedDataParallel` and `torch.compile` put before every key.
  private static let wrappers = ["module.", "_orig_mod."]
  /// Dictionaries within one another, as `state_dict` → `model`.
  private static let deepest = 4

  init(_ pickle: PickleMachine.Result, path: String) throws(CheckpointError) {
    guard case .dictionary(let top) = pickle.value else {
      throw .malformed(
        path: path,
        problem: "holds \(pickle.value.kind), expected a state dict, which is what model.state_dict() gives")
    }
    guard var found = try Self.search(pickle, top, path: path, depth: 0) else {
      throw .malformed(path: path, problem: "holds no tensor where a state dict has them")
    }
    for wrapper in Self.wrappers where found.allSatisfy({ $0.name.hasPrefix(wrapper) }) {
      found = found.map { (String($0.name.dropFirst(wrapper.count)), $0.view) }
    }
    tensors = found
  }

  private typealias Items = [(key: PickleValue, value: PickleValue)]
  private typealias Found = [(name: String, view: PickleTensor)]

  /// The tensors of the dictionary at `place`: of one inside that has one of the usual names, else its own, else of the
  /// only one inside that has any.
  private static func search(
    _ pickle: PickleMachine.Result, _ place: Int, path: String, depth: Int
  ) throws(CheckpointError) -> Found? {
    guard depth < deepest else { return nil }
    let inner = dictionaries(in: pickle.dictionaries[place])
    for nest in nests {
      guard let next = inner.last(where: { $0.name.isExactly(nest) })?.place else { continue }
      if let found = try search(pickle, next, path: path, depth: depth + 1) { return found }
    }
    let own = tensors(in: pickle.dictionaries[place])
    if !own.isEmpty { return own }
    var others: [(name: String, found: Found)] = []
    for (name, next) in inner where !nests.contains(name) {
      if let found = try search(pickle, next, path: path, depth: depth + 1) { others.append((name, found)) }
    }
    guard others.count < 2 else {
      let names = others.prefix(8).map { "\"\(printableName($0.name))\"" }.joined(separator: ", ")
      throw .malformed(
        path: path,
        problem: "holds several state dicts, under \(names): save the one that is meant in a file of its own")
    }
    return others.first?.found
  }

  private static func dictionaries(in items: Items) -> [(name: String, place: Int)] {
    items.compactMap { item in
      guard case .string(let name) = item.key, case .dictionary(let place) = item.value else { return nil }
      return (name, place)
    }
  }

  /// Of a name that was set twice the last tensor, as Python's dictionaries keep it.
  private static func tensors(in items: Items) -> Found {
    var places: [ExactText: Int] = [:]
    var found: Found = []
    for item in items {
      guard case .string(let name) = item.key, case .tensor(let view) = item.value else { continue }
      if let place = places[ExactText(name)] {
        found[place].view = view
      } else {
        places[ExactText(name)] = found.count
        found.append((name, view))
      }
    }
    return found
  }
}

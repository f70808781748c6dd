import Safetensors
internal import Tensor

/// What stands for Python's names and calls.
extension PickleMachine {
  mutating func refer(_ operation: PickleOperation) throws(CheckpointError) {
    switch operation {
    case .global: try push(.callable(try named("\(try line()).\(try line())")))
    case .stackGlobal:
      let parts = try pop(2)
      guard case .string(let module) = parts[0], case .string(let name) = parts[1] else {
        throw fault("it refers to \(parts[0].kind) of \(parts[1].kind)")
      }
      try push(.callable(try named("\(module).\(name)")))
    case .reduce, .newObject:
      let parts = try pop(2)
      try push(try call(parts[0], parts[1]))
    case .newObjectKeywords:
      let parts = try pop(3)
      try push(try call(parts[0], parts[1]))
    case .build:
      // Attributes, such as a state dict's `_metadata` or all that a foreign object holds; no tensor is looked for there.
      _ = try pop()
      _ = try top()
    default: try push(storage(try pop()))
    }
  }

  private func named(_ name: String) throws(CheckpointError) -> PickleCallable {
    guard !PickleCallable.isDangerous(name) else {
      throw fault(
        "it refers to \(printableName(name)), which no weights need; nothing of it was run, and the file may mean harm")
    }
    return PickleCallable(name)
  }

  /// The value of a call that is not made.
  private mutating func call(
    _ function: PickleValue, _ arguments: PickleValue
  ) throws(CheckpointError) -> PickleValue {
    guard case .callable(let callable) = function, case .tuple(let tuple) = arguments else {
      return .opaque("a call of \(function.kind)")
    }
    switch callable {
    case .orderedDict: return try dictionary(of: tuple.elements)
    case .rebuildTensor, .rebuildTypedTensor:
      return tensor(tuple.elements, isTyped: callable == .rebuildTypedTensor).map { PickleValue.tensor($0) }
        ?? .opaque("a tensor of a kind that is not read")
    case .rebuildParameter: return tuple.elements.first ?? .opaque(callable.name)
    case .storage, .foreign: return .opaque("a \(callable.name)")
    }
  }

  /// A dictionary made from nothing, from another or from pairs; a `defaultdict` has a function before these.
  private mutating func dictionary(of arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
    let made = try newDictionary()
    guard case .dictionary(let place) = made else { return made }
    switch arguments.last {
    case .dictionary(let other)?:
      try count(dictionaries[other].count)
      dictionaries[place] = dictionaries[other]
    case .list(let list)?:
      for element in lists[list] {
        let pair: [PickleValue]
        switch element {
        case .tuple(let tuple): pair = tuple.elements
        case .list(let inner): pair = lists[inner]
        default: pair = []
        }
        if pair.count == 2 { dictionaries[place].append((pair[0], pair[1])) }
      }
    default: break
    }
    return made
  }

  /// `(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`, or with the type before the metadata.
  private func tensor(_ arguments: [PickleValue], isTyped: Bool) -> PickleTensor? {
    guard arguments.count >= (isTyped ? 7 : 6), arguments.count <= 8, case .storage(let storage) = arguments[0],
      case .integer(let offset) = arguments[1], offset >= 0, let shape = sizes(arguments[2]),
      let strides = sizes(arguments[3]), shape.count == strides.count
    else { return nil }
    if isTyped {
      guard case .callable(.foreign(let name)) = arguments[6], let dtype = PickleCallable.types[name] else {
        return nil
      }
      return PickleTensor(storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides)
    }
    guard let dtype = storage.dtype else { return nil }
    return PickleTensor(storage: storage, dtype: dtype, offset: offset, shape: shape, strides: strides)
  }

  /// A tuple of at most 16 numbers that are not negative; a `torch.Size` is one too.
  private func sizes(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let tuple) = value, tuple.elements.count <= StoredTensor.mostAxes else { return nil }
    let sizes = tuple.elements.compactMap { element -> Int? in
      guard case .integer(let size) = element, size >= 0 else { return nil }
      return size
    }
    return sizes.count == tuple.elements.count ? sizes : nil
  }

  /// `("storage", type, key, location, number of elements)`.
  private func storage(_ value: PickleValue) -> PickleValue {
    guard case .tuple(let tuple) = value, tuple.elements.count == 5, case .string("storage") = tuple.elements[0],
      case .callable(.storage(let dtype)) = tuple.elements[1], case .string(let key) = tuple.elements[2],
      case .string = tuple.elements[3], case .integer(let count) = tuple.elements[4], count >= 0
    else { return .opaque("something that is stored outside the pickle") }
    return .storage(PickleStorage(key: key, dtype: dtype, count: count))
  }
}

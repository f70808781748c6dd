internal import Tensor

/// What stands for Python's names and calls.
extension PickleMachine {
  mutating func refer(_ operation: PickleOperation) throws(CheckpointError) {
    switch operation {
    case .global: stack.append(.callable(try callable()))
    case .reduce:
      let parts = try pop(2)
      guard case .callable(let callable) = parts[0], case .tuple(let arguments) = parts[1] else {
        throw fault("it calls \(parts[0].kind) with \(parts[1].kind)")
      }
      stack.append(try call(callable, arguments.elements))
    case .build:
      // An OrderedDict's attributes, such as a state dict's `_metadata`; they hold no tensor.
      _ = try pop()
      guard case .dictionary = try top() else { throw fault("it sets attributes of \(try top().kind)") }
    default: stack.append(.storage(try storage(try pop())))
    }
  }

  private mutating func callable() throws(CheckpointError) -> PickleCallable {
    let name = "\(try line()).\(try line())"
    guard let callable = PickleCallable(name) else {
      throw fault("it refers to \(printable(name)), which a state dict does not need; nothing of it was run")
    }
    return callable
  }

  private mutating func call(
    _ callable: PickleCallable, _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    switch callable {
    case .orderedDict:
      guard arguments.isEmpty else { throw fault("it makes an OrderedDict of \(arguments.count) arguments") }
      return newDictionary()
    case .rebuildTensor: return .tensor(try tensor(arguments))
    case .rebuildParameter:
      guard arguments.count == 3, case .tensor = arguments[0] else {
        throw fault("\(callable.name) has other arguments than a tensor, a truth value and hooks")
      }
      return arguments[0]
    case .storage: throw fault("it calls \(callable.name)")
    }
  }

  /// `(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])`.
  private func tensor(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleTensor {
    guard arguments.count == 6 || arguments.count == 7, case .storage(let storage) = arguments[0],
      case .integer(let offset) = arguments[1], offset >= 0, let shape = sizes(arguments[2]),
      let strides = sizes(arguments[3]), shape.count == strides.count
    else { throw fault("torch._utils._rebuild_tensor_v2 has other arguments than a storage, an offset and sizes") }
    return PickleTensor(storage: storage, offset: offset, shape: shape, strides: strides)
  }

  /// A tuple of at most 16 numbers that are not negative.
  private func sizes(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let tuple) = value, tuple.elements.count <= SafetensorsHeader.mostAxes else { return nil }
    let sizes = tuple.elements.compactMap { element -> Int? in
      guard case .integer(let size) = element, size >= 0 else { return nil }
      return size
    }
    return sizes.count == tuple.elements.count ? sizes : nil
  }

  /// `("storage", type, key, location, number of elements)`.
  private func storage(_ value: PickleValue) throws(CheckpointError) -> PickleStorage {
    guard case .tuple(let tuple) = value, tuple.elements.count == 5, case .string("storage") = tuple.elements[0],
      case .callable(.storage(let dtype)) = tuple.elements[1], case .string(let key) = tuple.elements[2],
      case .string = tuple.elements[3], case .integer(let count) = tuple.elements[4], count >= 0
    else { throw fault("it refers to something stored outside that is no torch storage") }
    return PickleStorage(key: key, dtype: dtype, count: count)
  }
}

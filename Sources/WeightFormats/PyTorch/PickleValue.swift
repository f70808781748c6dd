internal import Tensor

/// What a pickle of a state dict may hold. Lists and dictionaries are places in the machine that read it, as a pickle
/// goes on filling them after it has named them.
enum PickleValue: Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  case tuple(PickleTuple)
  case list(Int)
  case dictionary(Int)
  case callable(PickleCallable)
  case storage(PickleStorage)
  case tensor(PickleTensor)

  /// What an error calls it.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .float: "a float"
    case .string: "a string"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .callable(let callable): callable.name
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// A tuple, nested only so deep that neither walking nor freeing it can exhaust the stack.
struct PickleTuple: Sendable {
  let elements: [PickleValue]
  private let depth: Int

  private static let deepest = 16

  /// nil if it is nested deeper than any argument of a state dict.
  init?(_ elements: [PickleValue]) {
    let inner = elements.map { element in if case .tuple(let tuple) = element { tuple.depth } else { 0 } }
    depth = 1 + (inner.max() ?? 0)
    guard depth <= Self.deepest else { return nil }
    self.elements = elements
  }
}

/// The only names that a pickle may refer to. None of them runs anything: each stands for a case below.
enum PickleCallable: Sendable, Hashable {
  case orderedDict
  case rebuildTensor
  case rebuildParameter
  case storage(DType)

  private static let known: [String: PickleCallable] = [
    "collections.OrderedDict": .orderedDict, "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
  ]

  /// `torch.*Storage` by element type.
  private static let storages: [String: DType] = [
    "torch.FloatStorage": .f32, "torch.HalfStorage": .f16, "torch.BFloat16Storage": .bf16,
    "torch.DoubleStorage": .f64, "torch.LongStorage": .i64, "torch.IntStorage": .i32, "torch.ShortStorage": .i16,
    "torch.CharStorage": .i8, "torch.ByteStorage": .u8, "torch.BoolStorage": .bool,
  ]

  /// nil for any other name.
  init?(_ name: String) {
    if let callable = Self.known[name] {
      self = callable
    } else if let dtype = Self.storages[name] {
      self = .storage(dtype)
    } else {
      return nil
    }
  }

  var name: String {
    switch self {
    case .orderedDict: "collections.OrderedDict"
    case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .storage(let dtype): "a torch storage of \(dtype.rawValue)"
    }
  }
}

/// Elements in the archive's entry `data/<key>`.
struct PickleStorage: Sendable, Hashable {
  let key: String
  let dtype: DType
  let count: Int
}

/// A view of a storage: extents, and steps between elements in elements.
struct PickleTensor: Sendable, Hashable {
  let storage: PickleStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

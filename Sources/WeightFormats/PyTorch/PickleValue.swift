import Files
import Safetensors
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
  /// Something that no tensor needs, passed over: what it is called.
  case opaque(String)

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
    case .opaque(let name): name
    }
  }
}

/// A tuple, nested only so deep that neither walking nor freeing it can exhaust the stack.
struct PickleTuple: Sendable {
  let elements: [PickleValue]
  private let depth: Int

  private static let deepest = 16

  /// nil if it is nested deeper than any argument of a tensor.
  init?(_ elements: [PickleValue]) {
    let inner = elements.map { element in if case .tuple(let tuple) = element { tuple.depth } else { 0 } }
    depth = 1 + (inner.max() ?? 0)
    guard depth <= Self.deepest else { return nil }
    self.elements = elements
  }
}

/// What a pickle refers to by name. None of it runs anything: names that tensors are made with stand for the cases below,
/// any other is only kept as a name.
enum PickleCallable: Sendable, Hashable {
  case orderedDict
  case rebuildTensor
  /// A tensor of a storage without a type of its own, which stands among the arguments.
  case rebuildTypedTensor
  case rebuildParameter
  /// nil: bytes.
  case storage(DType?)
  case foreign(String)

  private static let known: [String: PickleCallable] = [
    "collections.OrderedDict": .orderedDict, "collections.defaultdict": .orderedDict,
    "collections.Counter": .orderedDict, "builtins.dict": .orderedDict, "__builtin__.dict": .orderedDict,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor, "torch._utils._rebuild_tensor_v3": .rebuildTypedTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
  ]

  /// `torch.*Storage` by element type.
  private static let storages: [String: DType] = [
    "torch.FloatStorage": .f32, "torch.HalfStorage": .f16, "torch.BFloat16Storage": .bf16,
    "torch.DoubleStorage": .f64, "torch.LongStorage": .i64, "torch.IntStorage": .i32, "torch.ShortStorage": .i16,
    "torch.CharStorage": .i8, "torch.ByteStorage": .u8, "torch.BoolStorage": .bool,
    "torch.ComplexFloatStorage": .c64, "torch.ComplexDoubleStorage": .c128,
  ]
  private static let untypedStorages: Set<String> = ["torch.UntypedStorage", "torch.storage.UntypedStorage"]

  /// The types of tensors whose storages have none.
  static let types: [String: DType] = [
    "torch.uint16": .u16, "torch.uint32": .u32, "torch.uint64": .u64, "torch.float8_e4m3fn": .f8e4m3,
    "torch.float8_e5m2": .f8e5m2, "torch.float8_e8m0fnu": .f8e8m0, "torch.float8_e4m3fnuz": .f8e4m3fnuz,
    "torch.float8_e5m2fnuz": .f8e5m2fnuz, "torch.float32": .f32, "torch.float16": .f16, "torch.bfloat16": .bf16,
    "torch.float64": .f64, "torch.int64": .i64, "torch.int32": .i32, "torch.int16": .i16, "torch.int8": .i8,
    "torch.uint8": .u8, "torch.bool": .bool, "torch.complex64": .c64, "torch.complex128": .c128,
  ]

  init(_ name: String) {
    if let callable = Self.known[name] {
      self = callable
    } else if let dtype = Self.storages[name] {
      self = .storage(dtype)
    } else if Self.untypedStorages.contains(name) {
      self = .storage(nil)
    } else {
      self = .foreign(name)
    }
  }

  /// Modules whose names no saved weights refer to: they run commands, open files or import code.
  private static let dangerous: Set<String> = [
    "os", "posix", "nt", "subprocess", "sys", "runpy", "shutil", "socket", "pty", "webbrowser", "importlib", "ctypes",
    "commands", "popen2", "code", "codeop", "timeit", "marshal", "pickle", "bdb", "pdb", "asyncio", "multiprocessing",
    "http", "urllib", "requests", "aiohttp", "tempfile", "signal", "threading", "pip", "builtins.eval",
    "builtins.exec", "builtins.compile", "builtins.open", "builtins.__import__", "builtins.setattr",
    "builtins.delattr", "builtins.globals", "builtins.breakpoint", "builtins.input", "builtins.apply",
  ]

  /// Whether `name` belongs in a pickle that means harm.
  static func isDangerous(_ name: String) -> Bool {
    let name = name.hasPrefix("__builtin__.") ? "builtins." + name.dropFirst("__builtin__.".count) : name
    return dangerous.contains(name) || dangerous.contains(String(name.prefix { $0 != "." }))
  }

  var name: String {
    switch self {
    case .orderedDict: "collections.OrderedDict"
    case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .rebuildTypedTensor: "torch._utils._rebuild_tensor_v3"
    case .storage(let dtype): "a torch storage of \(dtype?.rawValue ?? "bytes")"
    case .foreign(let name): printableName(name)
    }
  }
}

/// Elements in the archive's entry `data/<key>`.
struct PickleStorage: Sendable, Hashable {
  let key: String
  /// nil: bytes, to which a tensor gives a type.
  let dtype: DType?
  let count: Int
}

/// A view of a storage: extents, and steps between elements in elements.
struct PickleTensor: Sendable, Hashable {
  let storage: PickleStorage
  let dtype: DType
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

import Files
import Safetensors
import Tensor

/// Reads a pickle of the protocols 2 to 5 and executes nothing: names become cases of `PickleCallable`, calls become
/// values, and what no tensor needs is passed over as something opaque.
///
/// Source: Python's `Lib/pickletools.py`; torch's `torch/serialization.py`.
struct PickleMachine {
  /// What the pickle's value is made of.
  struct Result {
    let value: PickleValue
    let lists: [[PickleValue]]
    let dictionaries: [[(key: PickleValue, value: PickleValue)]]
  }

  /// What errors call the pickle.
  let path: String
  let bytes: [UInt8]
  var position = 0
  var stack: [PickleValue] = []
  var marks: [Int] = []
  var memo: [Int: PickleValue] = [:]
  var lists: [[PickleValue]] = []
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  /// Where the running operation starts.
  private(set) var start = 0
  private var valuesLeft: Int

  /// Values that a pickle of so many bytes may make: some take a byte of it and 60 bytes of memory.
  static func mostValues(in byteCount: Int) -> Int { 1_000_000 + byteCount / 4 }

  init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    valuesLeft = Self.mostValues(in: bytes.count)
  }

  /// Counts values that are made; throws where they are too many.
  mutating func count(_ values: Int = 1) throws(CheckpointError) {
    guard values <= valuesLeft else { throw fault("it makes more than \(Self.mostValues(in: bytes.count)) values") }
    valuesLeft -= values
  }

  mutating func push(_ value: PickleValue) throws(CheckpointError) {
    try count()
    stack.append(value)
  }

  mutating func remember(_ place: Int) throws(CheckpointError) {
    try count()
    memo[place] = try top()
  }

  /// Runs to the end; throws `CheckpointError.malformed` naming the operation and the byte.
  mutating func run() throws(CheckpointError) -> Result {
    while true {
      start = position
      let code = try take()
      guard let operation = PickleOperation(rawValue: code) else {
        let shown = String(code, radix: 16)
        throw fault("the operation 0x\(shown.count < 2 ? "0" : "")\(shown) is none of the protocols 2 to 5")
      }
      if operation == .stop {
        let value = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw fault("it ends with \(stack.count) values too many") }
        return Result(value: value, lists: lists, dictionaries: dictionaries)
      }
      try perform(operation)
    }
  }

  func fault(_ problem: String) -> CheckpointError {
    .malformed(path: path, problem: "data.pkl, byte \(start): \(problem)")
  }

  // Bytes.

  mutating func take() throws(CheckpointError) -> UInt8 {
    guard position < bytes.count else { throw fault("the pickle ends where more should be") }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func take(_ count: Int) throws(CheckpointError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else {
      throw fault("the pickle ends within \(count) bytes of data")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// An unsigned little-endian number of at most eight bytes.
  mutating func number(_ width: Int) throws(CheckpointError) -> Int {
    let number = try take(width).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let value = Int(exactly: number) else { throw fault("it names \(number) bytes") }
    return value
  }

  /// UTF-8 up to a line feed, which is taken too.
  mutating func line() throws(CheckpointError) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else { throw fault("the pickle ends within a name") }
    let text = bytes[position..<end]
    position = end + 1
    return try string(text)
  }

  func string(_ utf8: ArraySlice<UInt8>) throws(CheckpointError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else { throw fault("a string is not UTF-8") }
    return text
  }

  // The stack.

  mutating func pop() throws(CheckpointError) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else { throw fault("the stack is empty") }
    return value
  }

  mutating func top() throws(CheckpointError) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.last else { throw fault("the stack is empty") }
    return value
  }

  /// The values above the last mark, which goes.
  mutating func popMark() throws(CheckpointError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fault("there is no mark on the stack") }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  mutating func pop(_ count: Int) throws(CheckpointError) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw fault("the stack holds too few values") }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }
}

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

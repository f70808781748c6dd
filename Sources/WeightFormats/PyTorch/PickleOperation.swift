/// The operations that a pickled state dict consists of, by their codes in Python's `Lib/pickletools.py`.
enum PickleOperation: UInt8 {
  case proto = 0x80
  case stop = 0x2E
  case mark = 0x28
  case emptyDictionary = 0x7D
  case emptyList = 0x5D
  case emptyTuple = 0x29
  case tuple = 0x74
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case none = 0x4E
  case newTrue = 0x88
  case newFalse = 0x89
  case binInt = 0x4A
  case binInt1 = 0x4B
  case binInt2 = 0x4D
  case long1 = 0x8A
  case binFloat = 0x47
  case binUnicode = 0x58
  case global = 0x63
  case reduce = 0x52
  case build = 0x62
  case binPersistentID = 0x51
  case setItem = 0x73
  case setItems = 0x75
  case append = 0x61
  case appends = 0x65
  case binPut = 0x71
  case longBinPut = 0x72
  case binGet = 0x68
  case longBinGet = 0x6A
}

extension PickleMachine {
  /// Carries out one operation other than `stop`.
  mutating func perform(_ operation: PickleOperation) throws(CheckpointError) {
    switch operation {
    case .proto:
      let version = try take()
      guard version == 2 else { throw fault("the pickle is of protocol \(version), expected 2") }
    case .stop: preconditionFailure("the end is not an operation")
    case .mark: marks.append(stack.count)
    case .emptyDictionary: stack.append(newDictionary())
    case .emptyList:
      lists.append([])
      stack.append(.list(lists.count - 1))
    case .emptyTuple: try pushTuple([])
    case .tuple: try pushTuple(try popMark())
    case .tuple1: try pushTuple(try pop(1))
    case .tuple2: try pushTuple(try pop(2))
    case .tuple3: try pushTuple(try pop(3))
    case .none, .newTrue, .newFalse, .binInt, .binInt1, .binInt2, .long1, .binFloat, .binUnicode:
      stack.append(try constant(operation))
    case .global, .reduce, .build, .binPersistentID: try refer(operation)
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popMark())
    case .append: try append(try pop(1))
    case .appends: try append(try popMark())
    case .binPut: memo[try number(1)] = try top()
    case .longBinPut: memo[try number(4)] = try top()
    case .binGet: try push(memo: try number(1))
    case .longBinGet: try push(memo: try number(4))
    }
  }

  mutating func newDictionary() -> PickleValue {
    dictionaries.append([])
    return .dictionary(dictionaries.count - 1)
  }

  private mutating func pushTuple(_ elements: [PickleValue]) throws(CheckpointError) {
    guard let tuple = PickleTuple(elements) else { throw fault("tuples are nested too deep") }
    stack.append(.tuple(tuple))
  }

  private mutating func constant(_ operation: PickleOperation) throws(CheckpointError) -> PickleValue {
    switch operation {
    case .none: return .none
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .binInt: return .integer(Int(Int32(truncatingIfNeeded: try number(4))))
    case .binInt1: return .integer(try number(1))
    case .binInt2: return .integer(try number(2))
    case .long1: return .integer(try long(try number(1)))
    case .binFloat:
      // The one big-endian number of the format.
      let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return .float(Double(bitPattern: bits))
    default: return .string(try string(try take(try number(4))))
    }
  }

  /// A two's complement little-endian number of `count` bytes.
  private mutating func long(_ count: Int) throws(CheckpointError) -> Int {
    let digits = try take(count)
    guard count <= 8 else { throw fault("an integer of \(count) bytes is larger than any size") }
    guard let last = digits.last else { return 0 }
    let sign = last & 0x80 == 0 ? 0 : -1
    return digits.reversed().reduce(sign) { $0 << 8 | Int($1) }
  }

  private mutating func push(memo place: Int) throws(CheckpointError) {
    guard let value = memo[place] else { throw fault("it recalls value \(place), which it never kept") }
    stack.append(value)
  }

  private mutating func setItems(_ items: [PickleValue]) throws(CheckpointError) {
    guard case .dictionary(let place) = try top() else { throw fault("it sets an item of \(try top().kind)") }
    guard items.count % 2 == 0 else { throw fault("it sets a key without a value") }
    for index in stride(from: 0, to: items.count, by: 2) {
      dictionaries[place].append((items[index], items[index + 1]))
    }
  }

  private mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
    guard case .list(let place) = try top() else { throw fault("it appends to \(try top().kind)") }
    lists[place] += items
  }
}

import Safetensors

/// The operations of the binary protocols, by their codes in Python's `Lib/pickletools.py`; left out are those that need
/// what stands outside of the pickle, or an older interpreter.
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
  case pop = 0x30
  case popMark = 0x31
  case duplicate = 0x32
  case dictionary = 0x64
  case list = 0x6C
  case binString = 0x54
  case shortBinString = 0x55
  case binBytes = 0x42
  case shortBinBytes = 0x43
  case newObject = 0x81
  case long4 = 0x8B
  case shortBinUnicode = 0x8C
  case binUnicode8 = 0x8D
  case binBytes8 = 0x8E
  case emptySet = 0x8F
  case addItems = 0x90
  case frozenSet = 0x91
  case newObjectKeywords = 0x92
  case stackGlobal = 0x93
  case memoize = 0x94
  case frame = 0x95
  case byteArray8 = 0x96
}

extension PickleMachine {
  /// Carries out one operation other than `stop`.
  mutating func perform(_ operation: PickleOperation) throws(CheckpointError) {
    switch operation {
    case .proto:
      let version = try take()
      guard 2...5 ~= version else { throw fault("the pickle is of protocol \(version), expected 2 to 5") }
    case .frame: _ = try take(8)
    case .stop: preconditionFailure("the end is not an operation")
    case .mark:
      try count()
      marks.append(stack.count)
    case .emptyDictionary, .emptyList, .emptySet, .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .list, .dictionary,
      .frozenSet:
      try push(try collection(operation))
    case .none, .newTrue, .newFalse, .binInt, .binInt1, .binInt2, .long1, .long4, .binFloat, .binUnicode,
      .shortBinUnicode, .binUnicode8, .binString, .shortBinString, .binBytes, .shortBinBytes, .binBytes8, .byteArray8:
      try push(try constant(operation))
    case .global, .stackGlobal, .reduce, .newObject, .newObjectKeywords, .build, .binPersistentID: try refer(operation)
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popMark())
    case .append: try append(try pop(1))
    case .appends: try append(try popMark())
    // A set's elements are no tensors' names.
    case .addItems: _ = try popMark()
    case .pop: _ = try pop()
    case .popMark: _ = try popMark()
    case .duplicate: try push(try top())
    case .binPut: try remember(try number(1))
    case .longBinPut: try remember(try number(4))
    case .memoize: try remember(memo.count)
    case .binGet: try push(memo: try number(1))
    case .longBinGet: try push(memo: try number(4))
    }
  }

  mutating func newDictionary() throws(CheckpointError) -> PickleValue {
    try count()
    dictionaries.append([])
    return .dictionary(dictionaries.count - 1)
  }

  private mutating func newList(_ elements: [PickleValue]) throws(CheckpointError) -> PickleValue {
    try count()
    lists.append(elements)
    return .list(lists.count - 1)
  }

  private mutating func collection(_ operation: PickleOperation) throws(CheckpointError) -> PickleValue {
    switch operation {
    case .emptyDictionary: return try newDictionary()
    case .emptyList: return try newList([])
    case .emptyTuple: return tuple([])
    case .tuple: return tuple(try popMark())
    case .tuple1: return tuple(try pop(1))
    case .tuple2: return tuple(try pop(2))
    case .tuple3: return tuple(try pop(3))
    case .list: return try newList(try popMark())
    case .dictionary:
      let items = try popMark()
      let made = try newDictionary()
      try set(items, of: made)
      return made
    case .frozenSet:
      _ = try popMark()
      return .opaque("a frozenset")
    default: return .opaque("a set")
    }
  }

  private func tuple(_ elements: [PickleValue]) -> PickleValue {
    PickleTuple(elements).map { PickleValue.tuple($0) } ?? .opaque("tuples that are nested deep")
  }

  private mutating func constant(_ operation: PickleOperation) throws(CheckpointError) -> PickleValue {
    switch operation {
    case .none: return .none
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .binInt: return .integer(Int(Int32(truncatingIfNeeded: try number(4))))
    case .binInt1: return .integer(try number(1))
    case .binInt2: return .integer(try number(2))
    case .long1: return try long(try number(1))
    case .long4: return try long(try number(4))
    case .binFloat:
      // The one big-endian number of the format.
      let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return .float(Double(bitPattern: bits))
    case .binUnicode: return .string(try string(try take(try number(4))))
    case .shortBinUnicode: return .string(try string(try take(try number(1))))
    case .binUnicode8: return .string(try string(try take(try number(8))))
    // Python 2's strings, which name tensors in files of its time.
    case .binString: return text(try take(try number(4)))
    case .shortBinString: return text(try take(try number(1)))
    case .binBytes: return try bytes(width: 4)
    case .shortBinBytes: return try bytes(width: 1)
    default: return try bytes(width: 8)
    }
  }

  private mutating func bytes(width: Int) throws(CheckpointError) -> PickleValue {
    _ = try take(try number(width))
    return .opaque("bytes")
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> PickleValue {
    String(validating: bytes, as: UTF8.self).map { PickleValue.string($0) } ?? .opaque("bytes")
  }

  /// A two's complement little-endian number of `count` bytes.
  private mutating func long(_ count: Int) throws(CheckpointError) -> PickleValue {
    let digits = try take(count)
    guard count <= 8 else { return .opaque("an integer of \(count) bytes") }
    guard let last = digits.last else { return .integer(0) }
    let sign = last & 0x80 == 0 ? 0 : -1
    return .integer(digits.reversed().reduce(sign) { $0 << 8 | Int($1) })
  }

  private mutating func push(memo place: Int) throws(CheckpointError) {
    guard let value = memo[place] else { throw fault("it recalls value \(place), which it never kept") }
    try push(value)
  }

  private mutating func setItems(_ items: [PickleValue]) throws(CheckpointError) { try set(items, of: try top()) }

  /// Keys and values by turns; those of a foreign object are passed over.
  private mutating func set(_ items: [PickleValue], of value: PickleValue) throws(CheckpointError) {
    guard items.count % 2 == 0 else { throw fault("it sets a key without a value") }
    if case .opaque = value { return }
    guard case .dictionary(let place) = value else { throw fault("it sets an item of \(value.kind)") }
    for index in stride(from: 0, to: items.count, by: 2) {
      dictionaries[place].append((items[index], items[index + 1]))
    }
  }

  private mutating func append(_ items: [PickleValue]) throws(CheckpointError) {
    if case .opaque = try top() { return }
    guard case .list(let place) = try top() else { throw fault("it appends to \(try top().kind)") }
    lists[place] += items
  }
}

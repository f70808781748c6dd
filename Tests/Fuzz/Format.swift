import Statistics

/// How a seed is changed.
enum Format {
  case bytes, json
  case lines(separator: UInt8)
  case safetensors, weights, pickle, numpy, png, jpeg, protobuf

  /// A change of `seed`; `other` is a second seed of the same kind.
  func mutated(_ seed: [UInt8], beside other: [UInt8], random: SplitMix64) -> [UInt8] {
    var mutation = ByteMutation(random: random)
    var bytes = seed
    // Now and then no thought is given to the format.
    if case .weights = self {
      return Container.values(seed, with: &mutation)
    }
    if mutation.chance(6) {
      mutation.mutate(&bytes, beside: other)
      return bytes
    }
    switch self {
    case .bytes: mutation.mutate(&bytes, beside: other)
    case .json: bytes = JSONMutation.mutate(seed, with: &mutation, beside: other)
    case .lines(let separator):
      if separator == 0x0A || mutation.chance(3) { bytes = JSONMutation.mutate(seed, with: &mutation, beside: other) }
      mutation.mutateLines(&bytes, separator: separator == 0x0A ? 0x2C : separator)
    case .safetensors: bytes = Container.safetensors(seed, with: &mutation, beside: other)
    case .weights: break
    case .pickle:
      bytes = Container.archive(seed, with: &mutation) { member, name, mutation in
        if name.hasSuffix("data.pkl") {
          Self.mutatePickle(&member, &mutation)
        } else {
          mutation.mutate(&member, beside: other)
        }
      }
    case .numpy: bytes = numpy(seed, with: &mutation, beside: other)
    case .png: bytes = Container.png(seed, with: &mutation, beside: other)
    case .jpeg: bytes = Container.jpeg(seed, with: &mutation, beside: other)
    case .protobuf: bytes = Container.protobuf(seed, with: &mutation)
    }
    return bytes
  }

  /// The header is Python text, its length before it.
  private func numpy(_ seed: [UInt8], with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    if seed.starts(with: Array("PK".utf8)) {
      return Container.archive(seed, with: &mutation) { member, _, mutation in
        member = numpyArray(member, with: &mutation, beside: other)
      }
    }
    return numpyArray(seed, with: &mutation, beside: other)
  }

  private func numpyArray(_ seed: [UInt8], with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    guard seed.count > 10 else { return seed }
    let length = Int(seed[8]) | Int(seed[9]) << 8
    guard 10 + length <= seed.count else { return seed }
    var header = Array(seed[10..<10 + length])
    var body = Array(seed[(10 + length)...])
    if mutation.chance(4) { mutation.mutate(&body, beside: other) } else { mutation.mutate(&header, beside: header) }
    return Array(seed[..<8]) + Container.little(header.count, 2) + header + body
  }

  /// Operations put in, left out and exchanged; their codes are those of Python's `pickletools`.
  private static func mutatePickle(_ bytes: inout [UInt8], _ mutation: inout ByteMutation) {
    for _ in 0...mutation.random.below(3) {
      let at = mutation.random.below(bytes.count + 1)
      switch mutation.random.below(5) {
      case 0: bytes.insert(contentsOf: mutation.pick(operations), at: at)
      case 1: bytes.replaceSubrange(at..<min(bytes.count, at + 1), with: mutation.pick(operations))
      case 2:
        // A whole number's bytes.
        if let place = bytes[min(at, bytes.count)...].firstIndex(where: { $0 == 0x4A || $0 == 0x4D || $0 == 0x4B }) {
          mutation.write(mutation.pick(ByteMutation.edges), width: 4, at: place + 1, in: &bytes)
        }
      default: mutation.mutate(&bytes, beside: bytes)
      }
    }
  }

  private static let operations: [[UInt8]] = [
    [0x28], [0x30], [0x31], [0x32], [0x4E], [0x7D], [0x5D], [0x29], [0x74], [0x85], [0x86], [0x87], [0x88], [0x52],
    [0x62],
    [0x51], [0x73], [0x75], [0x61], [0x65], [0x64], [0x6C], [0x81], [0x8F], [0x90], [0x91], [0x92], [0x93], [0x94],
    [0x2E],
    [0x4A, 0xFF, 0xFF, 0xFF, 0xFF], [0x4A, 0xFF, 0xFF, 0xFF, 0x7F], [0x8A, 0x08, 0, 0, 0, 0, 0, 0, 0, 0x80], [0x8A, 0],
    [0x8B, 0xFF, 0xFF, 0xFF, 0x7F], [0x8A, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1], [0x47, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0],
    [0x58, 0xFF, 0xFF, 0xFF, 0xFF], [0x8D, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x68, 0], [0x71, 0],
    [0x6A, 0xFF, 0xFF, 0xFF, 0xFF], [0x72, 0xFF, 0xFF, 0xFF, 0x7F],
    [0x95, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    Array("ccollections\nOrderedDict\n".utf8), Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8),
    Array("cbuiltins\nset\n".utf8), Array("ctorch\nSize\n".utf8), Array("cos\nsystem\n".utf8),
  ]
}

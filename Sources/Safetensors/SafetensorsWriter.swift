package import Files
import JSON
package import Tensor

/// A tensor to be written.
package struct SafetensorsEntry: Sendable {
  package enum Elements: Sendable {
    case floats([Float])
    case doubles([Double])
    case integers([Int32])
    case longs([Int64])
    case bytes([UInt8])
  }

  package let name: String
  package let shape: [Int]
  package let elements: Elements

  /// A float32 tensor.
  package init(_ name: String, _ tensor: Tensor) {
    self.init(name, shape: tensor.shape, .floats(tensor.values))
  }

  /// An I32 tensor.
  package init(_ name: String, shape: [Int], integers: [Int32]) { self.init(name, shape: shape, .integers(integers)) }

  /// A U8 tensor.
  package init(_ name: String, shape: [Int], bytes: [UInt8]) { self.init(name, shape: shape, .bytes(bytes)) }

  /// An F64 tensor.
  package init(_ name: String, shape: [Int], doubles: [Double]) { self.init(name, shape: shape, .doubles(doubles)) }

  /// An I64 tensor.
  package init(_ name: String, shape: [Int], longs: [Int64]) { self.init(name, shape: shape, .longs(longs)) }

  private init(_ name: String, shape: [Int], _ elements: Elements) {
    let count =
      switch elements {
      case .floats(let values): values.count
      case .doubles(let values): values.count
      case .integers(let values): values.count
      case .longs(let values): values.count
      case .bytes(let values): values.count
      }
    precondition(shape.reduce(1, *) == count, "\(name) \(shape) of \(count) elements")
    self.name = name
    self.shape = shape
    self.elements = elements
  }

  var dtype: DType {
    switch elements {
    case .floats: .f32
    case .doubles: .f64
    case .integers: .i32
    case .longs: .i64
    case .bytes: .u8
    }
  }

  var description: SafetensorsDescription { SafetensorsDescription(name, dtype, shape) }

  func withUnsafeBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
    switch elements {
    case .floats(let values): values.withUnsafeBytes(body)
    case .doubles(let values): values.withUnsafeBytes(body)
    case .integers(let values): values.withUnsafeBytes(body)
    case .longs(let values): values.withUnsafeBytes(body)
    case .bytes(let values): values.withUnsafeBytes(body)
    }
  }
}

/// What a file's header says of a tensor.
package struct SafetensorsDescription: Sendable, Hashable {
  package let name: String
  package let dtype: DType
  package let shape: [Int]

  package init(_ name: String, _ dtype: DType, _ shape: [Int]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  package var byteCount: Int { shape.reduce(dtype.size, *) }

  /// The file's order: widest element type first, then by name.
  static func precedes(_ a: Self, _ b: Self) -> Bool { (b.dtype.size, a.name) < (a.dtype.size, b.name) }
}

/// Writes safetensors files.
package enum SafetensorsWriter {
  /// Creates or replaces the file at `path`; on an error the old file, if any, is untouched.
  ///
  /// Tensors lie widest element type first, then by name, as the reference writer puts them, so that each is aligned.
  /// The same entries always make the same bytes.
  package static func write(
    _ entries: [SafetensorsEntry], metadata: [String: String], to path: String
  ) throws(FileError) {
    try FileContents.write(bytes(entries, metadata: metadata), to: path)
  }

  /// The same file's contents.
  package static func bytes(_ entries: [SafetensorsEntry], metadata: [String: String]) -> [UInt8] {
    precondition(Set(entries.map(\.name)).count == entries.count, "two tensors of one name")
    let sorted = entries.sorted { SafetensorsDescription.precedes($0.description, $1.description) }
    var file = header(sorted.map(\.description), metadata: metadata)
    file.reserveCapacity(file.count + sorted.reduce(0) { $0 + $1.description.byteCount })
    for entry in sorted { entry.withUnsafeBytes { file.append(contentsOf: $0) } }
    return file
  }

  /// The same for tensors that are too large to hold: `contents` is asked for each in the file's order, and appends its
  /// bytes in as many pieces as it likes. Under `digestKey` the metadata get SHA-256 of all tensors' bytes.
  ///
  /// - Throws: `FileError`, naming `path`, and what `contents` throws; the old file, if any, is untouched then.
  package static func write(
    streaming tensors: [SafetensorsDescription], metadata: [String: String], digestKey: String? = nil, to path: String,
    contents: (SafetensorsDescription, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors of one name")
    let sorted = tensors.sorted(by: SafetensorsDescription.precedes)
    var file = try PartialFile(path: path)
    let placeholder = String(repeating: "-", count: 64)
    var metadata = metadata
    if let digestKey { metadata[digestKey] = placeholder }
    let header = header(sorted, metadata: metadata)
    try header.withUnsafeBytes { try file.append($0) }
    var hash = SHA256()
    for tensor in sorted {
      var written = 0
      try contents(tensor) { bytes in
        written += bytes.count
        if digestKey != nil { hash.update(bytes) }
        try file.append(bytes)
      }
      precondition(written == tensor.byteCount, "\(tensor.name) got \(written) of \(tensor.byteCount) bytes")
    }
    if digestKey != nil, let place = header.firstRange(of: Array(placeholder.utf8)) {
      try file.overwrite(Array(hash.hexDigest().utf8), at: place.lowerBound)
    }
    try file.finish()
  }

  /// The header of a file of these tensors, as either of the two writes it.
  package static func header(of tensors: [SafetensorsDescription], metadata: [String: String]) -> [UInt8] {
    header(tensors.sorted(by: SafetensorsDescription.precedes), metadata: metadata)
  }

  /// The length field and the JSON header, padded with spaces so that the tensors start at a multiple of 8.
  private static func header(_ entries: [SafetensorsDescription], metadata: [String: String]) -> [UInt8] {
    var members: [JSONMember] = []
    if !metadata.isEmpty {
      let strings = metadata.sorted { $0.key < $1.key }.map { JSONMember($0.key, .string($0.value)) }
      members.append(JSONMember("__metadata__", .object(strings)))
    }
    var offset = 0
    for entry in entries {
      let end = offset + entry.byteCount
      members.append(
        JSONMember(
          entry.name,
          .object([
            JSONMember("dtype", .string(entry.dtype.rawValue)),
            JSONMember("shape", .array(entry.shape.map(JSONValue.integer))),
            JSONMember("data_offsets", .array([.integer(offset), .integer(end)])),
          ])))
      offset = end
    }
    var text = Array(JSONValue.object(members).line.utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
  }
}

import Files
internal import JSON
internal import Tensor

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    /// Bytes of the tensor, counted from `dataStart`.
    let range: Range<Int>
  }

  let metadata: [String: String]
  /// In the order of their bytes.
  let entries: [Entry]
  /// Where the tensors' bytes start.
  let dataStart: Int

  init(file: MappedFile) throws(CheckpointError) {
    let path = file.path
    guard file.byteCount >= 8 else {
      throw .malformed(path: path, problem: "\(file.byteCount) bytes are too few for a safetensors file")
    }
    let length = file.bytes.loadUnaligned(as: UInt64.self).littleEndian
    guard length <= SafetensorsFile.longestHeader else {
      throw .malformed(
        path: path, problem: "not a safetensors file, or damaged: it announces a header of \(length) bytes")
    }
    dataStart = 8 + Int(length)
    guard dataStart <= file.byteCount else {
      throw .malformed(
        path: path,
        problem: "is cut off: the header should end at byte \(dataStart), but the file ends at \(file.byteCount)")
    }
    let document: JSONValue
    do {
      document = try JSONValue(parsing: Array(file.bytes[8..<dataStart]))
    } catch {
      throw .malformed(path: path, problem: "the header is not JSON: \(error)")
    }
    guard case .object(let object) = document else {
      throw .malformed(path: path, problem: "the header is \(document.summary), not an object")
    }
    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    for member in object.members {
      if member.key == "__metadata__" {
        metadata = try Self.metadata(member.value, path: path)
      } else {
        entries.append(try Self.entry(member, path: path))
      }
    }
    self.metadata = metadata
    self.entries = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    try checkCoverage(of: file.byteCount - dataStart, path: path)
  }

  private static func metadata(_ value: JSONValue, path: String) throws(CheckpointError) -> [String: String] {
    guard case .object(let object) = value else {
      throw .key(path: path, key: "__metadata__", found: value.summary, expected: "an object of strings")
    }
    var metadata: [String: String] = [:]
    for member in object.members {
      guard case .string(let string) = member.value else {
        throw .key(
          path: path, key: "__metadata__.\(member.key)", found: member.value.summary, expected: "a string")
      }
      metadata[member.key] = string
    }
    return metadata
  }

  private static func entry(_ member: JSONMember, path: String) throws(CheckpointError) -> Entry {
    func fault(_ problem: String) -> CheckpointError { .tensor(path: path, name: member.key, problem: problem) }
    guard case .string(let typeName)? = member.value["dtype"] else { throw fault("has no dtype") }
    guard let dtype = DType(rawValue: typeName) else {
      throw fault("has the unknown dtype \(typeName.debugDescription)")
    }
    guard let sizes = member.value["shape"] else { throw fault("has no shape") }
    guard let shape = naturalNumbers(sizes) else {
      throw fault("has the shape \(sizes.summary), not a list of sizes")
    }
    guard let bounds = member.value["data_offsets"] else { throw fault("has no data_offsets") }
    guard let offsets = naturalNumbers(bounds), offsets.count == 2, offsets[0] <= offsets[1] else {
      throw fault("has the data_offsets \(bounds.summary), not a start and an end")
    }
    guard shape.count <= StoredTensor.mostAxes else {
      throw fault("has \(shape.count) axes, more than \(StoredTensor.mostAxes)")
    }
    guard let size = byteCount(of: shape, dtype) else {
      throw fault("has a shape \(shape) of more bytes than any memory, or of no whole number of them")
    }
    guard offsets[1] - offsets[0] == size else {
      throw fault("\(typeName) \(shape) needs \(size) bytes, but its data_offsets span \(offsets[1] - offsets[0])")
    }
    return Entry(name: member.key, dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
  }

  /// Nil when the product overflows, also where a zero extent hides that, or is no whole number of bytes.
  private static func byteCount(of shape: [Int], _ dtype: DType) -> Int? {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow else { return nil }
      count = product
    }
    return shape.contains(0) ? 0 : dtype.byteCount(of: count)
  }

  private static func naturalNumbers(_ value: JSONValue) -> [Int]? {
    guard case .array(let elements) = value else { return nil }
    var numbers: [Int] = []
    for element in elements {
      guard case .integer(let number) = element, number >= 0 else { return nil }
      numbers.append(number)
    }
    return numbers
  }

  /// Whether the tensors' bytes follow one another and fill the file.
  private func checkCoverage(of byteCount: Int, path: String) throws(CheckpointError) {
    var end = 0
    for entry in entries {
      guard entry.range.upperBound <= byteCount else {
        throw .tensor(
          path: path, name: entry.name,
          problem:
            "ends at byte \(entry.range.upperBound) of the data, but the file holds \(byteCount): it is cut off")
      }
      guard entry.range.lowerBound == end else {
        throw .tensor(
          path: path, name: entry.name,
          problem: "starts at byte \(entry.range.lowerBound) of the data, but the tensor before it ends at \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == byteCount else {
      throw .malformed(
        path: path, problem: "the tensors end at byte \(end) of the data, but the file holds \(byteCount)")
    }
  }
}

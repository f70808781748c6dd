package import Files
package import Safetensors

/// Arrays of integers as NumPy saves them: one in an `.npy` file, several in an `.npz`, which `np.savez` does not
/// compress (NEP 1; NumPy, `numpy/lib/format.py`).
package struct NumPyFile: Sendable {
  /// An array of whole numbers, widened to 64 bits.
  package struct Array: Sendable, Hashable {
    package let name: String
    package let shape: [Int]
    package let values: [Int64]

    package init(name: String, shape: [Int], values: [Int64]) {
      self.name = name
      self.shape = shape
      self.values = values
    }
  }

  /// By name; the one of an `.npy` file is called by the file.
  package let arrays: [Array]

  /// - Throws: `CheckpointError` naming the file, and the array in it, that cannot be read.
  package init(path: String) throws(CheckpointError) {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
    if file.bytes.starts(with: Self.magic) {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      arrays = [try NumPyReader(path: path, name: name, bytes: file.bytes[...]).array()]
      return
    }
    let archive = try ZipArchive(file: file)
    var arrays: [Array] = []
    for entry in archive.entries.values.sorted(by: { $0.name < $1.name }) where entry.name.hasSuffix(".npy") {
      // Read once for its checksum.
      _ = try archive.bytes(of: entry)
      let bytes = file.bytes[entry.range]
      arrays.append(try NumPyReader(path: path, name: String(entry.name.dropLast(4)), bytes: bytes).array())
    }
    guard !arrays.isEmpty else { throw .malformed(path: path, problem: "holds no .npy array") }
    self.arrays = arrays
  }

  static let magic: [UInt8] = [0x93] + "NUMPY".utf8
}

/// One array: a header in Python's words, then the elements.
private struct NumPyReader {
  let path: String
  let name: String
  let bytes: Slice<UnsafeRawBufferPointer>

  private func fault(_ problem: String) -> CheckpointError { .tensor(path: path, name: name, problem: problem) }

  func array() throws(CheckpointError) -> NumPyFile.Array {
    let all = UnsafeRawBufferPointer(rebasing: bytes)
    guard all.count > 12, all.starts(with: NumPyFile.magic) else { throw fault("is no .npy array") }
    let isFirst = all[6] == 1
    let length =
      isFirst
      ? Int(all[8]) | Int(all[9]) << 8
      : Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    let start = (isFirst ? 10 : 12) + length
    guard length < 1 << 20, start <= all.count else { throw fault("has a header beyond its end") }
    let header = String(decoding: all[(isFirst ? 10 : 12)..<start], as: UTF8.self)
    guard let type = Self.value("descr", in: header), let order = Self.value("fortran_order", in: header),
      let extents = Self.value("shape", in: header)
    else { throw fault("has a header without descr, fortran_order and shape") }
    guard order == "False" else { throw fault("is in Fortran's order; save it with np.ascontiguousarray") }
    let shape = extents.split { !$0.isNumber }.compactMap { Int($0) }
    let (count, isTooLarge) = shape.reduce((1, false)) { product, extent in
      let (next, overflow) = product.0.multipliedReportingOverflow(by: extent)
      return (next, product.1 || overflow || next > 1 << 40)
    }
    let kind = type.trimmingPrefix { "'\"<|=".contains($0) }.prefix { $0 != "'" && $0 != "\"" }
    guard !isTooLarge, let width = Self.widths[String(kind)] else {
      throw fault("is of type \(type), expected whole numbers of 1 to 8 bytes, little-endian")
    }
    guard all.count - start == count * width else {
      throw fault("has \(all.count - start) bytes for \(count) elements of \(width)")
    }
    let data = UnsafeRawBufferPointer(rebasing: all[start...])
    let isSigned = kind.first == "i"
    return NumPyFile.Array(
      name: name, shape: shape, values: (0..<count).map { Self.integer(data, $0 * width, width, isSigned) })
  }

  private static let widths = ["b1": 1, "i1": 1, "u1": 1, "i2": 2, "u2": 2, "i4": 4, "u4": 4, "i8": 8, "u8": 8]

  /// The text of a key of the header's dictionary literal, as `(3, 4)` or `'<i8'`.
  private static func value(_ key: String, in header: String) -> String? {
    guard let place = header.range(ofText: "'\(key)':") else { return nil }
    let rest = header[place...].drop { $0 == " " }
    if rest.first == "(" { return String(rest.prefix { $0 != ")" }) }
    return String(rest.prefix { $0 != "," && $0 != "}" })
  }

  private static func integer(_ data: UnsafeRawBufferPointer, _ offset: Int, _ width: Int, _ isSigned: Bool) -> Int64 {
    switch (width, isSigned) {
    case (1, true): Int64(data.loadUnaligned(fromByteOffset: offset, as: Int8.self))
    case (1, false): Int64(data[offset])
    case (2, true): Int64(Int16(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: Int16.self)))
    case (2, false): Int64(UInt16(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    case (4, true): Int64(Int32(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    case (4, false): Int64(UInt32(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    default: Int64(littleEndian: data.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    }
  }
}

extension String {
  /// Where the text behind the first `part` begins.
  fileprivate func range(ofText part: String) -> String.Index? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) { return index(start, offsetBy: part.count) }
      start = index(after: start)
    }
    return nil
  }
}

/// An array to be written for NumPy.
package struct NumPyEntry: Sendable, Hashable {
  package enum Elements: Sendable, Hashable {
    case doubles([Double])
    case integers([Int64])
    case flags([Bool])
    case texts([String])

    package var count: Int {
      switch self {
      case .doubles(let values): values.count
      case .integers(let values): values.count
      case .flags(let values): values.count
      case .texts(let values): values.count
      }
    }
  }

  package let name: String
  /// Empty for a single value.
  package let shape: [Int]
  package let elements: Elements

  package init(_ name: String, shape: [Int], _ elements: Elements) {
    precondition(shape.reduce(1, *) == elements.count, "\(name) \(shape) of \(elements.count) elements")
    (self.name, self.shape, self.elements) = (name, shape, elements)
  }
}

/// Writes `.npz` as `np.savez` does: a ZIP archive of stored `.npy` arrays (NEP 1; PKWARE's APPNOTE 6.3.10).
package enum NumPyWriter {
  /// Creates or replaces the file at `path`; on an error the old file, if any, is untouched. The same entries always make
  /// the same bytes.
  package static func write(_ entries: [NumPyEntry], to path: String) throws(FileError) {
    try FileContents.write(archive(entries), to: path)
  }

  /// The same file's contents.
  package static func archive(_ entries: [NumPyEntry]) -> [UInt8] {
    precondition(Set(entries.map(\.name)).count == entries.count, "two arrays of one name")
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let name = Array("\(entry.name).npy".utf8)
      let bytes = array(entry)
      let place = file.count
      // Flags say that the name is UTF-8; 0x21 is the first of January 1980, where ZIP's calendar begins.
      let common =
        number(0x800, 2) + number(0, 2) + number(0, 2) + number(0x21, 2) + number(Int(CRC32.checksum(bytes)), 4)
        + number(bytes.count, 4) + number(bytes.count, 4) + number(name.count, 2) + number(0, 2)
      file += number(0x0403_4B50, 4) + number(20, 2) + common + name + bytes
      directory += number(0x0201_4B50, 4) + number(20, 2) + number(20, 2) + common
      directory += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(place, 4) + name
    }
    let (start, size) = (file.count, directory.count)
    precondition(start + size < 0xFFFF_FFFF && entries.count < 0xFFFF, "larger archives need ZIP64")
    let count = number(entries.count, 2)
    let end = number(0x0605_4B50, 4) + number(0, 4) + count + count + number(size, 4) + number(start, 4) + number(0, 2)
    return file + directory + end
  }

  /// The magic, version 1.0, a header in Python's words padded so that the elements start at a multiple of 64, and the
  /// elements, little-endian and row by row.
  private static func array(_ entry: NumPyEntry) -> [UInt8] {
    let extents = entry.shape.map { "\($0)," }.joined(separator: " ")
    let (type, bytes) = elements(entry.elements)
    var header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }".utf8)
    while (10 + header.count + 1) % 64 != 0 { header.append(UInt8(ascii: " ")) }
    header.append(UInt8(ascii: "\n"))
    return NumPyFile.magic + [1, 0] + number(header.count, 2) + header + bytes
  }

  private static func elements(_ elements: NumPyEntry.Elements) -> (type: String, bytes: [UInt8]) {
    switch elements {
    case .doubles(let values): return ("<f8", values.flatMap { littleEndian($0.bitPattern) })
    case .integers(let values): return ("<i8", values.flatMap { littleEndian(UInt64(bitPattern: $0)) })
    case .flags(let values): return ("|b1", values.map { $0 ? 1 : 0 })
    case .texts(let values):
      // UTF-32, as wide as the longest.
      let scalars = values.map { $0.unicodeScalars.map(\.value) }
      let width = max(1, scalars.map(\.count).max() ?? 1)
      let padded = scalars.flatMap { $0 + Array(repeating: 0, count: width - $0.count) }
      return ("<U\(width)", padded.flatMap { littleEndian($0) })
    }
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
  }

  private static func number(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

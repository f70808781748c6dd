package import Files

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

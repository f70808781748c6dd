import Files
import Safetensors
import Tensor

/// The stored entries of a ZIP archive, ZIP64 included (PKWARE's APPNOTE 6.3.10).
///
/// Compressed, encrypted and split archives are refused: `torch.save` writes none, and a stored entry can be mapped.
struct ZipArchive {
  struct Entry {
    let name: String
    /// Where the entry's bytes lie in the file.
    let range: Range<Int>
    let crc32: UInt32
  }

  /// By name, which occurs once.
  let entries: [String: Entry]

  private let file: MappedFile

  init(file: MappedFile) throws(CheckpointError) {
    self.file = file
    let numbers = ZipNumbers(file: file)
    let directory = try ZipDirectory(numbers)
    var entries: [String: Entry] = [:]
    var place = directory.range.lowerBound
    for _ in 0..<directory.count {
      let header = try ZipHeader(numbers, at: place, end: directory.range.upperBound)
      place = header.end
      if header.name.hasSuffix("/") { continue }
      let entry = Entry(name: header.name, range: try header.data(numbers), crc32: header.crc32)
      guard entries.updateValue(entry, forKey: entry.name) == nil else {
        throw numbers.fault("holds two entries called \(printableName(entry.name))")
      }
    }
    self.entries = entries
  }

  /// The entry's bytes, once their checksum is found to be right.
  func bytes(of entry: Entry) throws(CheckpointError) -> [UInt8] {
    let bytes = Array(file.bytes[entry.range])
    guard CRC32.checksum(bytes) == entry.crc32 else {
      throw ZipNumbers(file: file).fault("\(printableName(entry.name)) is damaged: its checksum is wrong")
    }
    return bytes
  }
}

/// Little-endian numbers of a file, each found to lie within it.
struct ZipNumbers {
  let file: MappedFile

  func fault(_ problem: String) -> CheckpointError { .malformed(path: file.path, problem: problem) }

  /// `width` bytes at `place`; nil outside the file.
  func number(_ width: Int, at place: Int) -> UInt64? {
    guard place >= 0, place <= file.byteCount - width else { return nil }
    return (0..<width).reduce(0) { $0 | UInt64(file.bytes[place + $1]) << UInt64(8 * $1) }
  }

  func required(_ width: Int, at place: Int) throws(CheckpointError) -> Int {
    guard let number = number(width, at: place) else {
      throw fault("the ZIP archive is cut off: it names byte \(place), but the file ends at \(file.byteCount)")
    }
    guard let value = Int(exactly: number) else { throw fault("the ZIP archive names byte \(number)") }
    return value
  }

  /// `count` bytes from `start`, if the file has them.
  func range(_ start: Int, _ count: Int) throws(CheckpointError) -> Range<Int> {
    guard start >= 0, count >= 0, start <= file.byteCount, count <= file.byteCount - start else {
      throw fault("the ZIP archive names \(count) bytes at \(start), but the file ends at \(file.byteCount)")
    }
    return start..<start + count
  }
}

/// Where the central directory of a ZIP archive lies, as the records at the end of the file tell.
struct ZipDirectory {
  let range: Range<Int>
  /// Entries, each of which takes bytes of `range`.
  let count: Int

  private static let endSignature: UInt64 = 0x0605_4B50
  private static let endSize = 22
  private static let longestComment = 0xFFFF
  private static let locatorSignature: UInt64 = 0x0706_4B50
  private static let locatorSize = 20
  private static let end64Signature: UInt64 = 0x0606_4B50

  init(_ numbers: ZipNumbers) throws(CheckpointError) {
    let end = try Self.end(numbers)
    var count = try numbers.required(2, at: end + 10)
    var size = try numbers.required(4, at: end + 12)
    var offset = try numbers.required(4, at: end + 16)
    let disks = [try numbers.required(2, at: end + 4), try numbers.required(2, at: end + 6)]
    if count == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
      let locator = end - Self.locatorSize
      guard numbers.number(4, at: locator) == Self.locatorSignature else {
        throw numbers.fault("the ZIP64 locator is missing")
      }
      let record = try numbers.required(8, at: locator + 8)
      guard numbers.number(4, at: record) == Self.end64Signature else {
        throw numbers.fault("the ZIP64 record is missing at byte \(record)")
      }
      // A record within the file makes these sums safe.
      count = try numbers.required(8, at: record + 32)
      size = try numbers.required(8, at: record + 40)
      offset = try numbers.required(8, at: record + 48)
    }
    guard disks.allSatisfy({ $0 == 0 || $0 == 0xFFFF }) else {
      throw numbers.fault("is one part of a split ZIP archive")
    }
    range = try numbers.range(offset, size)
    guard count <= range.count / ZipHeader.centralSize else {
      throw numbers.fault("the ZIP directory of \(range.count) bytes cannot hold \(count) entries")
    }
    self.count = count
  }

  /// Where the end record starts: the last place from which its comment reaches the end of the file.
  private static func end(_ numbers: ZipNumbers) throws(CheckpointError) -> Int {
    let last = numbers.file.byteCount - endSize
    let places = stride(from: last, through: max(0, last - longestComment), by: -1)
    for place in places where numbers.number(4, at: place) == endSignature {
      if numbers.number(2, at: place + 20) == UInt64(last - place) { return place }
    }
    // The signature of an entry, as far as there is one.
    let opening = Array("PK".utf8) + [3, 4]
    guard numbers.file.bytes.prefix(opening.count).elementsEqual(opening.prefix(numbers.file.byteCount)) else {
      let begins = numbers.file.bytes.starts(with: opening.prefix(2))
      throw numbers.fault("is not a ZIP archive" + (begins ? ", though it begins with the letters of one" : ""))
    }
    throw numbers.fault(
      "is cut off: it begins as a ZIP archive, which torch.save writes, but has no directory at its end")
  }
}

/// An entry of the central directory.
struct ZipHeader {
  let name: String
  let crc32: UInt32
  /// The place behind the entry.
  let end: Int
  private let nameRange: Range<Int>
  private let size: Int
  private let offset: Int

  /// Bytes before the name, the extra fields and the comment.
  static let centralSize = 46
  private static let centralSignature: UInt64 = 0x0201_4B50
  private static let localSize = 30
  private static let localSignature: UInt64 = 0x0403_4B50

  /// Reads the entry at `place` of a directory that ends at `end`.
  init(_ numbers: ZipNumbers, at place: Int, end directoryEnd: Int) throws(CheckpointError) {
    guard numbers.number(4, at: place) == Self.centralSignature else {
      throw numbers.fault("the ZIP directory has no entry at byte \(place)")
    }
    let lengths = [
      try numbers.required(2, at: place + 28), try numbers.required(2, at: place + 30),
      try numbers.required(2, at: place + 32),
    ]
    let nameStart = place + Self.centralSize
    nameRange = try numbers.range(nameStart, lengths[0])
    end = nameStart + lengths.reduce(0, +)
    guard end <= directoryEnd else { throw numbers.fault("the ZIP entry at byte \(place) leaves the directory") }
    guard let name = String(validating: numbers.file.bytes[nameRange], as: UTF8.self) else {
      throw numbers.fault("the ZIP entry at byte \(place) has a name that is not UTF-8")
    }
    self.name = name
    crc32 = UInt32(truncatingIfNeeded: try numbers.required(4, at: place + 16))
    let flags = try numbers.required(2, at: place + 8)
    let method = try numbers.required(2, at: place + 10)
    guard flags & 1 == 0, method == 0 else {
      let how = flags & 1 == 0 ? "compressed by method \(method)" : "encrypted"
      throw numbers.fault("the ZIP entry \(printableName(name)) is \(how), expected stored")
    }
    var large = ZipLargeNumbers(numbers, nameRange.upperBound..<nameRange.upperBound + lengths[1])
    // The order of APPNOTE 4.5.3: the plain size comes first.
    let size = try large.replacing(try numbers.required(4, at: place + 24))
    let stored = try large.replacing(try numbers.required(4, at: place + 20))
    offset = try large.replacing(try numbers.required(4, at: place + 42))
    guard stored == size else {
      throw numbers.fault("the ZIP entry \(printableName(name)) is stored as \(stored) bytes but has \(size)")
    }
    self.size = size
  }

  /// Where the entry's bytes lie, behind its local header.
  func data(_ numbers: ZipNumbers) throws(CheckpointError) -> Range<Int> {
    guard numbers.number(4, at: offset) == Self.localSignature else {
      throw numbers.fault("the ZIP entry \(printableName(name)) has no header at byte \(offset)")
    }
    let localName = try numbers.range(offset + Self.localSize, try numbers.required(2, at: offset + 26))
    guard numbers.file.bytes[localName].elementsEqual(numbers.file.bytes[nameRange]) else {
      throw numbers.fault("the ZIP entry \(printableName(name)) has another name in its header")
    }
    return try numbers.range(localName.upperBound + (try numbers.required(2, at: offset + 28)), size)
  }
}

/// The numbers of a ZIP64 extra field, of which there are as many as the header has places with all bits set.
private struct ZipLargeNumbers {
  private static let tag: UInt64 = 1
  private let numbers: ZipNumbers
  private var next: Int?
  private var end = 0

  init(_ numbers: ZipNumbers, _ extra: Range<Int>) {
    self.numbers = numbers
    var place = extra.lowerBound
    while place + 4 <= extra.upperBound, let tag = numbers.number(2, at: place),
      let size = numbers.number(2, at: place + 2)
    {
      let fieldEnd = place + 4 + Int(size)
      if tag == Self.tag, fieldEnd <= extra.upperBound {
        next = place + 4
        end = fieldEnd
        return
      }
      place = fieldEnd
    }
  }

  /// `short`, or the next large number where it has all bits set.
  mutating func replacing(_ short: Int) throws(CheckpointError) -> Int {
    guard short == 0xFFFF_FFFF else { return short }
    guard let place = next, place + 8 <= end else { throw numbers.fault("a ZIP64 number is missing") }
    next = place + 8
    return try numbers.required(8, at: place)
  }
}

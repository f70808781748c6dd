import Files
import Safetensors
internal import Tensor

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

import Statistics

/// Formats whose parts are changed inside of a whole that fits again: lengths, checksums and directories.
enum Container {
  /// A file of tensors: names, types, shapes and bytes.
  static func safetensors(_ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])]) -> [UInt8] {
    var body: [UInt8] = []
    let members = tensors.map { tensor in
      let start = body.count
      body += tensor.bytes
      return
        #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(start),\#(body.count)]}"#
    }
    let header = Array("{\(members.joined(separator: ","))}".utf8)
    return little(header.count, 8) + header + body
  }

  /// 8 bytes of length, a JSON header, the tensors' bytes.
  static func safetensors(_ bytes: [UInt8], with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    guard let header = header(bytes) else { return bytes }
    var text = JSONMutation.mutate(
      Array(bytes[8..<8 + header]), with: &mutation, beside: Array(other.dropFirst(8).prefix(4096)))
    var body = Array(bytes[(8 + header)...])
    if mutation.chance(4) { mutation.mutate(&body, beside: other) }
    if mutation.chance(4) { body = Array(body.prefix(mutation.random.below(body.count + 1))) }
    if mutation.chance(3) { text += [UInt8](repeating: 0x20, count: mutation.random.below(16)) }
    return little(text.count, 8) + text + body
  }

  /// Floats of the body that are not finite or huge, the header as it was.
  static func values(_ bytes: [UInt8], with mutation: inout ByteMutation) -> [UInt8] {
    guard let header = header(bytes), bytes.count > header + 16 else { return bytes }
    var result = bytes
    let body = bytes.count - header - 8
    for _ in 0...mutation.random.below(8) {
      let at = 8 + header + 4 * mutation.random.below(body / 4)
      let pattern: UInt32 = mutation.pick([
        0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0x7F7F_FFFF, 0x7F7F_7F7F, 1, 0x7C00_7C00,
      ])
      for index in 0..<4 { result[at + index] = UInt8(truncatingIfNeeded: pattern >> UInt32(8 * index)) }
    }
    return result
  }

  private static func header(_ bytes: [UInt8]) -> Int? {
    guard bytes.count > 8 else { return nil }
    var length = Int(bytes[7] & 0x7F)
    for place in (0..<7).reversed() { length = length << 8 | Int(bytes[place]) }
    return length <= bytes.count - 8 ? length : nil
  }

  /// An entry of a ZIP archive without compression.
  private struct Entry {
    var name: [UInt8]
    var bytes: [UInt8]
  }

  /// An archive of stored entries whose members are changed by `change` and put together anew.
  static func archive(
    _ bytes: [UInt8], with mutation: inout ByteMutation, _ change: (inout [UInt8], String, inout ByteMutation) -> Void
  ) -> [UInt8] {
    var entries = entries(bytes)
    guard !entries.isEmpty else { return bytes }
    switch mutation.random.below(12) {
    case 0: entries.remove(at: mutation.random.below(entries.count))
    case 1: entries.append(mutation.pick(entries))
    case 2: mutation.mutate(&entries[mutation.random.below(entries.count)].name, beside: [])
    default:
      let pickle = entries.firstIndex { $0.name.suffix(8) == Array("data.pkl".utf8)[...] }
      let index =
        mutation.chance(4) ? mutation.random.below(entries.count) : pickle ?? mutation.random.below(entries.count)
      change(&entries[index].bytes, String(decoding: entries[index].name, as: UTF8.self), &mutation)
    }
    return archive(entries)
  }

  private static func entries(_ bytes: [UInt8]) -> [Entry] {
    var entries: [Entry] = []
    var at = 0
    func number(_ place: Int, _ width: Int) -> Int { (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
    // The directory gives the sizes, which local headers may leave to a record behind the data.
    guard let end = stride(from: bytes.count - 22, through: 0, by: -1).first(where: { number($0, 4) == 0x0605_4B50 })
    else {
      return []
    }
    at = number(end + 16, 4)
    while at + 46 <= end, number(at, 4) == 0x0201_4B50 {
      let (size, name, extra, comment) = (
        number(at + 24, 4), number(at + 28, 2), number(at + 30, 2), number(at + 32, 2)
      )
      let local = number(at + 42, 4)
      guard local + 30 <= bytes.count else { return entries }
      let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
      guard start + size <= bytes.count else { return entries }
      entries.append(Entry(name: Array(bytes[at + 46..<at + 46 + name]), bytes: Array(bytes[start..<start + size])))
      at += 46 + name + extra + comment
    }
    return entries
  }

  /// An archive of members by their names.
  static func archive(_ members: KeyValuePairs<String, [UInt8]>) -> [UInt8] {
    archive(members.map { Entry(name: Array($0.key.utf8), bytes: $0.value) })
  }

  private static func archive(_ entries: [Entry]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let place = file.count
      let common =
        little(0, 8) + little(Int(checksum(entry.bytes[...])), 4) + little(entry.bytes.count, 4)
        + little(entry.bytes.count, 4)
        + little(entry.name.count, 2)
      file += little(0x0403_4B50, 4) + little(45, 2) + common + little(0, 2) + entry.name + entry.bytes
      directory += little(0x0201_4B50, 4) + little(45, 2) + little(45, 2) + common + little(0, 12) + little(place, 4)
      directory += entry.name
    }
    let (start, size) = (file.count, directory.count)
    return file + directory + little(0x0605_4B50, 4) + little(0, 4) + little(entries.count, 2)
      + little(entries.count, 2)
      + little(size, 4) + little(start, 4) + little(0, 2)
  }

  /// The chunks of a PNG: one changed, left out, twice or elsewhere; checksums mostly right.
  static func png(_ bytes: [UInt8], with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    var chunks = pngChunks(bytes)
    guard !chunks.isEmpty else { return bytes }
    for _ in 0...mutation.random.below(2) {
      let (a, b) = (mutation.random.below(chunks.count), mutation.random.below(chunks.count))
      switch mutation.random.below(8) {
      case 0 where chunks.count > 1: chunks.remove(at: a)
      case 1: chunks.insert(chunks[a], at: b)
      case 2: chunks.swapAt(a, b)
      case 3:
        let donors = pngChunks(other)
        if !donors.isEmpty { chunks.insert(mutation.pick(donors), at: b) }
      case 4: chunks.insert(Array(mutation.pick(pngExtras)), at: min(1, chunks.count))
      default: mutation.mutate(&chunks[a], beside: other)
      }
    }
    var result = Array(bytes.prefix(8))
    for chunk in chunks where chunk.count >= 4 {
      let wrong: UInt32 = mutation.chance(20) ? 1 : 0
      result += big(chunk.count - 4, 4) + chunk + big(Int(checksum(chunk[...]) ^ wrong), 4)
    }
    return result
  }

  private static let pngExtras: [[UInt8]] = [
    Array("eXIfII*\0\u{8}\0\0\0".utf8), Array("eXIfMM\0*\0\0\0\u{8}\0\u{1}".utf8), Array("tEXtComment\0x".utf8),
    Array("iTXtXML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta tiff:Orientation=\"6\"/>".utf8), Array("gAMA\0\0\0\0".utf8),
    Array("zTXtRaw profile type exif\0\0".utf8) + zlib(Array(hexProfile.utf8)),
    Array("zTXtComment\0\0".utf8) + zlib([0x41]),
    Array("iCCPicc\0\0".utf8) + zlib([UInt8](repeating: 0, count: 132)),
    Array("zTXtRaw profile type exif\0\0x".utf8), Array("tRNS\0\0\0\0\0\0".utf8), Array("PLTE\0\0\0".utf8),
  ]

  /// An orientation as ImageMagick hides it in text: a name, a length, and Exif data in hexadecimal.
  private static let hexProfile =
    "\nexif\n      32\n45786966000049492a0008000000010012010300010000000600000000000000\n"

  /// One stored block, which any inflater takes (RFC 1950, 1951).
  private static func zlib(_ data: [UInt8]) -> [UInt8] {
    var (a, b) = (1, 0)
    for byte in data { (a, b) = ((a + Int(byte)) % 65521, (a + Int(byte) + b) % 65521) }
    return [0x78, 0x01, 1] + little(data.count, 2) + little(~data.count & 0xFFFF, 2) + data + big(b << 16 | a, 4)
  }

  /// Type and data of each chunk.
  private static func pngChunks(_ bytes: [UInt8]) -> [[UInt8]] {
    var chunks: [[UInt8]] = []
    var at = 8
    while at + 12 <= bytes.count {
      let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
      guard at + 12 + length <= bytes.count else { break }
      chunks.append(Array(bytes[at + 4..<at + 8 + length]))
      at += 12 + length
    }
    return chunks
  }

  /// The segments of a JPEG; lengths fit again, mostly.
  static func jpeg(_ bytes: [UInt8], with mutation: inout ByteMutation, beside other: [UInt8]) -> [UInt8] {
    var segments = jpegSegments(bytes)
    guard segments.count > 1 else { return bytes }
    for _ in 0...mutation.random.below(2) {
      let (a, b) = (mutation.random.below(segments.count), mutation.random.below(segments.count))
      switch mutation.random.below(7) {
      case 0 where segments.count > 1: segments.remove(at: a)
      case 1: segments.insert(segments[a], at: b)
      case 2: segments.swapAt(a, b)
      case 3: segments.insert(mutation.pick(jpegSegments(other) + [segments[a]]), at: b)
      default:
        let own = segments[a]
        var data = Array(own.dropFirst(4))
        mutation.mutate(&data, beside: other)
        segments[a] = own.count < 4 ? data : Array(own[..<2]) + big(min(0xFFFF, data.count + 2), 2) + data
      }
    }
    return Array(segments.joined())
  }

  /// Markers with their data; the entropy-coded rest is one.
  private static func jpegSegments(_ bytes: [UInt8]) -> [[UInt8]] {
    guard bytes.count > 4 else { return [] }
    var segments = [Array(bytes[..<2])]
    var at = 2
    while at + 4 <= bytes.count, bytes[at] == 0xFF, bytes[at + 1] != 0xDA {
      let end = min(bytes.count, at + 2 + max(2, Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])))
      segments.append(Array(bytes[at..<end]))
      at = end
    }
    segments.append(Array(bytes[at...]))
    return segments
  }

  /// The fields of a protocol buffer, to the depth of two messages; lengths fit again.
  static func protobuf(_ bytes: [UInt8], with mutation: inout ByteMutation, depth: Int = 0) -> [UInt8] {
    var fields: [[UInt8]] = []
    var at = 0
    while at < bytes.count, let (field, end) = protobufField(bytes, at) {
      fields.append(field)
      at = end
    }
    guard !fields.isEmpty else { return bytes }
    let (a, b) = (mutation.random.below(fields.count), mutation.random.below(fields.count))
    switch mutation.random.below(8) {
    case 0: fields.remove(at: a)
    case 1: fields.insert(fields[a], at: b)
    case 2: fields.swapAt(a, b)
    default:
      let tag = fields[a][0]
      if tag & 7 == 2, tag < 0x80, let (_, start) = varint(fields[a], 1) {
        var data = Array(fields[a][start...])
        if depth < 2, mutation.chance(2) {
          data = protobuf(data, with: &mutation, depth: depth + 1)
        } else {
          mutation.mutate(&data, beside: fields[b])
        }
        fields[a] = [tag] + varint(data.count) + data
      } else {
        mutation.mutate(&fields[a], beside: fields[b])
      }
    }
    return Array(fields.joined()) + bytes[min(at, bytes.count)...]
  }

  private static func protobufField(_ bytes: [UInt8], _ at: Int) -> ([UInt8], Int)? {
    guard let (tag, body) = varint(bytes, at) else { return nil }
    var end = body
    switch tag & 7 {
    case 0: end = varint(bytes, body)?.1 ?? bytes.count + 1
    case 1: end = body + 8
    case 2:
      guard let (length, start) = varint(bytes, body), length < 1 << 30 else { return nil }
      end = start + length
    case 5: end = body + 4
    default: return nil
    }
    return end <= bytes.count ? (Array(bytes[at..<end]), end) : nil
  }

  private static func varint(_ bytes: [UInt8], _ at: Int) -> (Int, Int)? {
    var (value, place) = (0, at)
    while place < bytes.count, place < at + 5 {
      value |= Int(bytes[place] & 0x7F) << (7 * (place - at))
      place += 1
      if bytes[place - 1] < 0x80 { return (value, place) }
    }
    return nil
  }

  private static func varint(_ value: Int) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F | 0x80)] + varint(value >> 7)
  }

  static func little(_ value: Int, _ width: Int) -> [UInt8] {
    (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func big(_ value: Int, _ width: Int) -> [UInt8] { little(value, width).reversed() }

  /// ISO 3309's, by a table of bytes.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ table[Int(($0 ^ UInt32($1)) & 0xFF)] }
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }
}

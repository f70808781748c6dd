import CFiles
import Glibc
import Synchronization

/// SHA-256 of whole files, computed once for each state of a file.
///
/// A digest is remembered for the process under the file's identity, and, once `remember(in:)` was called, in a directory
/// of small files: one for each path, which counts as long as device, inode, size and both times are as they were.
package enum ContentDigest {
  private struct Part: Hashable {
    let identity: FileIdentity
    let start: Int
  }

  private struct Memory {
    var digests: [Part: String] = [:]
    var directory: String?
    /// Whether what earlier runs kept counts.
    var trustsKept = true
    var contradicted: [String] = []
  }

  private static let memory = Mutex(Memory())

  /// Keeps digests in `directory`, which is made when the first is kept; `nil` keeps none beyond the process.
  package static func remember(in directory: String?) { memory.withLock { $0.directory = directory } }

  /// From here on, what earlier runs kept counts no longer: digests are computed from the bytes, and kept anew.
  package static func distrust() { memory.withLock { $0.trustsKept = false } }

  /// Files of which an earlier run kept another digest than that of their bytes.
  package static var contradicted: [String] { memory.withLock { $0.contradicted } }

  /// SHA-256 of the file's bytes from `start` on, as 64 hexadecimal digits: at once where it is remembered, else by reading
  /// them all.
  package static func sha256(of file: MappedFile, from start: Int = 0) -> String {
    if let known = known(file, from: start) { return known }
    var hash = SHA256()
    file.readAll(from: start) { hash.update($0) }
    let digest = hash.hexDigest()
    if isSettled(file) { keep(digest, of: file, from: start) }
    return digest
  }

  /// Whether the file's identity stands for its bytes: it was not written to meanwhile, nor so lately that a change within
  /// the clock's tick would not show.
  private static func isSettled(_ file: MappedFile) -> Bool {
    guard (try? file.checkUnchanged()) != nil else { return false }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec - file.identity.changed / 1_000_000_000 >= settlingSeconds
  }

  private static let settlingSeconds = 2

  /// One digest for several files: of one file its own, as `sha256sum` prints it, else SHA-256 over the lines of theirs.
  package static func sha256(of files: [MappedFile]) -> String {
    let digests = files.map { sha256(of: $0) }
    return digests.count == 1 ? digests[0] : SHA256.hexDigest(of: Array(digests.joined(separator: "\n").utf8))
  }

  /// Whether `sha256` of these answers at once.
  package static func isKnown(_ files: [MappedFile]) -> Bool { files.allSatisfy { known($0, from: 0) != nil } }

  private static func known(_ file: MappedFile, from start: Int) -> String? {
    let part = Part(identity: file.identity, start: start)
    let (found, trusts) = memory.withLock { ($0.digests[part], $0.trustsKept) }
    if let found { return found }
    guard trusts, let kept = kept(file, part) else { return nil }
    memory.withLock { $0.digests[part] = kept }
    return kept
  }

  /// What an earlier run kept for the file in this state.
  private static func kept(_ file: MappedFile, _ part: Part) -> String? {
    guard let directory = memory.withLock({ $0.directory }),
      let text = try? FileContents.text(path: place(file, part.start, directory), limit: 1 << 14)
    else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 2, lines[0] == line(part), lines[1].utf8.count == 64 else { return nil }
    return String(lines[1])
  }

  private static func keep(_ digest: String, of file: MappedFile, from start: Int) {
    let part = Part(identity: file.identity, start: start)
    let isContradicted = !memory.withLock { $0.trustsKept } && kept(file, part).map { $0 != digest } == true
    let directory = memory.withLock { memory in
      memory.digests[part] = digest
      if isContradicted { memory.contradicted.append(file.path) }
      return memory.directory
    }
    guard let directory else { return }
    // Without it the next run computes the digest again.
    let place = place(file, start, directory)
    Directory.make(directory)
    // It was read just now.
    InputFiles.forget(place)
    try? FileContents.write(Array("\(line(part))\n\(digest)\n\(file.path)\n".utf8), to: place)
  }

  private static func place(_ file: MappedFile, _ start: Int, _ directory: String) -> String {
    let path = Directory.resolved(file.path) ?? file.path
    return "\(directory)/\(SHA256.hexDigest(of: Array("\(start) \(path)".utf8)).prefix(32)).txt"
  }

  private static func line(_ part: Part) -> String {
    let identity = part.identity
    return "\(identity.device) \(identity.inode) \(identity.byteCount) \(identity.modified) \(identity.changed)"
  }
}

/// The SHA-256 hash of bytes that arrive in pieces (FIPS 180-4, §6.2).
///
/// Provenance only: it names which picture and which weights a number came from, and guards nothing.
package struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// Bytes of a block not yet full, fewer than 64.
  private var pending: [UInt8] = []
  private var byteCount: UInt64 = 0

  private let usesInstructions: Bool

  package init() { self.init(usesInstructions: true) }

  /// - Parameter usesInstructions: whether those that the processor has for it are used.
  package init(usesInstructions: Bool) { self.usesInstructions = usesInstructions && Self.hasInstructions }

  /// Appends `bytes` to what is hashed.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount += UInt64(bytes.count)
    var rest = bytes[...]
    if !pending.isEmpty {
      let taken = rest.prefix(64 - pending.count)
      pending.append(contentsOf: taken)
      rest = rest.dropFirst(taken.count)
      guard pending.count == 64 else { return }
      let block = pending
      block.withUnsafeBytes { compress($0) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count / 64 * 64
    compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
    pending.append(contentsOf: rest.dropFirst(whole))
  }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The digest of everything so far, as 64 lowercase hexadecimal digits.
  package func hexDigest() -> String {
    var last = self
    let bitCount = byteCount &* 8
    last.update([0x80] + [UInt8](repeating: 0, count: (119 - pending.count) % 64))
    last.update((0..<8).map { UInt8(truncatingIfNeeded: bitCount >> UInt64(56 - 8 * $0)) })
    let digits = Array("0123456789abcdef")
    return String(last.state.flatMap { word in (0..<8).map { digits[Int(word >> (28 - 4 * $0)) & 15] } })
  }

  /// The digest of `bytes`, as 64 lowercase hexadecimal digits.
  package static func hexDigest(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexDigest()
  }

  package static func hexDigest(of bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { hexDigest(of: $0) }
  }

  private static let hasInstructions = cfiles_has_sha256() != 0

  /// Folds whole 64-byte blocks into `state`.
  private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
    guard let first = blocks.baseAddress, !blocks.isEmpty else { return }
    if usesInstructions {
      cfiles_sha256_blocks(&state, first.assumingMemoryBound(to: UInt8.self), blocks.count / 64)
    } else {
      Self.compress(blocks, into: &state)
    }
  }

  private static func compress(_ blocks: UnsafeRawBufferPointer, into state: inout [UInt32]) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { schedule in
      roundConstants.withUnsafeBufferPointer { constants in
        for start in stride(from: 0, to: blocks.count, by: 64) {
          expand(blocks, at: start, into: schedule)
          mix(schedule, constants, into: &state)
        }
      }
    }
  }

  private static func expand(
    _ blocks: UnsafeRawBufferPointer, at start: Int, into w: UnsafeMutableBufferPointer<UInt32>
  ) {
    for i in 0..<16 {
      w[i] = UInt32(bigEndian: blocks.loadUnaligned(fromByteOffset: start + 4 * i, as: UInt32.self))
    }
    for i in 16..<64 {
      let low = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3)
      let high = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10)
      w[i] = w[i - 16] &+ low &+ w[i - 7] &+ high
    }
  }

  private static func mix(
    _ w: UnsafeMutableBufferPointer<UInt32>, _ constants: UnsafeBufferPointer<UInt32>, into state: inout [UInt32]
  ) {
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for i in 0..<64 {
      let choice = (e & f) ^ (~e & g)
      let first = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ constants[i] &+ w[i]
      let majority = (a & b) ^ (a & c) ^ (b & c)
      let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
      (h, g, f, e) = (g, f, e, d &+ first)
      (d, c, b, a) = (c, b, a, first &+ second)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  @inline(__always)
  private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { (x &>> n) | (x &<< (32 &- n)) }

  private static let roundConstants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}

/// CRC-32 of ISO 3309, as ZIP and PNG use it.
package enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
  }

  package static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
  }
}

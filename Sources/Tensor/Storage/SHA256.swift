internal import CKernels

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
  /// The digest of `bytes` in lower-case hexadecimal.
  package static func hexDigest(_ bytes: UnsafeRawBufferPointer) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    kernel_sha256(bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &digest)
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The digest of `bytes` in lower-case hexadecimal.
  package static func hexDigest(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hexDigest($0) } }
}

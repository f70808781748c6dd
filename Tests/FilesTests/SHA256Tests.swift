import Files
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  @Test(
    "The digests of FIPS 180-4's and NIST's examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func examples(text: String, digest: String) {
    #expect(SHA256.hexDigest(of: Array(text.utf8)) == digest)
  }

  @Test("A million letters a, given in uneven pieces, hash as NIST says")
  func million() {
    var hash = SHA256()
    var left = 1_000_000
    var size = 1
    while left > 0 {
      let count = min(size, left)
      hash.update([UInt8](repeating: 0x61, count: count))
      left -= count
      size = size * 3 % 1009 + 1
    }
    #expect(hash.hexDigest() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("The processor's instructions and the words of the standard give one digest, for any length and address")
  func instructions() {
    let bytes = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3 &+ 5 &* $0) }
    for (start, end) in [(0, 64), (1, 65), (3, 131), (7, 1031), (0, 4099), (13, 4096)] {
      var (words, instructions) = (SHA256(usesInstructions: false), SHA256(usesInstructions: true))
      bytes.withUnsafeBytes {
        words.update(UnsafeRawBufferPointer(rebasing: $0[start..<end]))
        instructions.update(UnsafeRawBufferPointer(rebasing: $0[start..<end]))
      }
      #expect(words.hexDigest() == instructions.hexDigest())
    }
  }

  @Test("Any split of the bytes gives the digest of the whole")
  func splits() {
    let bytes = (0..<200).map { UInt8($0 * 7 % 251) }
    let whole = SHA256.hexDigest(of: bytes)
    for cut in 0...bytes.count {
      var hash = SHA256()
      hash.update(Array(bytes[..<cut]))
      hash.update(Array(bytes[cut...]))
      #expect(hash.hexDigest() == whole)
    }
  }

  @Test("Lengths around the block's padding boundary agree with a reference implementation")
  func padding() {
    let expected = [
      55: "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318",
      56: "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a",
      63: "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34",
      64: "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb",
    ]
    for (count, digest) in expected {
      #expect(SHA256.hexDigest(of: [UInt8](repeating: 0x61, count: count)) == digest)
    }
  }
}

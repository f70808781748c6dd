/// What a file of weights is by its first bytes, since people rename files, and downloads leave other things in their place.
enum WeightFileKind: Equatable {
  case safetensors
  /// A ZIP archive, which is what torch.save writes.
  case pyTorch
  /// Something else: what a sentence about it says.
  case other(String)

  /// First bytes of what is found under the names of weights.
  private static let others: [(opening: [UInt8], name: String)] = [
    (Array("GGUF".utf8), "is in llama.cpp's format, GGUF"), (Array("ggml".utf8), "is in llama.cpp's old format, GGML"),
    (Array("\u{1F}".utf8) + [0x8B], "is compressed by gzip"), (Array("BZh".utf8), "is compressed by bzip2"),
    ([0xFD] + Array("7zXZ".utf8), "is compressed by xz"), ([0x28, 0xB5, 0x2F, 0xFD], "is compressed by zstd"),
    (Array("Rar!".utf8), "is a RAR archive"), (Array("7z".utf8) + [0xBC, 0xAF], "is a 7z archive"),
    ([0x89] + Array("HDF".utf8), "is an HDF5 file, as Keras writes it"),
    ([0x93] + Array("NUMPY".utf8), "is a NumPy array"),
    (Array("<".utf8), "is a web page or XML, such as a server's message in the place of the file"),
    (Array("#!".utf8), "is a script"), ([0x7F] + Array("ELF".utf8), "is a program"),
    ([0x89] + Array("PNG".utf8), "is a PNG picture"), ([0xFF, 0xD8, 0xFF], "is a JPEG picture"),
    (Array("%PDF".utf8), "is a PDF document"),
  ]
  /// The first value of a file of torch before 1.6, the magic number of `torch/serialization.py`, in protocol 2.
  private static let oldTorch: [UInt8] = [
    0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// - Parameter endsLikeSafetensors: whether the name says safetensors, which decides where the contents do not.
  init(_ bytes: UnsafeRawBufferPointer, endsLikeSafetensors: Bool) {
    if bytes.isEmpty {
      self = .other("is empty")
    } else if bytes.starts(with: Array("PK".utf8)) {
      self = .pyTorch
    } else if bytes.count > 8, bytes[8] == UInt8(ascii: "{") {
      self = .safetensors
    } else if let known = Self.others.first(where: { bytes.starts(with: $0.opening) }) {
      self = .other(known.name)
    } else if bytes.starts(with: Self.oldTorch) {
      self = .other("is of torch before 1.6; load it with a newer torch, and save it again")
    } else if bytes.count > 2, bytes[0] == 0x80, bytes[1] <= 5 {
      self = .other("is a plain pickle")
    } else if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
      self = .other("is a tar archive, as torch before 0.1.10 wrote it")
    } else if Self.isText(bytes) {
      self = .other("is a text")
    } else {
      self = endsLikeSafetensors ? .safetensors : .other("is neither a ZIP archive nor a safetensors file")
    }
  }

  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.prefix(512).allSatisfy { $0 == 0x09 || $0 == 0x0A || $0 == 0x0D || $0 >= 0x20 && $0 < 0x7F }
  }
}

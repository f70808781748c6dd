package import Files
package import Tensor

/// A memory-mapped safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes.
///
/// The header is checked as the reference reader does before a tensor is handed out: known types, sizes that agree with
/// shapes, and byte ranges that cover the data without holes or overlaps
/// (huggingface/safetensors, `safetensors/src/tensor.rs`).
package struct SafetensorsFile: Sendable {
  /// The longest header accepted, as in the reference reader.
  package static let longestHeader = 100_000_000

  package let path: String
  /// The strings of `__metadata__`.
  package let metadata: [String: String]
  package let tensors: [String: StoredTensor]
  /// The length field and the header as they lie in the file.
  package var headerBytes: [UInt8] { Array(file.bytes[..<dataStart]) }
  /// Where the tensors' bytes begin.
  package let dataStart: Int
  package let file: MappedFile

  /// Opens and checks the file at `path`.
  package init(path: String) throws(CheckpointError) {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
    let header = try SafetensorsHeader(file: file)
    self.path = path
    self.metadata = header.metadata
    self.file = file
    dataStart = header.dataStart
    self.tensors = Dictionary(
      uniqueKeysWithValues: header.entries.map { entry in
        (
          StoredTensor.key(entry.name),
          StoredTensor(
            name: entry.name, dtype: entry.dtype, shape: entry.shape, file: file,
            byteOffset: header.dataStart + entry.range.lowerBound)
        )
      })
  }
}

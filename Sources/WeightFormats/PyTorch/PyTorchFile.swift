package import Files
package import Safetensors
package import Tensor

/// A state dict as `torch.save` writes it since torch 1.6: a ZIP archive of a pickle and the tensors' bytes.
///
/// The pickle is read by `PickleMachine`, which executes nothing. Tensors stay mapped where they lie, unless a view's
/// steps or its place make that impossible: such a view is copied.
package struct PyTorchFile: Sendable {
  package let path: String
  package let tensors: [String: StoredTensor]
  /// The pickle, which names and shapes all tensors.
  package let headerBytes: [UInt8]
  package let file: MappedFile

  /// The longest pickle accepted; that of a 7B model takes 60 kB.
  private static let longestPickle = 64 << 20
  /// How many times its size a file's views may take when they are copied, which those of channels-last or transposed
  /// weights do once.
  static let mostCopies = 4

  /// Opens and checks the file at `path`.
  ///
  /// - Throws: `CheckpointError` naming the file, and the operation, name or tensor in it, that cannot be used.
  package init(path: String) throws(CheckpointError) {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
    let archive = try ZipArchive(file: file)
    let folder = try Self.folder(archive, path: path)
    guard let pickle = archive.entries["\(folder)/data.pkl"], pickle.range.count <= Self.longestPickle else {
      throw .malformed(path: path, problem: "its pickle is larger than \(Self.longestPickle) bytes")
    }
    let bytes = try archive.bytes(of: pickle)
    var machine = PickleMachine(path: path, bytes: bytes)
    let views = try StateDict(try machine.run(), path: path).tensors
    var tensors: [String: StoredTensor] = [:]
    var budget = Self.mostCopies * file.byteCount
    for (name, view) in views {
      tensors[StoredTensor.key(name)] = try PyTorchView(name: name, view: view, folder: folder).stored(
        archive, file, budget: &budget)
    }
    self.path = path
    self.file = file
    self.tensors = tensors
    headerBytes = bytes
  }

  /// The archive's only folder with a pickle.
  private static func folder(_ archive: ZipArchive, path: String) throws(CheckpointError) -> String {
    let suffix = "/data.pkl"
    let folders = archive.entries.keys.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
      .filter { !$0.contains("/") }
    guard folders.count == 1 else {
      throw .malformed(path: path, problem: "is a ZIP archive, but none that torch.save wrote: it has no data.pkl")
    }
    if let order = archive.entries["\(folders[0])/byteorder"], order.range.count < 16 {
      let text = String(decoding: try archive.bytes(of: order), as: UTF8.self)
      guard text == "little" else {
        throw .malformed(path: path, problem: "its byte order is \(printableName(text)), expected little")
      }
    }
    return folders[0]
  }
}

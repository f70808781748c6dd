import Foundation
import Safetensors
import Tensor
import TestSupport

/// Copies of the recorded checkpoint with something broken in them.
struct BrokenCheckpoint {
  let folder: TemporaryFolder
  var path: String { folder.root }

  /// `change` edits the values of the tensors that it knows.
  init(_ change: (_ name: String, _ shape: [Int], _ values: inout [Float]) -> Void) throws {
    folder = try TemporaryFolder()
    for name in ["config.json", "preprocessor_config.json", "tokenizer.model"] {
      try FileManager.default.copyItem(atPath: "\(ParityCase.directory)/\(name)", toPath: folder.path(name))
    }
    let file = try SafetensorsFile(path: "\(ParityCase.directory)/model.safetensors")
    let entries = file.tensors.values.filter(\.dtype.isWeight).map { stored -> SafetensorsEntry in
      var values = stored.float32().values
      change(stored.name, stored.shape, &values)
      return SafetensorsEntry(stored.name, Tensor(shape: stored.shape, values: values))
    }
    try SafetensorsWriter.write(entries, metadata: [:], to: folder.path("model.safetensors"))
  }

  static let embedding = "model.mgvq.quantize.embedding.weight"

  /// The quantizer alone, its keys behind `prefix`, as one file.
  static func stateDict(prefix: String, at path: String) throws {
    let own = "model.mgvq."
    let file = try SafetensorsFile(path: "\(ParityCase.directory)/model.safetensors")
    let entries = file.tensors.values.filter { $0.name.hasPrefix(own) && $0.dtype.isWeight }.map {
      SafetensorsEntry(prefix + $0.name.dropFirst(own.count), $0.float32())
    }
    try SafetensorsWriter.write(entries, metadata: [:], to: path)
  }
}

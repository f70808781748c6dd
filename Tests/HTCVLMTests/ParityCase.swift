import Foundation
import HTCVLM
import ImageLoading
import Safetensors
import Tensor
import TestSupport
import Testing
import Trace

/// A case whose every intermediate was computed by HF transformers' CLIP and Llama in float32, and by an MGVQ checked
/// against the released implementation.
struct ParityCase: Sendable, CustomTestStringConvertible {
  static let all = ["star-png", "voco-causal-bf16", "sharded-f16-hwc"].map(ParityCase.init)
  static let star = all[0]
  static let causal = all[1]
  static let twoVocos = all[2]

  let name: String

  var testDescription: String { name }
  var directory: String { fixture("parity/\(name)") }
  var imagePath: String { "\(directory)/image.\(name == "voco-causal-bf16" ? "jpg" : "png")" }

  func text(_ file: String) throws -> String {
    try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
  }

  func expected() throws -> SafetensorsFile {
    try SafetensorsFile(path: "\(directory)/expected.safetensors")
  }

  func picture() throws -> PictureSource {
    let decoded = try ImageDecoder.decode(path: imagePath)
    return PictureSource(
      image: decoded.image, name: URL(fileURLWithPath: imagePath).lastPathComponent, sha256: decoded.fileSHA256)
  }

  func pipeline() throws -> Pipeline { try Pipeline(opening: directory, version: "test") }

  func model() throws -> HTCVLMModel { try HTCVLMModel(directory: try CheckpointDirectory(path: directory)) }

  func request() throws -> Pipeline.Request {
    Pipeline.Request(prompt: try text("prompt.txt"), options: GenerationOptions(maxNewTokens: 8))
  }

  /// The picture, encoded and compressed.
  func cache(_ model: HTCVLMModel, _ intervention: Intervention = .none) throws -> VisualCache {
    try model.compress(try model.encode(try picture().image), intervention: intervention)
  }
}

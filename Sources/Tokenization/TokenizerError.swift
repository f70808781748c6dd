package import Files
import Tensor

/// Why a tokenizer file cannot be used; its description is one sentence that names the file.
package enum TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
  case file(FileError)
  /// The file was read, but libsentencepiece refuses it, for the quoted reason.
  case notSentencePiece(path: String, reason: String)
  /// The file was accepted, but its normaliser or segmentation fails on a text.
  case cannotEncode(path: String, reason: String)

  package var description: String {
    switch self {
    case .file(let error): error.description
    case .notSentencePiece(let path, let reason): "\(path): is not a usable SentencePiece model: \(reason)"
    case .cannotEncode(let path, let reason): "\(path): its SentencePiece model cannot encode the text: \(reason)"
    }
  }
}

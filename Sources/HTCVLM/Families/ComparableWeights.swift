import Files
package import Tensor
import WeightFormats

/// Weights of two paths under names that can be compared.
package enum ComparableWeights {
  /// The tensors of two directories or files; under one layout's names where the two are published in different ones.
  ///
  /// - Throws: `CheckpointError` naming the file that cannot be read.
  package static func pair(
    _ first: String, _ second: String
  ) throws -> (first: [String: StoredTensor], second: [String: StoredTensor]) {
    let (a, b) = (try tensors(first), try tensors(second))
    let layouts = (WeightLayout(names: a.keys), WeightLayout(names: b.keys))
    guard layouts.0 != layouts.1 else { return (a, b) }
    return (try layouts.0.canonicalized(a, path: first), try layouts.1.canonicalized(b, path: second))
  }

  private static func tensors(_ name: String) throws -> [String: StoredTensor] {
    let path = try HuggingFaceCache().directory(name).path
    return try Directory.exists(path) ? WeightFiles(directory: path).tensors : WeightFiles(file: path).tensors
  }
}

import Tensor
import WeightFormats

/// Finds weights by their checkpoint keys, and names the one that is missing or misshapen.
struct WeightReader: Sendable {
  let tensors: [String: StoredTensor]
  /// What errors call the checkpoint.
  let checkpoint: String
  /// Matrices held as 8-bit integers, by the key of the weight that they replace.
  var quantized: [String: QuantizedMatrix] = [:]
  /// Prepended to every key, with its dot.
  var prefix = ""
  /// Whether convolutions are held transformed where that is faster: four times their size.
  var usesMinimalFiltering = false

  func under(_ part: String) -> WeightReader {
    var inner = self
    inner.prefix += part + "."
    return inner
  }

  func has(_ key: String) -> Bool { tensors[prefix + key] != nil }

  /// The tensor as it lies in the file.
  func stored(_ key: String, _ shape: [Int]) throws(ModelError) -> StoredTensor {
    let name = prefix + key
    guard let tensor = tensors[name] else { throw .missingTensor(name: name, checkpoint: checkpoint) }
    guard tensor.shape == shape else {
      throw .wrongShape(name: name, found: tensor.shape, expected: shape, checkpoint: checkpoint)
    }
    guard tensor.dtype.isWeight else {
      throw .wrongType(name: name, found: tensor.dtype.rawValue, checkpoint: checkpoint)
    }
    return tensor
  }

  /// A vector or a kernel small enough to hold in 32 bits, of finite numbers.
  func tensor(_ key: String, _ shape: [Int]) throws(ModelError) -> Tensor {
    try finite(try stored(key, shape))
  }

  /// A tensor in 32 bits, of finite numbers.
  func finite(_ tensor: StoredTensor) throws(ModelError) -> Tensor {
    let values = tensor.float32()
    if let found = values.firstNotFinite() {
      throw .notFiniteWeight(name: tensor.name, found: found, checkpoint: checkpoint)
    }
    return values
  }

  /// `key.weight` `[outputs, inputs]` and, with `bias`, `key.bias` `[outputs]`.
  func linear(_ key: String, inputs: Int, outputs: Int, bias: Bool = true) throws(ModelError) -> Linear {
    let weight = try stored("\(key).weight", [outputs, inputs])
    let bias = bias ? try tensor("\(key).bias", [outputs]) : nil
    if let matrix = quantized[weight.name] { return Linear(weight: matrix, bias: bias) }
    return Linear(weight: weight, bias: bias)
  }

  /// `key.weight` `[outputs, inputs / groups, kernel, kernel]`, padded to keep the resolution.
  func convolution(
    _ key: String, inputs: Int, outputs: Int, kernel: Int, groups: Int = 1, bias: Bool = true
  ) throws(ModelError) -> Conv2D {
    Conv2D(
      weight: try tensor("\(key).weight", [outputs, inputs / groups, kernel, kernel]),
      bias: bias ? try tensor("\(key).bias", [outputs]) : nil,
      padding: kernel / 2, groups: groups, minimalFiltering: usesMinimalFiltering)
  }
}

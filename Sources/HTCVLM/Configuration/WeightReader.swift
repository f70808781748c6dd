import Synchronization
import Tensor
import WeightFormats

/// Finds weights by their checkpoint keys, and names the one that is missing or misshapen.
///
/// A recording reader finds every weight, as a placeholder without elements, and keeps what was asked for: so the parts of
/// the model say once what they read.
struct WeightReader: Sendable {
  private enum Source: Sendable {
    case tensors([String: StoredTensor])
    case recording(TensorRecorder)
  }

  private let source: Source
  /// What errors call the checkpoint.
  private let checkpoint: String
  /// Matrices held as 8-bit integers, by the key of the weight that they replace.
  private let quantized: [String: QuantizedMatrix]
  /// Prepended to every key, with its dot.
  private var prefix = ""
  /// Whether what is asked for may be absent.
  private var isOptional = false
  /// Whether convolutions are held transformed where that is faster: four times their size.
  var usesMinimalFiltering = false

  init(tensors: [String: StoredTensor], checkpoint: String, quantized: [String: QuantizedMatrix] = [:]) {
    source = .tensors(tensors)
    self.checkpoint = checkpoint
    self.quantized = quantized
  }

  init(recording recorder: TensorRecorder) {
    source = .recording(recorder)
    checkpoint = ""
    quantized = [:]
  }

  func under(_ part: String) -> WeightReader { at(prefix + part + ".") }

  /// The reader of keys that begin with `prefix`, its dot included.
  func at(_ prefix: String) -> WeightReader {
    var inner = self
    inner.prefix = prefix
    return inner
  }

  /// Tells a recording reader of weights that no run reads but a checkpoint may have.
  func optionally(under part: String, _ body: (WeightReader) throws(ModelError) -> Void) throws(ModelError) {
    guard case .recording = source else { return }
    var inner = under(part)
    inner.isOptional = true
    try body(inner)
  }

  /// Tells a recording reader of a tensor that may be absent.
  func mention(_ key: String, _ shape: [Int]) {
    guard case .recording(let recorder) = source else { return }
    recorder.note(ExpectedTensor(name: prefix + key, shape: shape, required: false))
  }

  /// A part of the model that is bound when it is first used; a recording reader asks for it at once.
  func deferred<Part: Sendable>(
    _ make: @escaping @Sendable (WeightReader) throws(ModelError) -> Part
  ) throws(ModelError) -> Lazy<Part> {
    if case .recording = source { _ = try make(self) }
    return Lazy { try make(self) }
  }

  /// The tensor as it lies in the file.
  func stored(_ key: String, _ shape: [Int]) throws(ModelError) -> StoredTensor {
    let name = prefix + key
    switch source {
    case .recording(let recorder):
      recorder.note(ExpectedTensor(name: name, shape: shape, required: !isOptional))
      return StoredTensor(name: name, tensor: .zeros([0, 0]))
    case .tensors(let tensors):
      guard let tensor = tensors[name] else { throw .missingTensor(name: name, checkpoint: checkpoint) }
      guard tensor.shape == shape else {
        throw .wrongShape(name: name, found: tensor.shape, expected: shape, checkpoint: checkpoint)
      }
      guard tensor.dtype.isWeight else {
        throw .wrongType(name: name, found: tensor.dtype.rawValue, checkpoint: checkpoint)
      }
      return tensor
    }
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
    if case .recording(let recorder) = source {
      if !isOptional { recorder.noteMatrix(weight.name) }
      return Linear(weight: weight)
    }
    if let matrix = quantized[weight.name] { return Linear(weight: matrix, bias: bias) }
    return Linear(weight: weight, bias: bias)
  }

  /// `key.weight` `[outputs, inputs / groups, kernel, kernel]`, padded to keep the resolution.
  func convolution(
    _ key: String, inputs: Int, outputs: Int, kernel: Int, groups: Int = 1, bias: Bool = true
  ) throws(ModelError) -> Conv2D {
    let weight = try tensor("\(key).weight", [outputs, inputs / groups, kernel, kernel])
    let bias = bias ? try tensor("\(key).bias", [outputs]) : nil
    if case .recording = source { return Conv2D(weight: .zeros([0, 0, kernel, kernel]), padding: 0) }
    return Conv2D(
      weight: weight, bias: bias, padding: kernel / 2, groups: groups, minimalFiltering: usesMinimalFiltering)
  }
}

/// What the parts of a model asked a recording reader for, in order.
final class TensorRecorder: Sendable {
  private struct Notes {
    var tensors: [ExpectedTensor] = []
    var names: Set<String> = []
    var matrices: [String] = []
  }

  private let notes = Mutex(Notes())

  /// Every tensor once.
  var tensors: [ExpectedTensor] { notes.withLock(\.tensors) }

  /// The keys of the weights of linear layers.
  var matrices: [String] { notes.withLock(\.matrices) }

  fileprivate func note(_ tensor: ExpectedTensor) {
    notes.withLock { notes in
      if notes.names.insert(tensor.name).inserted { notes.tensors.append(tensor) }
    }
  }

  fileprivate func noteMatrix(_ key: String) { notes.withLock { $0.matrices.append(key) } }
}

/// A value made on first use and kept: opening a checkpoint converts no weight.
final class Lazy<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let make: @Sendable () throws -> Value

  init(_ make: @escaping @Sendable () throws -> Value) { self.make = make }

  func get() throws -> Value {
    try value.withLock { value in
      if let made = value { return made }
      let made = try make()
      value = made
      return made
    }
  }
}

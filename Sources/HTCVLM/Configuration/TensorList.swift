import WeightFormats

/// The tensors that a part of the model reads, listed with the same words as `WeightReader` reads them.
struct TensorList {
  private(set) var tensors: [ExpectedTensor] = []
  private var prefix = ""
  private var required = true

  /// Lists what `body` adds under `part.`; `required: false` marks tensors that may be absent.
  mutating func under(_ part: String, required: Bool = true, _ body: (inout TensorList) -> Void) {
    let outer = (prefix, self.required)
    prefix += part + "."
    self.required = self.required && required
    body(&self)
    (prefix, self.required) = outer
  }

  mutating func tensor(_ key: String, _ shape: [Int], required: Bool = true) {
    tensors.append(ExpectedTensor(name: prefix + key, shape: shape, required: self.required && required))
  }

  mutating func linear(_ key: String, inputs: Int, outputs: Int, bias: Bool = true) {
    tensor("\(key).weight", [outputs, inputs])
    if bias { tensor("\(key).bias", [outputs]) }
  }

  mutating func convolution(
    _ key: String, inputs: Int, outputs: Int, kernel: Int, groups: Int = 1, bias: Bool = true
  ) {
    tensor("\(key).weight", [outputs, inputs / groups, kernel, kernel])
    if bias { tensor("\(key).bias", [outputs]) }
  }

  mutating func weightAndBias(_ key: String, _ size: Int) {
    tensor("\(key).weight", [size])
    tensor("\(key).bias", [size])
  }
}

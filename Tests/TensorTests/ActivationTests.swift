import Foundation
import Tensor
import Testing

@Suite("Activations") struct ActivationTests {
  /// −20, −20 + 1/256, … 20, and values far out.
  static let inputs: [Float] =
    (-5120...5120).map { Float($0) / 256 } + [-1e30, -200, -88, -0.0, 1e-30, -1e-30, 1e-6, 88, 200, 1e30]

  private func check(_ activation: Activation, tolerance: (Double) -> Double, reference: (Double) -> Double) {
    let outputs = activation(Tensor(shape: [Self.inputs.count], values: Self.inputs)).values
    let wrong = zip(Self.inputs, outputs).filter { x, y in
      let expected = reference(Double(x))
      return !(abs(Double(y) - expected) <= tolerance(expected))
    }
    #expect(wrong.isEmpty, "\(activation): \(wrong.prefix(3)) and \(wrong.count) in all")
  }

  @Test("GELU is x·Φ(x) with the error function, within 4e-7")
  func gelu() {
    check(.gelu, tolerance: { max(4e-7, abs($0) * 2e-7) }, reference: { $0 * 0.5 * erfc(-$0 / 2.0.squareRoot()) })
    // The tanh form gives −0.15880801.
    #expect(abs(Activation.gelu(Tensor(shape: [1], values: [-1])).values[0] + 0.15865526) < 1e-7)
  }

  @Test("SiLU and CLIP's quick GELU agree with libm to three units in the last place")
  func swish() {
    check(.silu, tolerance: { abs($0) * 4e-7 + 1e-37 }, reference: { $0 / (1 + exp(-$0)) })
    // −1.702x is rounded to a float before the exponential.
    check(.quickGELU, tolerance: { abs($0) * 3e-6 + 1e-37 }, reference: { $0 / (1 + exp(-Double(Float(1.702)) * $0)) })
  }

  @Test("ReLU and the identity change nothing else")
  func relu() {
    #expect(Activation.relu(Tensor(shape: [4], values: [-1, 0, 2, .infinity])).values == [0, 0, 2, .infinity])
    #expect(Activation.identity(Tensor(shape: [2], values: [-1, 3])).values == [-1, 3])
  }

  @Test("NaN stays NaN and infinities do what the formulas say")
  func special() {
    let x = Tensor(shape: [3], values: [.nan, .infinity, -1000])
    for activation in [Activation.gelu, .silu, .quickGELU] {
      let y = activation(x).values
      #expect(y[0].isNaN && y[1] == .infinity && y[2] == 0)
    }
  }

  @Test("The exponential of softmax is within two units in the last place of libm's, and no share is subnormal")
  func exponential() {
    // A row (x, 0) with x ≤ 0 has softmax e^x / (1 + e^x).
    var worst = 0.0
    for step in 0..<8000 {
      let x = -Float(step) / 100
      let y = softmaxRows(Tensor(shape: [1, 2], values: [x, 0])).values[0]
      let expected = exp(Double(x)) / (1 + exp(Double(x)))
      worst = max(worst, abs(Double(y) - expected) / expected)
    }
    #expect(worst < 3e-7)
    #expect(softmaxRows(Tensor(shape: [1, 3], values: [-95, 0, -.infinity])).values == [0, 1, 0])
  }

  @Test("Softmax of long rows sums to one and keeps order, whatever the length", arguments: [1, 15, 16, 17, 577, 4099])
  func rows(length: Int) {
    let x = Tensor(shape: [3, length], values: (0..<3 * length).map { Float(($0 * 37) % 101) / 7 - 90 })
    let y = softmaxRows(x)
    for row in 0..<3 {
      let values = y[rows: row..<row + 1].values
      let sum = values.reduce(0.0) { $0 + Double($1) }
      #expect(abs(sum - 1) < 1e-6)
      let inputs = x[rows: row..<row + 1].values.map(Double.init)
      let largest = inputs.max() ?? 0
      let total = inputs.reduce(0) { $0 + exp($1 - largest) }
      #expect(
        zip(values, inputs).allSatisfy { abs(Double($0) - exp($1 - largest) / total) <= 4e-7 * Double($0) + 1e-12 })
    }
  }
}

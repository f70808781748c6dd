import Tensor
import Testing

/// The largest difference between two tensors of one shape.
func largestDifference(_ a: Tensor, _ b: [Float]) -> Float {
  precondition(a.count == b.count)
  return zip(a.values, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// Elements that a test can tell apart: 0.25, −0.5, 0.75, … with period 11.
func ramp(_ shape: [Int]) -> Tensor {
  let count = shape.reduce(1, *)
  return Tensor(shape: shape, values: (0..<count).map { Float(($0 * 7) % 11 - 5) * 0.25 })
}

@Suite struct OperationTests {
  @Test("A product with a matrix equals the sum of products, transposed or not")
  func product() {
    let (a, b) = (ramp([3, 5]), ramp([5, 4]))
    let expected = (0..<12).map { i in
      2 * (0..<5).reduce(Float(0)) { $0 + a[i / 4, $1] * b[$1, i % 4] }
    }
    #expect(largestDifference(matmul(a, b, scale: 2), expected) < 1e-6)
    #expect(largestDifference(matmul(a, b.transposed(), transposeB: true, scale: 2), expected) < 1e-6)
    #expect(matmul(.zeros([2, 0]), .zeros([0, 3])) == .zeros([2, 3]))
  }

  @Test("A linear layer gives the same rows one at a time and many at a time", arguments: [1, 2, 4, 5, 9])
  func linear(rows: Int) {
    let (x, weight, bias) = (ramp([rows, 6]), ramp([7, 6]), ramp([7]))
    let expected = (0..<rows * 7).map { i in
      (0..<6).reduce(bias.values[i % 7]) { $0 + x[i / 7, $1] * weight[i % 7, $1] }
    }
    #expect(largestDifference(Linear(weight: StoredTensor(name: "w", tensor: weight), bias: bias)(x), expected) < 1e-5)
  }

  @Test(
    "A convolution equals its definition for strides, paddings, groups and kernels",
    arguments: [(1, 1, 1, 3), (2, 0, 1, 3), (1, 0, 1, 1), (1, 1, 4, 3), (1, 0, 2, 1), (14, 0, 1, 14), (2, 2, 2, 5)])
  func convolution(stride: Int, padding: Int, groups: Int, kernel: Int) {
    let x = ramp([4, 28, 15])
    let weight = ramp([8, 4 / groups, kernel, kernel])
    let bias = ramp([8])
    let result = Conv2D(weight: weight, bias: bias, stride: stride, padding: padding, groups: groups)(x)
    #expect(result.shape == [8, (28 + 2 * padding - kernel) / stride + 1, (15 + 2 * padding - kernel) / stride + 1])
    var worst: Float = 0
    for o in 0..<8 {
      for row in 0..<result.shape[1] {
        for column in 0..<result.shape[2] {
          var sum = bias.values[o]
          for i in 0..<4 / groups {
            for ky in 0..<kernel {
              for kx in 0..<kernel {
                let (y, xx) = (row * stride + ky - padding, column * stride + kx - padding)
                guard 0..<28 ~= y, 0..<15 ~= xx else { continue }
                sum += weight[o, i, ky, kx] * x[o / (8 / groups) * (4 / groups) + i, y, xx]
              }
            }
          }
          worst = max(worst, abs(sum - result[o, row, column]))
        }
      }
    }
    #expect(worst < 2e-4)
  }

  @Test(
    "A convolution in transformed tiles equals the direct one, also where tiles stick out of the picture",
    arguments: [(128, 128, 20, 16), (144, 130, 7, 71), (128, 256, 2, 3)])
  func minimalFiltering(inputs: Int, outputs: Int, height: Int, width: Int) {
    let x = ramp([inputs, height, width])
    let weight = ramp([outputs, inputs, 3, 3])
    let bias = ramp([outputs])
    let direct = Conv2D(weight: weight, bias: bias, padding: 1)(x)
    let tiled = Conv2D(weight: weight, bias: bias, padding: 1, minimalFiltering: true)
    let largest = direct.values.reduce(0) { max($0, abs($1)) }
    #expect(tiled(x).shape == direct.shape && largest > 0)
    #expect(largestDifference(tiled(x), direct.values) <= 5e-5 * largest)
    let plain = Conv2D(weight: weight, padding: 1, minimalFiltering: true)(x)
    let shifted = plain.values.indices.map { plain.values[$0] + bias.values[$0 / (height * width)] }
    #expect(largestDifference(tiled(x), shifted) <= 1e-6 * largest)
  }

  @Test("Softmax rows sum to one, masked keys get exactly nothing, and a row of masks stays empty")
  func softmax() {
    let x = Tensor(shape: [2, 3], values: [1, -.infinity, 2, -.infinity, -.infinity, -.infinity])
    let y = softmaxRows(x)
    #expect(abs(y[0, 0] - 0.26894142) < 1e-7 && abs(y[0, 2] - 0.7310586) < 1e-7)
    #expect(y[0, 1] == 0 && y.values[3...].allSatisfy { $0 == 0 })
  }

  @Test(
    "Attention of all rows to all keys is softmax of the scaled scores times the values, head by head",
    // Sizes of 16 and 48 are packed; 29 rows are a block and a part of a tile, 37 keys a panel and a part.
    arguments: [(1, 12), (3, 4), (2, 16), (3, 48)])
  func attentionOfHeads(heads: Int, size: Int) {
    let width = heads * size
    let (queries, keys, values) = (ramp([29, width]), ramp([37, width]) * 0.5, ramp([37, width]) * 2)
    let expected = Tensor.concatenateColumns(
      (0..<heads).map { head in
        let columns = head * size..<(head + 1) * size
        let scores = matmul(queries.columns(columns), keys.columns(columns), transposeB: true, scale: 0.3)
        return matmul(softmaxRows(scores), values.columns(columns))
      })
    let result = attention(queries: queries, keys: keys, values: values, heads: heads, scale: 0.3)
    #expect(result.shape == [29, width] && largestDifference(result, expected.values) < 2e-6)
  }

  @Test("Layer norm, RMS norm and batch norm give NumPy's numbers")
  func norms() {
    let x = Tensor(shape: [2, 4], values: [1, 2, 3, 6, -1, 0, 0.5, 4])
    let (weight, bias) = (Tensor(shape: [4], values: [1, 2, -1, 0.5]), Tensor(shape: [4], values: [0, 1, 0.25, -1]))
    #expect(
      largestDifference(
        layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5),
        [
          -1.0690434, -0.06904344, 0.25, -0.19821742, -0.99558356, 0.07078867, 0.44911671, -0.17034703,
        ]) < 1e-6)
    #expect(
      largestDifference(
        rmsNorm(x, weight: weight, epsilon: 1e-6),
        [0.2828427, 1.1313708, -0.8485281, 0.8485281, -0.48154336, 0, -0.24077168, 0.9630867]) < 1e-6)
    let picture = x.reshaped([2, 2, 2])
    let (w, b) = (Tensor(shape: [2], values: [2, -1]), Tensor(shape: [2], values: [0.5, 0]))
    #expect(
      largestDifference(
        rmsNorm2D(picture, weight: w, bias: b),
        [2.4999900, 3.3284201, 3.2899403, 2.8533932, 0.9999950, 0, -0.23249503, -0.7844644]) < 1e-5)
    let mean = Tensor(shape: [2], values: [1, 0.5])
    let variance = Tensor(shape: [2], values: [4, 0.25])
    #expect(
      largestDifference(
        batchNorm2D(picture, mean: mean, variance: variance, weight: w, bias: b),
        [0.5, 1.5, 2.5, 5.5, 3, 1, 0, -7]) < 2e-4)
  }

  @Test("Rotary embedding turns the pair (i, i + half) by position · theta^(−2i/d)")
  func rotary() {
    let x = Tensor(shape: [2, 4], values: [1, 2, 3, 4, 1, 2, 3, 4])
    let y = RotaryEmbedding(headDim: 4, theta: 10000).apply(x, heads: 1, positions: [0, 3])
    #expect(Array(y.values[..<4]) == [1, 2, 3, 4])
    // cos 3 = −0.9899925, sin 3 = 0.14112; cos 0.03 = 0.99955003, sin 0.03 = 0.0299955.
    #expect(
      largestDifference(
        y[rows: 1..<2],
        [
          -0.9899925 - 3 * 0.14112, 2 * 0.99955003 - 4 * 0.0299955, -3 * 0.9899925 + 0.14112,
          4 * 0.99955003 + 2 * 0.0299955,
        ]) < 1e-5)
  }

  @Test("Pixel shuffle undoes unshuffle, and both follow torch's channel order")
  func shuffles() {
    let x = Tensor(shape: [1, 2, 4], values: [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(pixelUnshuffle(x, 2) == Tensor(shape: [4, 1, 2], values: [0, 2, 1, 3, 4, 6, 5, 7]))
    let picture = ramp([3, 4, 6])
    #expect(pixelShuffle(pixelUnshuffle(picture, 2), 2) == picture)
    #expect(
      repeatInterleaveChannels(Tensor(shape: [2, 1, 1], values: [1, 2]), times: 3)
        == Tensor(shape: [6, 1, 1], values: [1, 1, 1, 2, 2, 2]))
    #expect(
      meanChannelGroups(Tensor(shape: [4, 1, 1], values: [1, 2, 5, 7]), groups: 2)
        == Tensor(shape: [2, 1, 1], values: [1.5, 6]))
  }

  @Test("Permuting, transposing and taking columns move elements, never change them")
  func layout() {
    let x = ramp([2, 3, 4])
    let y = x.permuted([2, 0, 1])
    #expect(y.shape == [4, 2, 3])
    for i in 0..<2 { for j in 0..<3 { for k in 0..<4 { #expect(y[k, i, j] == x[i, j, k]) } } }
    #expect(x.channelsLast().channelsFirst(height: 3, width: 4) == x)
    let m = ramp([3, 5])
    #expect(m.transposed().transposed() == m)
    #expect(Tensor.concatenateColumns([m.columns(0..<2), m.columns(2..<5)]) == m)
  }
}

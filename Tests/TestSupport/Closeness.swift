import Foundation
package import Tensor
package import Testing

/// The largest absolute difference between two tensors of one shape, over the largest magnitude in `expected`.
package func relativeError(_ actual: Tensor, _ expected: Tensor) -> Float {
  var difference: Float = 0
  var largest: Float = 0
  for (a, e) in zip(actual.values, expected.values) {
    if !a.isFinite || !e.isFinite { return .infinity }
    difference = max(difference, abs(a - e))
    largest = max(largest, abs(e))
  }
  return largest == 0 ? difference : difference / largest
}

/// Records an issue unless the shapes agree and every element lies within `tolerance` times the largest magnitude
/// in `expected`.
package func expectClose(
  _ actual: Tensor, _ expected: Tensor, relativeToLargest tolerance: Float = 1e-4, _ name: String = "tensor",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    actual.shape == expected.shape, "\(name): shape \(actual.shape), expected \(expected.shape)",
    sourceLocation: sourceLocation)
  guard actual.shape == expected.shape else { return }
  let error = relativeError(actual, expected)
  #expect(
    error <= tolerance, "\(name): off by \(error) of the largest magnitude, allowed \(tolerance)",
    sourceLocation: sourceLocation)
}

/// A folder of fixtures beside the test file that asks: `<folder of file>/Fixtures/<name>`.
package func fixture(_ name: String, file: String = #filePath) -> String {
  URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Fixtures").appendingPathComponent(name)
    .path
}

/// Whether two numbers agree relative to the larger of 1 and the second.
package func close(_ a: Double?, _ b: Double, _ tolerance: Double = 1e-6) -> Bool {
  guard let a else { return false }
  return abs(a - b) <= tolerance * max(1, abs(b))
}

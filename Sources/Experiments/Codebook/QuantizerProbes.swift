package import Evidence
package import HTCVLM
import Statistics
import Tensor
import Trace

extension MGVQModel {
  private static let probes = 8
  private static let probeSeed: UInt64 = 0

  /// Anchors of codes drawn at random: what a checkpoint alone shows of its projector; nil without one.
  package func anchorProbes(codesPerGroup: Int) throws -> AnchorAccumulator? {
    guard hasAnchors, let side = configuration?.latentSize else { return nil }
    var generator = SplitMix64(seed: Self.probeSeed)
    var accumulator: AnchorAccumulator?
    for _ in 0..<Self.probes {
      let indices = (0..<groups * side * side).map { _ in Int32(generator.below(codesPerGroup)) }
      let grid = CodeGrid(groups: groups, height: side, width: side, indices: indices)
      let quantized = try codeVectors(grid)
      guard let vectors = try anchors(quantized) else { return nil }
      if accumulator == nil { accumulator = AnchorAccumulator(anchors: vectors.shape[0], dimension: vectors.shape[1]) }
      accumulator?.add(vectors, beforeActivations: anchorPreActivations(quantized))
    }
    return accumulator
  }

  /// What the checkpoint's own record of training tells of one group.
  package struct TrainedUsage: Sendable {
    /// Codes under a thousandth of an even share.
    package let dead: Int
    package let perplexity: Double
  }

  /// By group, from `embed_prob`, or the moving counts of another quantizer; nil without such a buffer, or where it was
  /// never filled.
  package func trainedUsage(codesPerGroup: Int) -> [TrainedUsage]? {
    guard let record = embedProbabilities ?? stack?.clusterSizes, record.count == groups * codesPerGroup,
      record.allSatisfy({ $0.isFinite && $0 >= 0 })
    else { return nil }
    let all = (0..<groups).map { record[$0 * codesPerGroup..<($0 + 1) * codesPerGroup].map(Double.init) }
    guard all.allSatisfy({ $0.contains { $0 > 0 } }) else { return nil }
    return all.map { own in
      let even = own.reduce(0, +) / Double(codesPerGroup)
      return TrainedUsage(
        dead: own.count { $0 < UsageBuffers.hardly * even }, perplexity: effectiveCount(own))
    }
  }
}

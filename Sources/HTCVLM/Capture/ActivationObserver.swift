package import Tensor
package import Trace

/// Sees the model's intermediates as they are computed: the inspector, the trace file and the parity tests all look
/// through it, so what is inspected is what runs.
///
/// A tensor with a layer axis in the file arrives one layer at a time.
package protocol ActivationObserver: AnyObject, Sendable {
  /// `layer` is nil for a tensor without a layer axis. `attention.voco`, `value_norms.voco` and `rollout.voco` end at
  /// the last voco position: later columns are zero.
  func observe(_ name: TraceTensorName, layer: Int?, tensor: Tensor)

  /// The picture's codes.
  func observe(codes: CodeGrid)

  /// The decoder's input, before the decoder runs.
  func observe(sequence: SequenceTrace)

  /// The continuation so far; the last call has all of it.
  func observe(generation: GenerationTrace)
}

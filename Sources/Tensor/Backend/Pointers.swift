/// A tensor's elements in memory, for the length of a call.
struct Elements {
  var start: UnsafePointer<Float>
  var count: Int
}

/// Calls `body` with the elements of tensors; not at all when one is empty, for then there is nothing to compute.
func withPointers(_ a: Tensor, _ body: (Elements) -> Void) {
  a.values.withUnsafeBufferPointer { a in
    guard let start = a.baseAddress, a.count > 0 else { return }
    body(Elements(start: start, count: a.count))
  }
}

func withPointers(_ a: Tensor, _ b: Tensor, _ body: (Elements, Elements) -> Void) {
  withPointers(a) { a in withPointers(b) { body(a, $0) } }
}

func withPointers(_ a: Tensor, _ b: Tensor, _ c: Tensor, _ body: (Elements, Elements, Elements) -> Void) {
  withPointers(a) { a in withPointers(b, c) { body(a, $0, $1) } }
}

/// What keeps a checkpoint from being verified, as one sentence that names it.
package struct VerificationError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

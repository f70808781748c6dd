/// What keeps an experiment from going on, as one sentence that names the file, the picture or the question.
package struct ExperimentError: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Why the terminal could not be taken over.
package enum CursesTerminalError: Error, Sendable, Equatable, CustomStringConvertible {
  case notATerminal
  case noTerminalType
  /// The value of `TERM`, and the names that were tried.
  case unusableTerminal(String, tried: [String])

  package var description: String {
    switch self {
    case .notATerminal: "standard input and output must be a terminal"
    case .noTerminalType: "the environment variable TERM is not set, so the terminal's type is unknown"
    case .unusableTerminal(let term, let names):
      "no terminal description for TERM=\(term) can move the cursor (tried \(names.joined(separator: ", ")))"
    }
  }
}

/// Why the terminal could not be taken over.
package enum CursesTerminalError: Error, Sendable, Equatable, CustomStringConvertible {
  case notATerminal
  case noTerminalType
  /// The names that were tried.
  case unusableTerminal([String])

  package var description: String {
    switch self {
    case .notATerminal: "standard input and output must be a terminal"
    case .noTerminalType: "the environment variable TERM is not set, so the terminal's type is unknown"
    case .unusableTerminal(let names):
      "no terminal description for TERM=\(names.last ?? "") can move the cursor (tried \(names.joined(separator: ", ")))"
    }
  }
}

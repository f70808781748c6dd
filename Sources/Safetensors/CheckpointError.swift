package import Files
import Tensor

/// Why a checkpoint or a trace file cannot be used; its description is one sentence that names the file and what in it.
package enum CheckpointError: Error, Hashable, CustomStringConvertible {
  /// The file is missing, unreadable or not a file.
  case unreadable(FileError)
  /// The file is not what its name says, independent of any key or tensor.
  case malformed(path: String, problem: String)
  /// The value of a key, as in `vision_config.hidden_size`, is not usable; `found` is nil when the key is missing.
  case key(path: String, key: String, found: String?, expected: String)
  /// A tensor's entry in a file is not usable.
  case tensor(path: String, name: String, problem: String)

  package var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let path, let problem): "\(path): \(problem)"
    case .key(let path, let key, nil, let expected):
      "\(path): the key \(printableName(key)) is missing; expected \(expected)"
    case .key(let path, let key, let found?, let expected):
      "\(path): \(printableName(key)) is \(found); expected \(expected)"
    case .tensor(let path, let name, let problem): "\(path): tensor \(printableName(name)) \(problem)"
    }
  }
}

/// A name out of a file as a message may show it: no control characters that a terminal would obey, and not endless.
package func printableName(_ name: String) -> String {
  let shown = name.unicodeScalars.prefix(120).map { scalar in
    scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return shown.joined() + (name.unicodeScalars.count > 120 ? "…" : "")
}

import Foundation
import TestSupport

/// Text that would steer a terminal, reorder its line or pile up over the lines above.
enum HostileText {
  /// Each begins a sequence that no part of the program sends.
  static let sequences = [
    "\u{1B}]0;owned\u{7}", "\u{1B}[3;4;5t", "\u{1B}P0;owned\u{1B}\\", "\u{9B}3;4;5t", "\u{9D}0;owned\u{9C}",
  ]
  static let marks = String(repeating: "\u{301}", count: 40)
  /// May be the name of a file.
  static let name =
    "x" + sequences.joined() + "\u{7F}\u{8}\r\u{E}\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}\u{85}e" + marks + "y"

  /// What is wrong with text for people that left the process; nil for nothing.
  static func fault(in bytes: [UInt8]) -> String? {
    guard let text = String(validating: bytes, as: UTF8.self) else { return "it is not UTF-8" }
    var marks = 0
    var before: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      defer { before = scalar }
      marks = (0x300..<0x370).contains(scalar.value) ? marks + 1 : 0
      if marks > 4 { return "\(marks) marks are on one character" }
      if before == "\r", scalar != "\n" { return "a carriage return goes back in the line" }
      if scalar != "\n", scalar != "\r", isControl(scalar) { return "U+\(String(scalar.value, radix: 16)) is in it" }
    }
    return before == "\r" ? "it ends in a carriage return" : nil
  }

  /// What is wrong with what was sent to a terminal: the screen's own sequences are allowed, those of the text are not.
  static func fault(onScreen bytes: [UInt8]) -> String? {
    let text = String(decoding: bytes, as: UTF8.self)
    for sequence in sequences where text.unicodeScalars.contains(sequence.unicodeScalars) {
      return "\(sequence.debugDescription) is in it"
    }
    // What curses sends: line ends, tabs, steps back, character sets, sequences.
    let own: Set<Unicode.Scalar> = ["\n", "\r", "\t", "\u{8}", "\u{E}", "\u{F}", "\u{1B}"]
    var marks = 0
    for scalar in text.unicodeScalars {
      marks = (0x300..<0x370).contains(scalar.value) ? marks + 1 : 0
      if marks > 4 { return "\(marks) marks are on one character" }
      if !own.contains(scalar), isControl(scalar) { return "U+\(String(scalar.value, radix: 16)) is in it" }
    }
    return nil
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F: true
    default: false
    }
  }

  /// What was sent to a terminal by a command that shows no screen, without its line ends and its line of progress.
  static func plain(_ output: [UInt8]) -> [UInt8] {
    let text = String(decoding: output, as: UTF8.self)
    let lines = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r\u{1B}[K", with: "\n")
    return Array(lines.utf8)
  }
}

/// A folder in which everything that a file can say is hostile.
struct HostileFolder {
  let folder: TemporaryFolder
  let model: String
  let picture: String
  /// A picture whose name is one line.
  let listed: String

  init() throws {
    folder = try TemporaryFolder()
    let files = FileManager.default
    model = folder.path("m" + HostileText.name)
    picture = folder.path(HostileText.name + ".png")
    try files.copyItem(atPath: ParityCase.directory, toPath: model)
    try files.copyItem(atPath: ParityCase.image, toPath: picture)
    let line = String(
      HostileText.name.unicodeScalars.filter { !["\r", "\u{85}", "\u{2028}"].contains($0) }.map(Character.init))
    listed = folder.path("l" + line + ".png")
    try files.copyItem(atPath: ParityCase.image, toPath: listed)
    try Self.change("\(model)/config.json") { $0["untrained_parts"] = [HostileText.name] }
    try Self.replacePieces("\(model)/tokenizer.model")
    try Self.addTensor("\(model)/model.safetensors")
  }

  /// A directory of two labels with two pictures each, for `probe`.
  func labels(besides other: String) throws -> String {
    for label in ["a", "b"] {
      let directory = folder.path("labels/\(label)\(HostileText.name)")
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      for (index, source) in [picture, other].enumerated() {
        try FileManager.default.copyItem(atPath: source, toPath: "\(directory)/\(index)\(HostileText.name).png")
      }
    }
    return folder.path("labels")
  }

  /// A directory of two checkpoints, for `codebook --series`.
  func series() throws -> String {
    let directory = folder.path("series" + HostileText.name)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for step in 1...2 {
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/\(step)\(HostileText.name)", withDestinationPath: model)
    }
    return directory
  }

  static func change(_ path: String, _ change: (inout [String: Any]) -> Void) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    var object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    change(&object)
    try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
  }

  /// Pieces of the vocabulary, of as many bytes, become sequences; the weights are random, and answers are of any pieces.
  private static func replacePieces(_ path: String) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var changed = 0
    // A piece is a message of a text, a score and, but for usual ones, a kind.
    for place in bytes.indices.dropLast(30) where bytes[place] == 0x0A && bytes[place + 2] == 0x0A {
      let length = Int(bytes[place + 3])
      let (start, end) = (place + 4, place + 4 + length)
      guard (4..<20).contains(length), Int(bytes[place + 1]) == length + 7, bytes[end] == 0x15 else { continue }
      let number = String(changed, radix: 36)
      guard number.utf8.count <= length - 3 else { continue }
      let padding = String(repeating: "0", count: length - 3 - number.utf8.count)
      bytes.replaceSubrange(start..<end, with: Array("\u{1B}[\(padding)\(number)m".utf8))
      changed += 1
    }
    guard changed > 20 else { throw CocoaError(.fileReadCorruptFile) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private static func addTensor(_ path: String) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    let header = Data(bytes[8..<8 + length])
    var object = try JSONSerialization.jsonObject(with: header) as? [String: Any] ?? [:]
    let body = Array(bytes[(8 + length)...])
    object[HostileText.name] = ["dtype": "U8", "shape": [1], "data_offsets": [body.count, body.count + 1]]
    let text = [UInt8](try JSONSerialization.data(withJSONObject: object))
    let size = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    try Data(size + text + body + [0]).write(to: URL(fileURLWithPath: path))
  }
}

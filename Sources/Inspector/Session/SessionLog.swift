package import ColorMaps
import Evidence
import Foundation
package import TerminalUI
package import Trace

/// A recorded session: where it began, and everything that happened since.
///
/// Its file is text with a JSON object per line. The first says what was opened and how it was shown; each other one is a
/// step: what a person did (`key`, `mouse`, `paste`, `resize`, `command`), or what came back from the model (`got`). What
/// the model computed is not in the file: it is computed again. Times are, since no second run measures the same.
package struct SessionLog: Sendable, Equatable {
  package static let format = "vocoscope session"
  package static let version = 1

  package var start: SessionStart
  package var entries: [SessionEntry]

  package init(start: SessionStart, entries: [SessionEntry]) {
    (self.start, self.entries) = (start, entries)
  }

  /// Reads a session's file.
  ///
  /// - Parameter file: the name that errors give it.
  /// - Throws: `SessionError` naming the file, the line, what stands there and what was expected.
  package init(parsing text: String, file: String) throws(SessionError) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, !first.isEmpty else { throw SessionError(file: file, problem: "is empty") }
    struct Opening: Decodable { var format, program: String?, version: Int? }
    let opening: Opening? = Self.decoded(first)
    guard let opening, opening.format == Self.format else {
      throw SessionError(file: file, line: 1, problem: "does not begin a session (\"format\": \"\(Self.format)\")")
    }
    guard opening.version == Self.version else {
      throw SessionError(
        file: file, line: 1,
        problem:
          "is of version \(opening.version ?? 0), of vocoscope \(opening.program ?? "?"), expected \(Self.version)")
    }
    guard let start: SessionStart = Self.decoded(first) else {
      throw SessionError(file: file, line: 1, problem: "lacks what a session begins with, or a field has another type")
    }
    if let problem = start.problem { throw SessionError(file: file, line: 1, problem: problem) }
    var entries: [SessionEntry] = []
    for (index, line) in lines.enumerated().dropFirst() where !line.allSatisfy(\.isWhitespace) {
      guard let entry: SessionEntry = Self.decoded(line) else {
        // A program that is killed leaves half a line, the last one.
        if index == lines.count - 1 { break }
        throw SessionError(file: file, line: index + 1, problem: "is no step: not a JSON object of known fields")
      }
      if let problem = entry.problem { throw SessionError(file: file, line: index + 1, problem: problem) }
      entries.append(entry)
    }
    self.init(start: start, entries: entries)
  }

  private static func decoded<Value: Decodable>(_ line: Substring) -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(line.utf8))
  }

  /// A line of the file, with its line feed.
  package static func line(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { preconditionFailure("a step has a JSON form") }
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// Whether frames were recorded: a session written by hand has none.
  package var holdsFrames: Bool { entries.contains { $0.frame != nil } }

  /// Of each job that was cancelled, how many computed results had come by then.
  package var cancelledAfter: [Int: Int] {
    var counts: [Int: Int] = [:]
    var cancelled: [Int: Int] = [:]
    for entry in entries {
      guard let job = entry.job, let got = entry.got else { continue }
      if got == "cancelled" { cancelled[job] = counts[job, default: 0] }
      if entry.isComputed { counts[job, default: 0] += 1 }
    }
    return cancelled
  }
}

/// What a session was opened with.
package struct SessionStart: Sendable, Equatable, Codable {
  /// A file by where it lies, seen from the session's own folder, and by what it holds.
  package struct File: Sendable, Equatable, Codable {
    package var path: String
    package var sha256: String?

    package init(path: String, sha256: String?) { (self.path, self.sha256) = (path, sha256) }
  }

  package var format = SessionLog.format
  package var version = SessionLog.version
  /// The version of the program that recorded it.
  package var program: String
  /// The picture that was inspected, or the trace that was viewed.
  package var picture: File?
  package var trace: File?
  package var evidence: File?
  /// Where more than one file of evidence was named; nil for none.
  package var furtherEvidence: [File]?
  /// The checkpoint's directory; its digest is that of all its weights.
  package var checkpoint: File?
  /// The current folder: paths typed during the session are meant from there.
  package var folder: String?
  /// Options of the command line that say how the model is held and asked, without those that name files.
  package var options: [String]
  package var prompt: String
  /// Columns and rows.
  package var size: [Int]
  package var depth: String
  package var unicode: Bool
  package var symbols: String
  package var theme: String
  package var mouse: Bool
  package var workspace: String
  /// The keys of each command that has others than the manual says.
  package var keys: [String: [String]]?
  /// How the picture was left the last time.
  package var kept: KeptView?
  package var recent: [String]?

  package init(
    program: String, prompt: String, size: Size = Size(width: 80, height: 24), depth: ColorDepth = .trueColor,
    isUnicode: Bool = true,
    symbols: String = "half", theme: String = "dark", takesMouse: Bool = true, workspace: Workspace = .explore,
    options: [String] = []
  ) {
    (self.program, self.prompt, self.options) = (program, prompt, options)
    self.size = [size.width, size.height]
    (self.depth, unicode, self.symbols, self.theme) = (depth.rawValue, isUnicode, symbols, theme)
    (mouse, self.workspace) = (takesMouse, workspace.rawValue)
  }

  package var screen: Size { Size(width: size[0], height: size[1]) }

  /// What of it cannot be: `nil` when all can.
  fileprivate var problem: String? {
    guard size.count == 2, size.allSatisfy({ (1...1000).contains($0) }) else {
      return "has size \(size), expected columns and rows of 1 to 1000"
    }
    if ColorDepth(rawValue: depth) == nil { return "has depth “\(depth)”" }
    if Workspace(rawValue: workspace) == nil { return "has workspace “\(workspace)”" }
    if !Theme.all.contains(where: { $0.name == theme }) { return "has theme “\(theme)”" }
    return picture == nil && trace == nil ? "names neither a picture nor a trace" : nil
  }
}

/// One step of a session.
package struct SessionEntry: Sendable, Equatable, Codable {
  /// A key by its name in the configuration.
  package var key: String?
  package var paste: String?
  /// What the mouse did, and at which column and row.
  package var mouse: String?
  package var at: [Int]?
  package var resize: [Int]?
  package var command: Command?
  /// Everything under way comes in before the next step: for sessions written by hand.
  package var idle: Bool?
  /// A result by the name of its action, and the number of the effect that it answers.
  package var got: String?
  package var job: Int?
  /// What a result says that is not computed: a path, a sentence.
  package var says: String?
  package var stage: PipelineStage?
  /// Steps done, and of how many.
  package var done: [Int]?
  /// What was measured, in seconds.
  package var seconds: [Double]?
  /// Seconds since the start.
  package var t: Double?
  /// The digest of the frame that was drawn after this step; none where none was.
  package var frame: String?
  /// How pictures were shown from this frame on, where in pixels.
  package var graphics: String?
  /// How a picture had been left.
  package var kept: KeptView?

  package init() {}

  /// Results that are in the file as they were: times, paths, sentences.
  private static let written: Set<String> = ["progress", "failed", "notice", "exported", "cancelled", "reopened"]

  /// Whether this is a result that a replay computes.
  package var isComputed: Bool { got.map { !Self.written.contains($0) } ?? false }

  /// The step of an action.
  ///
  /// - Parameter job: the number of the effect that it answers, 0 for what a person did.
  package init(_ action: Action, job: Int) {
    switch action {
    case .command(let command): self.command = command
    case .input(.key(let key)): self.key = key.name
    case .input(.paste(let text)): paste = text
    case .input(.resize(let size)): resize = [size.width, size.height]
    case .input(.mouse(let event)):
      mouse = event.kind.rawValue
      at = [event.position.x, event.position.y]
    default:
      (got, self.job) = (action.name, job)
      describe(action)
    }
  }

  private mutating func describe(_ action: Action) {
    switch action {
    case .failed(let sentence), .notice(let sentence): says = sentence
    case .exported(let path): says = path
    case .reopened(let view): kept = view
    case .progress(let progress):
      (stage, seconds) = (progress.stage, [progress.seconds])
      switch progress.state {
      case .running(let steps, let all): done = [steps, all]
      case .failed(let sentence): says = "failed: \(sentence)"
      case .finished: says = "finished"
      case .reused: says = "reused"
      case .cancelled: says = "cancelled"
      }
    default:
      let measured = action.measured
      if !measured.isEmpty { seconds = measured }
    }
  }

  /// The action that the file holds whole; `nil` for what is computed, for `idle` and for a frame alone.
  package var action: Action? {
    if let command { return .command(command) }
    if let key { return Self.key(key).map { .input(.key($0)) } }
    if let paste { return .input(.paste(paste)) }
    if let resize { return .input(.resize(Size(width: resize[0], height: resize[1]))) }
    if let mouse, let kind = MouseEvent.Kind(rawValue: mouse), let at {
      return .input(.mouse(MouseEvent(kind, at: Point(x: at[0], y: at[1]))))
    }
    switch got {
    case "cancelled": return .cancelled
    case "failed": return .failed(says ?? "")
    case "notice": return .notice(says ?? "")
    case "exported": return .exported(path: says ?? "")
    case "reopened": return kept.map(Action.reopened)
    case "progress": return progress.map(Action.progress)
    default: return nil
    }
  }

  private var progress: StageProgress? {
    guard let stage, let time = seconds?.first else { return nil }
    if let done, done.count == 2 {
      return StageProgress(stage: stage, state: .running(done: done[0], of: done[1]), seconds: time)
    }
    let state: StageProgress.State
    switch says {
    case "finished": state = .finished
    case "reused": state = .reused
    case "cancelled": state = .cancelled
    case let words?: state = .failed(words.hasPrefix("failed: ") ? String(words.dropFirst(8)) : words)
    case nil: return nil
    }
    return StageProgress(stage: stage, state: state, seconds: time)
  }

  private static func key(_ name: String) -> Key? {
    if name.count == 6, name.hasPrefix("ctrl-"), let letter = name.last { return .control(letter) }
    return Key(name: name)
  }

  /// What of it cannot be: `nil` when all can.
  fileprivate var problem: String? {
    for (name, pair) in [("at", at), ("resize", resize), ("done", done)] {
      if let pair, pair.count != 2 || !pair.allSatisfy({ (0...1_000_000).contains($0) }) {
        return "has \(name) \(pair), expected two whole numbers"
      }
    }
    if let resize, !resize.allSatisfy({ (1...1000).contains($0) }) { return "resizes to \(resize)" }
    if let key, Self.key(key) == nil { return "names the key “\(key)”, which is none" }
    if let mouse, MouseEvent.Kind(rawValue: mouse) == nil || at == nil { return "has a mouse “\(mouse)” or no place" }
    if got == "progress", progress == nil { return "has progress without stage, state or seconds" }
    if isComputed, job.map({ $0 < 0 }) ?? true { return "has a result without the number of its job" }
    return nil
  }

  /// What happened, in few words; empty for a frame alone.
  package var words: String {
    if let command { return command.title }
    if let key { return "key \(key)" }
    if paste != nil { return "paste" }
    if let mouse, let at { return "mouse \(mouse) at \(at[0]),\(at[1])" }
    if let resize { return "resize to \(resize[0])×\(resize[1])" }
    if idle == true { return "all done" }
    return got ?? ""
  }
}

/// A session's file that cannot be used, or a replay that went another way.
package struct SessionError: Error, Sendable, Equatable, CustomStringConvertible {
  package let file: String
  /// From 1.
  package var line: Int?
  package let problem: String

  package init(file: String, line: Int? = nil, problem: String) {
    (self.file, self.line, self.problem) = (file, line, problem)
  }

  package var description: String { line.map { "\(file): line \($0) \(problem)" } ?? "\(file): \(problem)" }
}

extension InspectorState {
  /// The state that a session began with, before the picture is there.
  ///
  /// - Parameter keyMap: whose changes the session holds.
  package init(_ start: SessionStart, imageName: String, runsModel: Bool, keyMap: KeyMap) {
    let first = Theme.all.firstIndex { $0.name == start.theme } ?? 0
    self.init(
      imageName: imageName, prompt: start.prompt, size: start.screen,
      capabilities: Capabilities(runsModel: runsModel), glyphs: start.unicode ? .unicode : .ascii,
      depth: ColorDepth(rawValue: start.depth) ?? .trueColor,
      themes: Array(Theme.all[first...] + Theme.all[..<first]), keyMap: keyMap, takesMouse: start.mouse,
      workspace: Workspace(rawValue: start.workspace) ?? .explore)
  }

  /// The same with the keys that the session holds.
  ///
  /// - Throws: `KeyMapError` naming `file` when a key or a command of its changes is none.
  package init(_ start: SessionStart, imageName: String, runsModel: Bool, file: String) throws(KeyMapError) {
    let keys = SessionLog.line(["keys": start.keys ?? [:]])
    self.init(start, imageName: imageName, runsModel: runsModel, keyMap: try KeyMap(json: keys, file: file))
  }
}

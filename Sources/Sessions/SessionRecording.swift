import CursesTerminal
import Files
import Foundation
import Inspector
import Synchronization
import TerminalUI
import Trace

/// Writes a session's file while it goes on. Main thread only.
final class SessionRecording {
  private let file: FileHandle
  private let path: String
  private let mailbox: Mailbox
  private var recorder = SessionRecorder()
  private let began = ContinuousClock.now
  private var hasFailed = false

  /// - Throws: `FileError` when the file cannot be made, or is one that the session reads.
  init(_ start: SessionStart, to path: String, mailbox: Mailbox) throws {
    try InputFiles.refuse(path)
    try FileContents.write(Array(SessionLog.line(start).utf8), to: path)
    guard let file = FileHandle(forWritingAtPath: path) else {
      throw UsageProblem("\(path): cannot be written to")
    }
    file.seekToEndOfFile()
    (self.file, self.path, self.mailbox) = (file, path, mailbox)
  }

  func note(_ action: Action, job: Int) {
    recorder.note(action, job: job, at: (ContinuousClock.now - began) / .seconds(1))
  }

  /// After each frame the file holds all that led to it.
  func drew(_ frame: Frame, graphics: PixelGraphics?) {
    recorder.drew(frame, graphics: graphics)
    write()
  }

  func finish() {
    write()
    try? file.close()
  }

  private func write() {
    let lines = recorder.takeLines()
    guard !hasFailed else { return }
    do {
      try file.write(contentsOf: Data(lines.utf8))
    } catch {
      hasFailed = true
      mailbox.post(.failed("\(path): the session is not recorded any further: \(error.localizedDescription)"))
    }
  }
}

/// Keeps how pictures are left, and which were opened last, in `$XDG_STATE_HOME/vocoscope` or `~/.local/state/vocoscope`.
///
/// What cannot be read or written there is as if it were not: a session needs none of it.
struct PictureMemory: Sendable {
  private let folder: String
  private static let recentLimit = 20
  private static let viewLimit = 500

  /// `nil` for a user without a home.
  init?(_ environment: [String: String]) {
    let base = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    guard let base = base ?? environment["HOME"].map({ "\($0)/.local/state" }) else { return nil }
    folder = "\(base)/vocoscope"
  }

  /// How the picture was left that these digests identify.
  func view(picture: String, configuration: String) -> KeptView? {
    read(KeptView.self, path(picture: picture, configuration: configuration))
  }

  func keep(_ state: InspectorState) {
    guard let provenance = state.trace?.provenance, !provenance.imageSHA256.isEmpty, let kept = state.keptView else {
      return
    }
    write(kept, path(picture: provenance.imageSHA256, configuration: provenance.configSHA256))
    prune()
  }

  /// Paths of the pictures opened last, the latest first.
  var recent: [String] { read([String].self, "\(folder)/recent.json") ?? [] }

  func note(opened path: String) {
    let full = URL(fileURLWithPath: path).standardizedFileURL.path
    write(Array(([full] + recent.filter { $0 != full }).prefix(Self.recentLimit)), "\(folder)/recent.json")
  }

  private func path(picture: String, configuration: String) -> String {
    "\(folder)/views/\(picture.prefix(32))-\(configuration.prefix(32)).json"
  }

  private func read<Value: Decodable>(_ type: Value.Type, _ path: String) -> Value? {
    FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(type, from: $0) }
  }

  private func write(_ value: some Encodable, _ path: String) {
    try? FileManager.default.createDirectory(
      atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
    try? FileContents.write(Array(SessionLog.line(value).utf8), to: path)
  }

  /// Forgets the oldest views beyond the limit.
  private func prune() {
    let views = "\(folder)/views"
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: views), names.count > Self.viewLimit else {
      return
    }
    let dated = names.map { name -> (name: String, date: Date) in
      let attributes = try? FileManager.default.attributesOfItem(atPath: "\(views)/\(name)")
      return (name, attributes?[.modificationDate] as? Date ?? .distantPast)
    }
    for (name, _) in dated.sorted(by: { $0.date < $1.date }).prefix(names.count - Self.viewLimit) {
      try? FileManager.default.removeItem(atPath: "\(views)/\(name)")
    }
  }
}

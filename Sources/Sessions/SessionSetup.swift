import ChafaPictures
import ColorMaps
import CursesTerminal
import DemoTour
package import Evidence
import Files
import Foundation
package import HTCVLM
package import Inspector
import Statistics
import Tensor
import TerminalUI
package import Trace
import WeightFormats

/// Puts a session together: what the terminal can do, what the person has set, and what there is to see.
package struct SessionSetup {
  private let display: DisplayOptions
  private let environment: [String: String]
  private let configuration: UserConfiguration

  package init(display: DisplayOptions) throws {
    self.display = display
    environment = ProcessInfo.processInfo.environment
    configuration = try UserConfiguration(environment: environment)
  }

  /// What a session is opened on.
  package struct Subject {
    package let picture: PictureSource
    /// Where it lies.
    package let path: String
    package let model: ModelOptions
    package let options: RunOptions
    /// Files of evidence, with what is in them.
    package var evidence: (paths: [String], actions: [Action])

    package init(
      picture: PictureSource, path: String, model: ModelOptions, options: RunOptions,
      evidence: (paths: [String], actions: [Action]) = ([], [])
    ) {
      self.picture = picture
      self.path = path
      self.model = model
      self.options = options
      self.evidence = evidence
    }
  }

  /// Opens the picture at once and runs the model behind it.
  package func inspect(_ subject: Subject, _ options: SessionOptions, compare: [Effect] = []) throws {
    let opening = try subject.model.opening(showsPreviews: true)
    let memory = options.reopen ? PictureMemory(environment) : nil
    let mailbox = Mailbox(isRecorded: options.record != nil) { CursesTerminal.wake() }
    var start = SessionStart(program: programVersion, prompt: subject.options.prompt)
    start.recent = memory?.recent
    start.kept = memory?.view(
      picture: subject.picture.sha256, configuration: Self.digest("\(opening.source.path)/config.json") ?? "")
    if let record = options.record {
      start.options = subject.model.arguments + subject.options.sampling.arguments
      start.picture = SessionStart.File(subject.path, from: record, sha256: subject.picture.sha256)
      // Hashed before the terminal is taken, so that no frame depends on when it is done.
      start.checkpoint = SessionStart.File(
        opening.source.path, from: record, sha256: try opening.source.open().weightsSHA256)
      let evidence = try subject.evidence.paths.map {
        SessionStart.File($0, from: record, sha256: try SessionStart.File.digest(of: $0))
      }
      (start.evidence, start.furtherEvidence) = (evidence.first, evidence.count > 1 ? Array(evidence.dropFirst()) : nil)
    }
    memory?.note(opened: subject.path)
    let worker = ModelWorker(
      picture: subject.picture, path: subject.path, model: opening, options: subject.options, mailbox: mailbox,
      memory: memory, recent: start.recent ?? [])
    try run(
      mailbox, worker, start, imageName: subject.picture.name, record: options.record, memory: memory,
      actions: [.picture(subject.picture)] + subject.evidence.actions, compare: compare)
  }

  /// Opens the picture as `inspect` does, with the tour's words under it.
  package func tour(_ picture: PictureSource, path: String, model: ModelOpening, options: RunOptions) throws {
    let mailbox = Mailbox { CursesTerminal.wake() }
    let worker = ModelWorker(picture: picture, path: path, model: model, options: options, mailbox: mailbox)
    try run(
      mailbox, worker, SessionStart(program: programVersion, prompt: options.prompt), imageName: picture.name,
      actions: [.picture(picture)], program: TourState.init)
  }

  /// Opens a finished trace, which lies at `path`.
  package func view(_ trace: Trace, path: String, record: String?, compare: [Action] = []) throws {
    var start = SessionStart(program: programVersion, prompt: trace.provenance.prompt)
    if let record {
      start.trace = SessionStart.File(path, from: record, sha256: try SessionStart.File.digest(of: path))
    }
    try run(
      Mailbox(isRecorded: record != nil) { CursesTerminal.wake() }, nil, start, imageName: trace.provenance.imageName,
      record: record, actions: trace.actions() + compare)
  }

  private static func digest(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { SHA256.hexDigest(of: Array($0)) }
  }

  private func run(
    _ mailbox: Mailbox, _ worker: ModelWorker?, _ start: SessionStart, imageName: String, record: String? = nil,
    memory: PictureMemory? = nil, actions: [Action], compare: [Effect] = [],
    program: (InspectorState) -> any InspectorProgram = { $0 }
  ) throws {
    let glyphs = display.glyphs(environment)
    let terminal = try display.open(
      environment, orElse: "the inspector needs a terminal; 'vocoscope report' prints the same without one")
    defer { terminal.restore() }
    var start = start
    start.size = [terminal.size.width, terminal.size.height]
    (start.depth, start.unicode) = (terminal.depth.rawValue, terminal.isUnicode && glyphs.isUnicode)
    (start.symbols, start.theme) = (display.symbols.rawValue, display.themes(environment)[0].name)
    (start.mouse, start.workspace) = (display.mouse, configuration.workspace.rawValue)
    start.keys = configuration.keyMap.changes
    var state = InspectorState(
      start, imageName: imageName, runsModel: worker != nil, keyMap: configuration.keyMap)
    for action in actions { _ = update(&state, action) }
    if let kept = start.kept { _ = update(&state, .reopened(kept)) }
    let recording = try record.map { path in
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      start.folder = SessionStart.File.relative(FileManager.default.currentDirectoryPath, to: folder)
      return try SessionRecording(start, to: path, mailbox: mailbox)
    }
    let session = InspectorSession(
      terminal: terminal, mailbox: mailbox, worker: worker,
      exporter: Exporter(directory: URL(fileURLWithPath: FileManager.default.currentDirectoryPath)),
      pictures: PictureRenderer.chafa(display.symbols, state.appearance).remembering(), recording: recording,
      memory: memory)
    session.run(program(state), first: worker == nil ? [] : [.run(prompt: start.prompt, reusesImage: false)] + compare)
  }
}

extension TrainingPictures {
  /// The largest such file that is read.
  private static let most = 1 << 24

  /// What a checkpoint says of the pictures it was trained on, in `training_pictures.json` beside its weights; `nil` where
  /// it says nothing.
  package static func of(_ pipeline: Pipeline) throws -> TrainingPictures? {
    let url = URL(fileURLWithPath: pipeline.checkpoint.path).appendingPathComponent("training_pictures.json")
    guard let size = try? url.resourceValues(forKeys: [.fileSizeKey]).fileSize else { return nil }
    guard size <= most else { throw UsageProblem("\(url.path): is \(size) bytes, expected at most \(most)") }
    do {
      return try JSONDecoder().decode(TrainingPictures.self, from: Data(contentsOf: url))
    } catch DecodingError.dataCorrupted(let context) {
      throw UsageProblem("\(url.path): \(context.debugDescription)")
    } catch DecodingError.keyNotFound(let key, _) {
      throw UsageProblem("\(url.path): has no \(key.stringValue)")
    } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw UsageProblem("\(url.path): \(key): \(context.debugDescription)")
    }
  }
}

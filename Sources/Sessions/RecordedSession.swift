package import ArgumentParser
import ChafaPictures
import ColorMaps
import CursesTerminal
import Experiments
import Files
import Foundation
import HTCVLM
package import Inspector
import PanelExport
import TerminalUI
import Trace

/// What to do with a session besides looking.
package struct SessionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Write down everything that happens, for --replay.", valueName: "file"))
  package var record: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Show a picture as it was left, and keep how it is left, in $XDG_STATE_HOME/vocoscope.")
  var reopen = true

  package init() {}
}

/// What to do with a recorded session.
package struct ReplayOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Go through a recorded session again, then go on by hand; with --plain or --screen without a terminal.",
      valueName: "file"))
  package var replay: String?

  @Option(help: ArgumentHelp("Of a replay, stop after this step: the line of its file, less one.", valueName: "n"))
  package var at: Int?

  @Option(
    help: ArgumentHelp(
      "Of a replay, write the last frame: .svg, .png or .pdf with text as text, .ans in colour, .txt.",
      valueName: "file"))
  package var screen: [String] = []

  package init() {}

  package mutating func validate() throws {
    guard replay == nil else {
      if let at, at < 0 { throw ValidationError("--at is \(at), expected 0 or more") }
      for path in screen { do { _ = try ScreenFile(path: path) } catch { throw ValidationError("\(error)") } }
      return
    }
    if at != nil || !screen.isEmpty { throw ValidationError("--at and --screen go with --replay") }
  }
}

/// A session's file, with all that it names opened.
package struct RecordedSession {
  /// What a session's line of options holds.
  private struct Options: ParsableArguments {
    @OptionGroup var model: ModelOptions
    @OptionGroup var sampling: SamplingOptions
  }

  private let log: SessionLog
  private let file: String
  private let options: ReplayOptions

  /// - Parameters:
  ///   - image: a picture that takes the place of the recorded path.
  ///   - model: a checkpoint that takes the place of the recorded path.
  package init(_ options: ReplayOptions, file: String, image: String?, model: ModelOptions) throws {
    (self.file, self.options) = (file, options)
    log = try SessionLog(parsing: FileContents.text(path: file, limit: 256 << 20), file: file)
    let home = URL(fileURLWithPath: file).deletingLastPathComponent().path
    let image = image.map { URL(fileURLWithPath: $0).path }
    let checkpoint = model.model.map { FileManager.default.fileExists(atPath: $0) ? URL(fileURLWithPath: $0).path : $0 }
    if let at = options.at, at > log.entries.count {
      throw UsageProblem("--at is \(at), but \(file) has \(log.entries.count) steps")
    }
    screens = try options.screen.map { (URL(fileURLWithPath: $0).path, try ScreenFile(path: $0)) }
    // Paths that were typed are meant from the folder that was the current one.
    if let folder = log.start.folder { _ = FileManager.default.changeCurrentDirectoryPath("\(home)/\(folder)") }
    (self.home, self.image, self.checkpoint) = (home, image, checkpoint)
  }

  private let home: String
  private let image: String?
  private let checkpoint: String?
  private let screens: [(path: String, format: ScreenFile)]

  /// Without a terminal: prints every frame or the one asked for, or writes the last.
  ///
  /// - Throws: `SessionError` when a frame is not as it was recorded.
  package func run(printing: Bool) throws {
    let opened = try open(terminal: nil)
    var replay = opened.replay
    var last: SessionReplay<InspectorState>.Shown?
    var (shown, differing) = (0, [Int]())
    var graphics: PixelGraphics?
    func take(_ frame: SessionReplay<InspectorState>.Shown?) throws {
      guard let frame else { return }
      (last, shown) = (frame, shown + 1)
      if frame.isAsRecorded == false { differing.append(frame.step) }
      if printing && options.at == nil { try show(frame) }
    }
    if !log.holdsFrames || options.at == 0 {
      try take(replay.draw(always: true, pictures: opened.session.renderer(nil)))
    }
    while replay.hasMore && replay.step < options.at ?? .max {
      if let name = replay.nextGraphics { graphics = PixelGraphics(rawValue: name) }
      try replay.advance()
      let isLast = !replay.hasMore || replay.step == options.at
      if replay.isOver { break }
      try take(replay.draw(always: isLast, pictures: opened.session.renderer(graphics)))
    }
    opened.session.worker?.stop()
    if printing, options.at != nil, let last { try show(last) }
    if let last {
      for (path, format) in screens {
        try FileContents.write(
          format.bytes(of: last.frame, depth: opened.depth, isLight: log.start.theme == Theme.light.name), to: path)
      }
    }
    guard differing.isEmpty else {
      throw SessionError(
        file: file, line: differing[0] + 1,
        problem: "led to another frame than was recorded; \(differing.count) of \(shown) frames differ")
    }
    if log.holdsFrames {
      try StandardStream.error.write("vocoscope: \(shown) frames, each as it was recorded\n")
    }
  }

  private func show(_ shown: SessionReplay<InspectorState>.Shown) throws {
    try StandardStream.output.write("── step \(shown.step) · \(shown.words)\n\(shown.frame.text)\n")
  }

  /// In a terminal: at the pace it was recorded, pauses cut short, then by hand. Any key but q goes to its end at once.
  package func play(_ display: DisplayOptions) throws {
    let environment = ProcessInfo.processInfo.environment
    let terminal = try display.open(
      environment, orElse: "a replay needs a terminal; --plain prints its frames without one")
    defer { terminal.restore() }
    let opened = try open(terminal: terminal)
    var replay = opened.replay
    var isPaced = true
    var before = 0.0
    while replay.hasMore && replay.step < options.at ?? .max {
      let time = log.entries[replay.step].t ?? before + 0.4
      let key = isPaced ? Self.key(terminal, within: min(0.6, max(0, time - before))) : nil
      before = time
      if key == .character("q") || key == .control("c") { return }
      if key != nil { isPaced = false }
      try replay.advance()
      let shown = replay.draw(pictures: opened.session.renderer(terminal.graphics))
      if let shown { terminal.draw(shown.frame) }
    }
    if replay.isOver { return }
    opened.session.mailbox.endReplay()
    var state = replay.program
    _ = update(&state, .input(.resize(terminal.size)))
    var session = opened.session
    session.exporter = Exporter(directory: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
    session.run(state, first: [])
  }

  /// A key that is pressed within so many seconds; the time is spent in any case but that.
  private static func key(_ terminal: CursesTerminal, within seconds: Double) -> Key? {
    let event = terminal.nextEvent(timeoutMilliseconds: Int(seconds * 1000))
    if case .key(let key)? = event { return key }
    return nil
  }

  private struct Opened {
    let replay: SessionReplay<InspectorState>
    let session: InspectorSession
    let depth: ColorDepth
  }

  private func open(terminal: CursesTerminal?) throws -> Opened {
    let start = log.start
    let mailbox = Mailbox(isReplaying: true) { CursesTerminal.wake() }
    let depth = ColorDepth(rawValue: start.depth) ?? .trueColor
    var (worker, actions, effects): (ModelWorker?, [Action], [Effect]) = (nil, [], [])
    if let recorded = start.picture {
      let path = image ?? "\(home)/\(recorded.path)"
      let picture = try PictureSource(path: path)
      try check(path, picture.sha256, recorded)
      let options = try Options.parse(start.options + checkpointArguments)
      let opening = try options.model.opening(showsPreviews: true)
      let weights = try opening.source.open().weightsSHA256
      if let checkpoint = start.checkpoint { try check(opening.source.path, weights, checkpoint) }
      var asking = RunOptions()
      (asking.prompt, asking.sampling) = (start.prompt, options.sampling)
      asking.applyThreads()
      worker = ModelWorker(
        picture: picture, path: path, model: opening, options: asking, mailbox: mailbox, recent: start.recent ?? [])
      actions = [.picture(picture)]
      for evidence in [start.evidence].compactMap({ $0 }) + (start.furtherEvidence ?? []) {
        let path = "\(home)/\(evidence.path)"
        try check(path, SessionStart.File.digest(of: path), evidence)
        actions += try opening.evidence(path)
      }
      effects = [.run(prompt: start.prompt, reusesImage: false)]
    } else if let recorded = start.trace {
      let path = image ?? "\(home)/\(recorded.path)"
      try check(path, SessionStart.File.digest(of: path), recorded)
      actions = try ReportSource.file(path).trace.actions()
    }
    if let kept = start.kept { actions.append(.reopened(kept)) }
    let name = (start.picture ?? start.trace).map { URL(fileURLWithPath: $0.path).lastPathComponent } ?? ""
    var state = try InspectorState(start, imageName: name, runsModel: worker != nil, file: file)
    for action in actions { _ = update(&state, action) }
    let symbols = PictureSymbols(rawValue: start.symbols) ?? .halfBlocks
    let session = InspectorSession(
      terminal: terminal, mailbox: mailbox, worker: worker,
      pictures: PictureRenderer.chafa(symbols, state.appearance).remembering())
    let replay = SessionReplay(
      log, file: file, program: state, first: effects, worker: ReplayWorker(session: session))
    return Opened(replay: replay, session: session, depth: depth)
  }

  /// The checkpoint to open: the one named now, else where it lay, else the bundled one.
  private var checkpointArguments: [String] {
    if let checkpoint { return ["--model", checkpoint] }
    // A model put together from parts is named by its options.
    guard let recorded = log.start.checkpoint, !log.start.options.contains("--llm") else { return [] }
    let path = "\(home)/\(recorded.path)"
    if FileManager.default.fileExists(atPath: path) { return ["--model", path] }
    // Nothing is there: what lay outside of the session's folder may have been the bundled one, else it is told as missing.
    return recorded.path.hasPrefix("../") ? [] : ["--model", recorded.path]
  }

  private func check(_ path: String, _ sha256: String, _ recorded: SessionStart.File) throws {
    guard let wanted = recorded.sha256, wanted != sha256 else { return }
    throw SessionError(
      file: file, line: 1,
      problem:
        "was recorded with \(recorded.path) of SHA-256 \(wanted.prefix(12))…, but \(path) has \(sha256.prefix(12))…")
  }
}

/// Carries out a replay's effects with the real model.
private struct ReplayWorker: SessionWorker {
  let session: InspectorSession

  func start(_ effect: Effect, job: Int, cancelledAfter: Int?, for state: InspectorState) {
    session.mailbox.cancelNext(after: cancelledAfter)
    _ = session.perform([effect], state)
  }

  func nextResult(of job: Int) -> Action? { session.mailbox.next(of: job) }
}

extension SessionStart.File {
  /// A file seen from the folder of a session's file.
  package init(_ path: String, from session: String, sha256: String?) {
    self.init(
      path: Self.relative(path, to: URL(fileURLWithPath: session).deletingLastPathComponent().path), sha256: sha256)
  }

  /// `path` seen from a folder.
  static func relative(_ path: String, to folder: String) -> String {
    // A name in the Hugging Face cache is no path.
    guard FileManager.default.fileExists(atPath: path) else { return path }
    let wanted = URL(fileURLWithPath: path).standardizedFileURL.pathComponents
    let from = URL(fileURLWithPath: folder).standardizedFileURL.pathComponents
    let common = zip(wanted, from).prefix { $0 == $1 }.count
    let steps = Array(repeating: "..", count: from.count - common) + wanted[common...]
    return steps.isEmpty ? "." : steps.joined(separator: "/")
  }

  package static func digest(of path: String) throws -> String { try ContentDigest.sha256(of: MappedFile(path: path)) }
}

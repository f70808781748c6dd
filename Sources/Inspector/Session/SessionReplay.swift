import ColorMaps
import Evidence
package import TerminalUI
import Trace

/// Writes down what happens, a line a step.
package struct SessionRecorder: Sendable {
  private var pending: [SessionEntry] = []
  private var graphics: String?

  package init() {}

  /// Notes an action before it is taken.
  ///
  /// - Parameters:
  ///   - job: the number of the effect that it answers, 0 for what a person did.
  ///   - seconds: since the start.
  package mutating func note(_ action: Action, job: Int, at seconds: Double) {
    var entry = SessionEntry(action, job: job)
    entry.t = (seconds * 1000).rounded() / 1000
    pending.append(entry)
  }

  /// Notes the frame that was drawn after all that.
  package mutating func drew(_ frame: Frame, graphics: PixelGraphics?) {
    if pending.isEmpty { pending.append(SessionEntry()) }
    pending[pending.count - 1].frame = frame.digest
    guard self.graphics != graphics?.rawValue else { return }
    self.graphics = graphics?.rawValue
    pending[pending.count - 1].graphics = graphics?.rawValue ?? "symbols"
  }

  /// The lines since the last call.
  package mutating func takeLines() -> String {
    defer { pending = [] }
    return pending.map { SessionLog.line($0) }.joined()
  }
}

/// What carries out the effects of a replay.
package protocol SessionWorker {
  /// Starts what an effect asks for, as job number `job`, and returns at once.
  ///
  /// - Parameter cancelledAfter: how many computed results it gives before it is cancelled; `nil` when it is not.
  func start(_ effect: Effect, job: Int, cancelledAfter: Int?, for state: InspectorState)

  /// Waits for the job's next result that is computed, or its failure; `nil` once it is over.
  func nextResult(of job: Int) -> Action?
}

extension Effect {
  /// Whether it takes a while and answers with actions: only those are numbered.
  package var isJob: Bool {
    switch self {
    case .cancel, .copy, .setMouse, .redraw, .suspend, .quit: false
    default: true
    }
  }
}

/// Goes through a recorded session again.
///
/// Each effect is carried out when the session asks for it, and its results are taken where the recording took them, so
/// that the state, and with it every frame, is the same, however long the model takes here.
package struct SessionReplay<Program: InspectorProgram> {
  /// A frame that was drawn.
  package struct Shown: Sendable {
    /// The step after which it was drawn: 0 is the start.
    package let step: Int
    package let words: String
    package let frame: Frame
    /// Whether it is the one that was recorded; `nil` where none was.
    package let isAsRecorded: Bool?
  }

  package private(set) var program: Program
  package let log: SessionLog
  /// Steps taken so far.
  package private(set) var step = 0
  /// Whether the session ended with what was taken last.
  package private(set) var isOver = false
  /// How many effects have been numbered.
  package private(set) var jobs = 0
  private let file: String
  private let worker: any SessionWorker
  private let cancelledAfter: [Int: Int]
  private let holdsFrames: Bool
  /// Jobs that may still give results.
  private var open: Set<Int> = []

  /// - Parameters:
  ///   - program: as it was when the session began.
  ///   - effects: what it began with.
  ///   - file: the name that errors give the session.
  package init(
    _ log: SessionLog, file: String, program: Program, first effects: [Effect], worker: any SessionWorker
  ) {
    (self.log, self.file, self.program, self.worker) = (log, file, program, worker)
    (cancelledAfter, holdsFrames) = (log.cancelledAfter, log.holdsFrames)
    perform(effects)
  }

  package var hasMore: Bool { step < log.entries.count && !isOver }

  /// How pictures are shown from the next step on, where the recording says.
  package var nextGraphics: String? { hasMore ? log.entries[step].graphics : nil }

  /// Takes the next step.
  ///
  /// - Throws: `SessionError` when the model gives something else than it gave then.
  package mutating func advance() throws(SessionError) {
    precondition(hasMore)
    let entry = log.entries[step]
    step += 1
    if let action = entry.action {
      take(action)
    } else if entry.idle == true {
      takeAll()
    } else if let job = entry.job, let name = entry.got {
      take(try result(named: name, of: job).with(measured: entry.seconds ?? []))
    }
  }

  /// Draws the frame of the step just taken, if the recording drew one there or `always`.
  package mutating func draw(always: Bool = false, pictures: PictureRenderer?) -> Shown? {
    let entry = step > 0 ? log.entries[step - 1] : nil
    guard always || entry?.frame != nil || !holdsFrames else { return nil }
    let frame = program.draw(size: program.inspector.size, pictures: pictures)
    return Shown(
      step: step, words: entry?.words ?? "start", frame: frame, isAsRecorded: entry?.frame.map { $0 == frame.digest })
  }

  private mutating func take(_ action: Action) { perform(program.take(action)) }

  private mutating func perform(_ effects: [Effect]) {
    for effect in effects {
      if effect == .quit { isOver = true }
      guard effect.isJob else { continue }
      jobs += 1
      open.insert(jobs)
      worker.start(effect, job: jobs, cancelledAfter: cancelledAfter[jobs], for: program.inspector)
    }
  }

  private func result(named name: String, of job: Int) throws(SessionError) -> Action {
    guard let result = worker.nextResult(of: job) else {
      throw SessionError(file: file, line: step + 1, problem: "has the result “\(name)”, which did not come here")
    }
    guard result.name == name else {
      if case .failed(let sentence) = result {
        throw SessionError(file: file, line: step + 1, problem: "has the result “\(name)”; here it failed: \(sentence)")
      }
      throw SessionError(
        file: file, line: step + 1,
        problem: "has the result “\(name)”, here “\(result.name)” came: was it recorded by vocoscope "
          + "\(log.start.program) as this one is?")
    }
    return result
  }

  /// Takes everything that is under way, job by job, until nothing is.
  private mutating func takeAll() {
    while let job = open.min() {
      if let result = worker.nextResult(of: job) {
        take(result)
      } else {
        open.remove(job)
      }
    }
  }
}

extension Action {
  /// The name of its case.
  package var name: String { Mirror(reflecting: self).children.first?.label ?? "\(self)" }

  /// What was measured while it was made, in seconds: no second run measures the same.
  package var measured: [Double] {
    guard case .compression(let event) = self else { return [] }
    switch event {
    case .picture(let picture): return picture.seconds.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
    case .prompted(_, let cost): return [cost.seconds]
    case .ended(_, _, let seconds): return [seconds]
    default: return []
    }
  }

  /// The same with other measured times; as it is where they are not as many.
  package func with(measured times: [Double]) -> Action {
    guard case .compression(let event) = self, !times.isEmpty, times.count == measured.count else { return self }
    switch event {
    case .picture(let picture):
      let sources = picture.seconds.keys.sorted { $0.rawValue < $1.rawValue }
      return .compression(
        .picture(
          ConversationPicture(
            name: picture.name, sha256: picture.sha256, seconds: Dictionary(uniqueKeysWithValues: zip(sources, times)),
            rows: picture.rows, bytes: picture.bytes, refusals: picture.refusals)))
    case .prompted(let source, let cost):
      return .compression(
        .prompted(
          source,
          QuestionCost(
            reusedRows: cost.reusedRows, reusedBytes: cost.reusedBytes, computedRows: cost.computedRows,
            promptTokens: cost.promptTokens, seconds: times[0], position: cost.position)))
    case .ended(let source, let stop, _):
      return .compression(.ended(source, stop: stop, generationSeconds: times[0]))
    default: return self
    }
  }
}

extension Frame {
  /// FNV-1a (64 bits) of all cells with their colours: equal for equal frames on every machine.
  package var digest: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in ansi(.trueColor).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

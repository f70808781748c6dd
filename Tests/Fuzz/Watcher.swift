import Foundation

/// Runs workers in processes of their own, and keeps what kills them.
final class Watcher {
  let scratch: String
  let corpus: String
  /// What workers are told besides.
  private let options: [String]
  let worker: Worker
  private let progress: Progress
  private(set) var found: [String] = []

  /// Seconds of a worker's own time that one input may take.
  private static let longestInput = 20.0
  private static let mostTries = 400

  init(corpus: String, options: [String]) throws {
    let memory = "/dev/shm"
    let base = access(memory, W_OK) == 0 ? memory : FileManager.default.temporaryDirectory.path
    scratch = "\(base)/vocoscope-fuzz-\(getpid())"
    self.corpus = corpus
    self.options = options
    Self.removeLeftovers(base)
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    worker = try Worker(scratch: scratch)
    progress = try Progress(path: "\(scratch)/progress")
  }

  deinit { try? FileManager.default.removeItem(atPath: scratch) }

  /// Removes what watchers left that were killed.
  private static func removeLeftovers(_ base: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? [] {
      guard name.hasPrefix("vocoscope-fuzz-"), let process = Int32(name.dropFirst(15)), kill(process, 0) != 0,
        errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(base)/\(name)")
    }
  }

  /// Inputs of a target that were taken and refused.
  func counts(_ target: Int) -> (taken: Int, refused: Int) { (progress.taken(target), progress.refused(target)) }

  /// Mean processor time of an input of a target, in microseconds.
  func microseconds(_ target: Int) -> Int {
    progress.nanoseconds(target) / 1000 / max(1, progress.taken(target) + progress.refused(target))
  }

  /// Runs inputs from `first` on until `isOver`; returns the number behind the last.
  func run(_ stream: InputStream, only: String?, from first: Int, batch: Int, isOver: (Int) -> Bool) throws -> Int {
    var next = first
    while !isOver(next) {
      progress.index = next
      let arguments = [
        "--batch", "\(scratch)/progress", "--seed", "\(stream.seed)", "--first", "\(next)", "--count", "\(batch)",
      ]
      let ending = try watched(arguments + (only.map { ["--only", $0] } ?? [])) { isOver(self.progress.index) }
      guard let ending else {
        next = progress.index
        continue
      }
      let index = progress.index
      let (number, bytes) = stream.input(index)
      try keep(bytes, of: stream.targets[number], because: "input \(index) of seed \(stream.seed): \(ending)")
      next = index + 1
    }
    return next
  }

  /// Runs every seed as it is, and every input of the corpus; what dies is named, and counts as found.
  func replay(_ targets: [Target], only: String?) throws -> Int {
    var count = 0
    if let ending = try watched(["--seeds"] + (only.map { ["--only", $0] } ?? [])) {
      found.append("seeds")
      say("seeds: \(ending)")
    }
    for target in targets {
      let folder = "\(corpus)/\(target.name)"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
      guard !names.isEmpty else { continue }
      let files = names.map { "\(folder)/\($0)" }
      count += files.count
      for file in files {
        if let ending = try watched(["--replay", target.name, file]) {
          found.append(file)
          say("\(file): \(ending)")
        }
      }
    }
    return count
  }

  private func keep(_ bytes: [UInt8], of target: Target, because ending: String) throws {
    let small = try minimised(bytes, of: target, budget: Self.mostTries)
    let folder = "\(corpus)/\(target.name)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let file = "\(folder)/\(found.count)-\(small.count)-\(abs(small.hashValue) % 100_000)"
    try Data(small).write(to: URL(fileURLWithPath: file))
    found.append(file)
    say("\(target.name): \(ending); \(bytes.count) bytes made \(small.count): \(file)")
  }

  /// Fewer bytes that a worker dies of: parts are left out, first halves, then smaller ones.
  private func minimised(_ bytes: [UInt8], of target: Target, budget: Int) throws -> [UInt8] {
    var bytes = bytes
    var tries = budget
    let path = "\(scratch)/candidate"
    func dies(_ candidate: [UInt8]) throws -> Bool {
      tries -= 1
      try Data(candidate).write(to: URL(fileURLWithPath: path))
      return try watched(["--replay", target.name, path]) != nil
    }
    guard bytes.count < 1 << 16, try dies(bytes) else { return bytes }
    var part = bytes.count / 2
    while part > 0, tries > 0 {
      var at = 0
      while at < bytes.count, tries > 0 {
        var candidate = bytes
        candidate.removeSubrange(at..<min(bytes.count, at + part))
        if try dies(candidate) { bytes = candidate } else { at += part }
      }
      part /= 2
    }
    return bytes
  }

  /// How the worker died; `nil` if it did its work or was stopped because the time is over.
  private func watched(_ arguments: [String], isOver: () -> Bool = { false }) throws -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments + options + ["--scratch", scratch]
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    let log = "\(scratch)/errors"
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
    var (index, since) = (progress.index, seconds(process.processIdentifier))
    while process.isRunning {
      usleep(20_000)
      let now = seconds(process.processIdentifier)
      if progress.index != index { (index, since) = (progress.index, now) }
      if now - since > Self.longestInput {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return "more than \(Int(Self.longestInput)) seconds"
      }
      if isOver() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        return nil
      }
    }
    process.waitUntilExit()
    if process.terminationReason == .exit, process.terminationStatus == 0 { return nil }
    let words = (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n").last.map(String.init) ?? ""
    let end = process.terminationReason == .uncaughtSignal ? "signal" : "exit code"
    return "\(end) \(process.terminationStatus): \(words.prefix(300))"
  }

  /// Seconds of processor time that a process has used.
  private func seconds(_ process: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return 0 }
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}

/// Prints a line at once, also into a file.
func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

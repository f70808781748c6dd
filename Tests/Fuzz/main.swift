import ArgumentParser
import Foundation
import Statistics
import Tensor

/// Mutated inputs for every reader of the program, in processes that may die of them.
struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vocoscope-fuzz",
    abstract: "Feed mutated files to every reader; inputs are the same for the same seed.",
    discussion: "What kills a worker, hangs it or takes too much memory is made small and kept in the corpus.")

  @Option(help: "How long to go on.")
  var seconds: Double = 120
  @Option(help: "End after this many inputs.")
  var inputs: Int = .max
  @Option(help: "Another seed, other inputs.")
  var seed: UInt64 = 1
  @Option(help: "The number of the first input.")
  var first = 0
  @Option(help: "Only targets whose names begin so.")
  var only: String?
  @Option(help: "Where inputs are kept that something died of.")
  var corpus = "\(Fixtures.root)/Fuzz/Corpus"

  @Option(help: "Threads of models that are run.")
  var threads = 1
  @Option(help: "The most resident memory of a worker, in MiB.")
  var memory = 512

  // For workers.
  @Option(help: .private)
  var batch: String?
  @Option(help: .private)
  var count = 0
  @Option(help: .private)
  var scratch: String?
  @Option(help: .private)
  var replay: String?
  @Flag(help: .private)
  var seeds = false
  @Argument(help: .private)
  var files: [String] = []

  func run() throws {
    ComputeBackend.setThreads(threads)
    if let scratch { return try work(scratch) }
    let watcher = try Watcher(corpus: corpus, options: ["--threads", "\(threads)", "--memory", "\(memory)"])
    let stream = stream(watcher.worker)
    let kept = try watcher.replay(stream.targets, only: only)
    let start = Date()
    let end = first.addingReportingOverflow(inputs).partialValue
    let last = inputs == .max ? Int.max : end
    let next = try watcher.run(stream, only: only, from: first, batch: 20_000) { index in
      index >= last || Date().timeIntervalSince(start) >= seconds
    }
    let time = Date().timeIntervalSince(start)
    say(table(watcher, stream))
    say(
      "\(next - first) inputs of seed \(seed) in \(Int(time)) s, \(Int(Double(next - first) / max(time, 0.001))) a second; "
        + "\(kept) of the corpus; \(watcher.found.count) found")
    if !watcher.found.isEmpty { throw ExitCode.failure }
  }

  private func stream(_ worker: Worker) -> InputStream {
    let targets = worker.targets.filter { target in only.map(target.name.hasPrefix) ?? true }
    precondition(!targets.isEmpty, "no target begins with \(only ?? "")")
    return InputStream(targets: targets, seed: seed)
  }

  /// In a worker's process.
  private func work(_ scratch: String) throws {
    let worker = try Worker(scratch: scratch, largestMemory: memory << 20)
    if let replay {
      guard let target = worker.targets.first(where: { $0.name == replay }) else {
        throw ValidationError("there is no target \(replay)")
      }
      for file in files { _ = try worker.read([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))), target) }
      return
    }
    if seeds { return try worker.readSeeds(of: stream(worker).targets) }
    guard let batch else { return }
    let end = min(first + count, first.addingReportingOverflow(inputs).overflow ? Int.max : first + inputs)
    try worker.run(stream(worker), first: first, end: end, progress: try Progress(path: batch))
  }

  private func table(_ watcher: Watcher, _ stream: InputStream) -> String {
    stream.targets.indices.map { index in
      let (taken, refused) = watcher.counts(index)
      let name = stream.targets[index].name
      return name + String(repeating: " ", count: max(1, 54 - name.count)) + "taken \(taken), refused \(refused), "
        + "\(watcher.microseconds(index)) µs"
    }.joined(separator: "\n")
  }
}

Fuzz.main()

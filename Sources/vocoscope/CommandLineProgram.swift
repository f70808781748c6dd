import ArgumentParser
import Files
import Foundation
import Statistics
import Tensor

/// Parses the command line, runs the subcommand and turns every error into one sentence and an exit code.
///
/// Exit codes: 0 done, 1 the input, the run or the output failed, 2 the command line was wrong, 130 interrupted.
enum CommandLineProgram {
  static func run() -> Int32 {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let (type, rest) = command(arguments)
    do {
      try checkArguments()
      var command = try type.parseAsRoot(rest)
      ProcessSetup.checkAddressSpace()
      InputFiles.remember()
      try command.run()
      return 0
    } catch {
      return report(error, of: type)
    }
  }

  /// The command of two words that the arguments begin with, such as `eval merge`, with those that follow; else the root
  /// with all: ArgumentParser itself gives the second word to a command that takes arguments of its own.
  private static func command(_ arguments: [String]) -> (type: any ParsableCommand.Type, rest: [String]) {
    let root: any ParsableCommand.Type = VocoscopeCommand.self
    let words = arguments.prefix(2)
    let type = words.reduce(root as (any ParsableCommand.Type)?) { type, word in
      type?.configuration.subcommands.first { $0.configuration.commandName == word }
    }
    guard words.count == 2, let type else { return (root, arguments) }
    return (type, Array(arguments.dropFirst(2)))
  }

  /// Swift's arguments have U+FFFD for bytes that are not UTF-8, so that the file meant is not the one that is opened.
  private static func checkArguments() throws {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[index], String(validatingCString: argument) == nil else { continue }
      throw ValidationError(
        "argument \(index), '\(String(cString: argument))', is not UTF-8: rename the file, or name its directory")
    }
  }

  private static func report(_ error: any Error, of type: any ParsableCommand.Type) -> Int32 {
    // A reader that goes away, as `head` does, has read enough.
    if case StreamError.closedPipe = error { return 0 }
    if error is CancellationError { return 130 }
    let code = type.exitCode(for: error)
    switch code {
    case .success:
      do {
        try StandardStream.output.write(type.fullMessage(for: error) + "\n")
        return 0
      } catch {
        return report(error, of: type)
      }
    case .validationFailure:
      tell(type.fullMessage(for: error))
      return 2
    default:
      if !(error is ExitCode) { tell("vocoscope: \(error)") }
      return code.rawValue
    }
  }

  /// Where even that cannot be written, the exit code must do.
  private static func tell(_ sentence: String) { try? StandardStream.error.write(sentence + "\n") }
}

/// What must be right before the first computation.
enum ProcessSetup {
  /// Starts the program again, once, with the OpenBLAS kernels that fit this CPU.
  ///
  /// OpenBLAS chooses its kernels while it is loaded and older releases mistake newer CPUs for a "Prescott", which
  /// runs at a quarter of the speed. It reads `OPENBLAS_CORETYPE` at that moment only, so nothing but a fresh start of
  /// the same program can correct it. A value that the user has set is left alone.
  static func selectComputeKernels() {
    guard let core = ComputeBackend.coreOverrideNeeded() else { return }
    setenv("OPENBLAS_CORETYPE", core, 1)
    // The arguments as they are: Swift's own have other bytes where they are not UTF-8.
    // Returns only if it failed; the run then goes on with the slower kernels, which `check` reports.
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }

  /// Ends the process with a sentence where too few files can be opened: Dispatch, which every loop runs on, would trap.
  static func checkDescriptors() {
    guard !StandardStream.canOpen(smallestRunsFiles) else { return }
    try? StandardStream.error.write(
      "vocoscope: the limit of open files (ulimit -n) does not leave the \(smallestRunsFiles) that a run takes at least\n"
    )
    _exit(1)
  }

  /// A checkpoint's files, Dispatch's own two, and one to write.
  private static let smallestRunsFiles = 8

  /// Tensors come and go by the hundred megabytes.
  static func keepFreedMemory() { ComputeBackend.keepFreedMemory() }

  /// Ends the process with a sentence where the address space that is left would not do for a single product of matrices.
  static func checkAddressSpace() {
    ComputeBackend.setThreads(ComputeBackend.processors)
    let needed = ComputeBackend.addressSpaceOfThread + smallestRun
    guard let left = ComputeBackend.availableAddressSpace else { return }
    guard left < needed else { return ComputeBackend.reserveAddressSpace() }
    try? StandardStream.error.write(
      "vocoscope: the limit of address space (ulimit -v) leaves \(Format.mebibytes(left)), and a run takes at least "
        + "\(Format.mebibytes(needed))\n")
    // OpenBLAS's threads, for which there was no room, would be waited for.
    _exit(1)
  }

  /// Room for the bundled checkpoint and its intermediates.
  private static let smallestRun = 160 << 20

  /// A reader that goes away (`vocoscope report … | head`) and a file at its size limit end what is written with an error
  /// that can be told, not the process with a signal.
  static func answerSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    MappedFile.watch()
  }

  /// Large files are hashed once for each of their states, not once a run.
  static func rememberDigests() {
    let cache = UserConfiguration.cacheDirectory(ProcessInfo.processInfo.environment)
    ContentDigest.remember(in: cache.map { "\($0)/sha256" })
  }
}

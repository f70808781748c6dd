import ArgumentParser
import Foundation

/// Parses the command line, runs the subcommand and turns every error into one sentence and an exit code.
///
/// Exit codes: 0 done, 1 the input or the run failed, 2 the command line was wrong, 130 interrupted.
enum CommandLineProgram {
  static func run() -> Int32 {
    do {
      var command = try VocoscopeCommand.parseAsRoot()
      try command.run()
      return 0
    } catch {
      return report(error)
    }
  }

  private static func report(_ error: any Error) -> Int32 {
    if error is CancellationError { return 130 }
    let code = VocoscopeCommand.exitCode(for: error)
    switch code {
    case .success:
      print(VocoscopeCommand.fullMessage(for: error))
      return 0
    case .validationFailure:
      write(VocoscopeCommand.fullMessage(for: error) + "\n")
      return 2
    default:
      if !(error is ExitCode) { write("vocoscope: \(error)\n") }
      return code.rawValue
    }
  }

  private static func write(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }
}

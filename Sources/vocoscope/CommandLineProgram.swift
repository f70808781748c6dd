import ArgumentParser
import Files
import Foundation
import Sessions

/// Parses the command line, runs the subcommand and turns every error into one sentence and an exit code.
///
/// Exit codes: 0 done, 1 the input, the run or the output failed, 2 the command line was wrong, 130 interrupted; `diff`
/// throws its own.
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
      Leftovers.waitIfEnding()
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
    if case StreamError.closedPipe(.output) = error { return 0 }
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

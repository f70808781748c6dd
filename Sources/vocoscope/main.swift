import ArgumentParser
import Files
import Foundation
import Sessions

// Libraries that choose their kernels when they are loaded must see the right choice before anything else runs.
StandardStream.reserveClosed()
ProcessSetup.checkLimits()
ProcessSetup.selectComputeKernels()
ProcessSetup.keepFreedMemory()
ProcessSetup.answerSignals()
ProcessSetup.rememberDigests()
ProcessSetup.end(CommandLineProgram.run())

/// The command line's root; `vocoscope photo.jpg` is `vocoscope inspect photo.jpg`.
struct VocoscopeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vocoscope",
    abstract: "Inspect how HTC-VLM compresses a picture into one <voco> token.",
    discussion: """
      Opens a picture with a checkpoint in the terminal, and shows its patches, anchor codes, mask and the attention of
      <voco>. Every panel has a twin without a screen: see 'report', 'trace' and 'check'.

      Exit codes: 0 done, 1 the input or the run failed, 2 the command line was wrong, 130 interrupted.
      'diff' is the exception: 0 the checkpoints are equal, 1 they differ, 2 it failed.
      """,
    version: programVersion,
    subcommands: [
      InspectCommand.self, DemoCommand.self, TourCommand.self, ViewCommand.self, AskCommand.self, ReportCommand.self,
      TraceCommand.self,
      VerifyCommand.self, CodebookCommand.self, ProbeCommand.self, EvalCommand.self, CheckCommand.self,
      DiffCommand.self, ConvertCommand.self, DoctorCommand.self,
    ],
    defaultSubcommand: InspectCommand.self)
}

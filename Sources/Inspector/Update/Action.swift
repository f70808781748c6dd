package import Evidence
package import Tensor
package import TerminalUI
package import Trace

/// What happened: a person did something, or an effect reported back.
package enum Action: Sendable {
  case input(InputEvent)
  case command(Command)
  /// The picture is decoded: the first thing on screen.
  case picture(Picture, name: String, warnings: [String] = [])
  /// What the model has produced so far; posted after each stage.
  case trace(Trace)
  case progress(StageProgress)
  /// The run is over and the last trace complete.
  case finished
  case cancelled
  /// Something went wrong: one clear sentence, shown as a dialog.
  case failed(String)
  /// Something to say in the status line.
  case notice(String)
  case codebook(CodebookView)
  case checkpoint(CheckpointListing)
  /// What `verify` found over many pictures.
  case verdict(EvidenceVerdict)
  /// The voco rows of the first pictures that `verify` saw.
  case vocoRows([VocoRow])
  case knockOutFinished(KnockOutResult)
  case matchedRandom(MatchedRandomResult)
  /// Something that happened while answers were compared.
  case compression(CompressionEvent)
  /// The comparison under way is over.
  case compressionFinished
  /// Something that the code debugger asked for.
  case codeLab(CodeLabEvent)
  /// The file was written there.
  case exported(path: String)
}

/// What the run loop has to do, off the main thread where it takes long; results come back as actions.
package enum Effect: Sendable, Equatable {
  /// Run the model on the picture with this prompt; progress comes back as `.progress` and `.trace`.
  /// `reusesImage`: the picture's keys and values are cached, only the answer is computed.
  case run(prompt: String, reusesImage: Bool)
  /// Stop the run, knock-out or draws under way; `.cancelled` comes back.
  case cancel
  /// Cut edges and answer again; `.knockOutFinished` or `.failed` comes back.
  case knockOut(KnockOutRequest)
  /// Knock out random patches; `.matchedRandom` comes back, any number of times while draws finish.
  case matchedRandom(MatchedRandomRequest)
  /// Compare answers; any number of `.compression` come back, then `.compressionFinished`, `.cancelled` or `.failed`.
  case compress(CompressionRequest)
  /// Work for the code debugger; what comes back stands with each request, or `.failed` or `.cancelled`.
  case codeLab(CodeLabRequest)
  /// Write a file; `.exported` or `.failed` comes back.
  case export(ExportFile)
  /// Put text on the terminal's clipboard (OSC 52).
  case copy(String)
  /// Take or leave the mouse.
  case setMouse(Bool)
  /// Draw every cell again.
  case redraw
  /// Stop as Ctrl-Z does.
  case suspend
  case quit
}

/// A file to write.
package struct ExportFile: Sendable, Equatable {
  /// A name without a directory: `chelsea-attention.csv`.
  package let name: String
  package let contents: String

  package init(name: String, contents: String) {
    self.name = name
    self.contents = contents
  }
}

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
  /// The answer so far; posted after each token.
  case generation(GenerationTrace)
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
  /// What the checkpoint's training pictures have in common.
  case trainingPictures(TrainingPictures)
  /// What `verify` found over many pictures.
  case verdict(EvidenceVerdict)
  /// The voco rows of the first pictures that `verify` saw.
  case vocoRows([VocoRow])
  /// What `probe` or `eval` measured of this model.
  case saved(SavedMeasurement.Kind)
  case knockOutFinished(KnockOutResult)
  case matchedRandom(MatchedRandomResult)
  /// What the model was asked for beyond a run.
  case measured(RunFinding)
  /// How far that is.
  case measuring(String)
  /// Something that happened while answers were compared.
  case compression(CompressionEvent)
  /// The comparison under way is over.
  case compressionFinished
  /// What the tokens of prompt and answer attend to.
  case textAttention(TextAttention)
  /// The run to hold the one on screen against.
  case compared(ComparedRun)
  /// The run on screen is one of 8 bits, and the exact one is made.
  case refining
  /// The exact run in the place of the one of 8 bits, and what that changed.
  case refined(Trace, from: ComparedRun, words: String)
  /// Two checkpoints tensor by tensor.
  case checkpointDiff(CheckpointDiff)
  /// What one tensor's values look like; `nil` for a type that holds no weights.
  case weights(name: String, WeightStatistics?)
  /// Something that the code debugger asked for.
  case codeLab(CodeLabEvent)
  /// The file was written there.
  case exported(path: String)
  /// The picture was looked at before, like this.
  case reopened(KeptView)
  /// The pictures that can be opened from here.
  case pictures(PictureShelf)
  /// One of them, reduced.
  case thumbnail(path: String, Picture)
}

/// What the run loop has to do, off the main thread where it takes long; results come back as actions.
package enum Effect: Sendable, Equatable {
  /// Run the model on the picture with this prompt; progress comes back as `.progress` and `.trace`.
  /// `reusesImage`: the picture's keys and values are cached, only the answer is computed.
  case run(prompt: String, reusesImage: Bool)
  /// Open a picture so many places further in the folder and run the model on it; `.picture` comes back first.
  case openPicture(by: Int)
  /// Open the picture at a path and run the model on it; `.picture` comes back first.
  case openPictureAt(path: String)
  /// Find the pictures that can be opened; `.pictures` comes back, then a `.thumbnail` of each.
  case listPictures
  /// Stop the run, knock-out or draws under way; `.cancelled` comes back.
  case cancel
  /// Cut edges and answer again; `.knockOutFinished` or `.failed` comes back.
  case knockOut(KnockOutRequest)
  /// Knock out random patches; `.matchedRandom` comes back, any number of times while draws finish.
  case matchedRandom(MatchedRandomRequest)
  /// Measure what a view shows; `.measuring` any number of times, then `.measured`, `.failed` or `.cancelled`.
  case measure(RunMeasurement)
  /// Compare answers; any number of `.compression` come back, then `.compressionFinished`, `.cancelled` or `.failed`.
  case compress(CompressionRequest)
  /// Compute what the tokens of prompt and answer attend to; `.textAttention` comes back, or `.failed`.
  case inspectText(answer: [Int32])
  /// Make or open a second run; `.compared` comes back, for a checkpoint after `.checkpointDiff`, or `.failed`.
  case compare(CompareRequest)
  /// Read one tensor of the checkpoint; `.weights` comes back.
  case readWeights(name: String)
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

/// A file to write of the state as it is.
package struct ExportFile: Sendable, Equatable {
  /// A name without a directory: `chelsea-attention.csv`.
  package let name: String
  package let panel: Panel
  package let format: ExportFormat

  package init(name: String, panel: Panel, format: ExportFormat) {
    self.name = name
    self.panel = panel
    self.format = format
  }
}

/// What a run loop drives: the inspector alone, or something around it.
package protocol InspectorProgram: Sendable {
  /// The session that effects are carried out for.
  var inspector: InspectorState { get }

  /// Takes an action; the effects are for the run loop to carry out.
  mutating func take(_ action: Action) -> [Effect]

  /// The frame, of which it notes what the mouse meets.
  mutating func draw(size: Size, pictures: PictureRenderer?) -> Frame
}

extension InspectorState: InspectorProgram {
  package var inspector: InspectorState { self }

  package mutating func take(_ action: Action) -> [Effect] { update(&self, action) }

  package mutating func draw(size: Size, pictures: PictureRenderer?) -> Frame {
    let screen = Inspector.view(self, size: size, pictures: pictures)
    hits = screen.hits
    return screen.frame
  }
}

package import ColorMaps
package import Evidence
package import Tensor
package import TerminalUI
package import Trace

/// Everything the inspector knows: `view` draws nothing that is not in here.
package struct InspectorState: Sendable {
  // What there is to see.
  /// The picture as it lies in its file; `nil` until it is decoded.
  package internal(set) var picture: Picture?
  /// What the decoder of its file found odd but carried on with.
  package internal(set) var pictureWarnings: [String] = []
  package internal(set) var imageName: String
  package internal(set) var trace: Trace?
  package internal(set) var codebook: CodebookView?
  package internal(set) var checkpoint: CheckpointListing?
  /// How another checkpoint differs from it; `nil` until one was compared.
  package internal(set) var checkpointDiff: ShownDiff?
  /// What was read of single tensors, and those of a type that holds no weights.
  package internal(set) var weights: [String: WeightStatistics] = [:]
  var unreadable: Set<String> = []
  /// What the checkpoint's training pictures have in common, where it says so, and how far this one is from them.
  package internal(set) var trainingPictures: TrainingPictures?
  package internal(set) var trainingDistance: Double?
  /// What `verify` found over many pictures; `nil` until it was run.
  package internal(set) var verdict: EvidenceVerdict?
  /// The voco rows of the first verified pictures; empty until `verify` was run.
  package internal(set) var vocoRows: [VocoRow] = []
  var keptFigure: (key: FigureKey, rows: PaperFigureRows)?
  /// What `probe` and `eval --cut` or `--swap` measured; `nil` and empty until their files were given.
  package internal(set) var probes: ProbeReport?
  package internal(set) var accuracy: [AccuracyChange] = []
  /// Layer and head of those that alone move the answer, by `verdict`.
  var causalHeads: Set<HeadPlace> = []
  package internal(set) var knockOuts: [KnockOutResult] = []
  /// How many knock-outs were asked for; their identifiers count from 1 and are never used twice.
  var knockOutCount = 0
  /// Random draws by the identifier of the knock-out they belong to.
  package internal(set) var matchedRandom: [Int: MatchedRandomResult] = [:]

  /// Answers side by side, their bill and the conversation.
  package internal(set) var compression = CompressionState()
  package internal(set) var compressionFigures: CompressionFigures?
  package internal(set) var compressionView = CompressionViewSettings()
  /// The picture and what its codes decode to, computed once.
  package internal(set) var decodedCodes: DecodedCodes?
  /// What was measured beyond the run: lens, answer back, causal trace.
  var findings: RunFindings?
  /// The run that the one on screen is held against, and what came out; `nil` for none.
  package internal(set) var compared: ComparedRun?
  package internal(set) var comparison: Comparison?
  var comparisonKey: ComparisonKey?
  /// How many runs and traces there were: what was computed for one is not shown for the next.
  var comparedCount = 0
  var traceCount = 0
  /// The debugger of codes.
  package internal(set) var codeLab = CodeLab()
  /// The pictures of the folder and the recent ones; `nil` until the chooser asked for them.
  package internal(set) var shelf: PictureShelf?

  // What is under way.
  package internal(set) var progress: [PipelineStage: StageProgress] = [:]
  package internal(set) var work: Work?
  /// Whether the picture's keys and values were used again for the prompt on screen.
  package internal(set) var reusesImage = false
  /// The question on screen or under way.
  package internal(set) var prompt: String

  // How it is shown.
  package internal(set) var view = ViewSettings()
  package internal(set) var history = ViewHistory()
  /// Finished runs on other questions about this picture, the latest last.
  var pastRuns: [PastRun] = []
  package internal(set) var cursor = LinkedCursor()
  /// Where the cursor stood when this picture was left: it goes there once the sequence is known.
  var keptCursor: LinkedCursor?
  package internal(set) var focus = Panel.image
  package internal(set) var mode = Mode.normal
  /// Where a selection by `v` or by dragging began.
  package internal(set) var rangeStart: KeyReference?
  /// First line shown of panels that scroll by lines.
  package internal(set) var scroll: [Panel: Int] = [:]
  package internal(set) var tensorRow = 0
  /// One sentence for the status line; the next key takes it away.
  package internal(set) var notice: String?
  /// One sentence in a box; the next key takes it away.
  package internal(set) var failure: String?
  package internal(set) var size: Size
  /// What the regions of the frame on screen mean to the mouse: whoever draws a frame notes them here.
  package var hits = HitMap<HitTarget>()

  // What was given at the start.
  package let capabilities: Capabilities
  package let glyphs: Glyphs
  package let depth: ColorDepth
  package let themes: [Theme]
  package let keyMap: KeyMap
  /// Keys that whoever shows the inspector keeps to itself: hints leave out what they would do.
  package var takenKeys: Set<Key> = []

  // What follows from the above, kept so that a frame costs only drawing.
  package internal(set) var links: CursorLinks
  package internal(set) var statistics: TraceStatistics?
  package internal(set) var map: MapStatistics?
  var headMaps: HeadMaps?
  /// What tokens of prompt and answer attend to, once it was asked for, and the token that it was asked for.
  var textAttention: TextAttention?
  var textRows: [InspectedAttention?] = []
  var wantedToken: Int?
  /// What this one picture says of a token other than `<voco>`.
  var inspectedAnecdote: InspectedAnecdote?
  var codeAtCursor: CodeAtCursor?
  var codeFigures: CodeFigures?
  /// The patch that the inspected token looks at most, sinks and padding apart.
  var mostAttended: GridPoint?
  /// The square that the model sees, reduced for display.
  package internal(set) var square: Picture?
  /// The square with its overlay, as the Image panel shows it.
  package internal(set) var shownPicture: Picture?

  /// What the session can do besides looking.
  package struct Capabilities: Sendable, Hashable {
    /// Whether there are weights to run; a trace file alone has none.
    package var runsModel: Bool

    package init(runsModel: Bool) { self.runsModel = runsModel }
  }

  /// What the model is busy with.
  package enum Work: Sendable, Hashable {
    case run
    case knockOut(String)
    case matchedRandom
    case compression(String)
    case edit
    /// With what is under way, in words.
    case measurement(String)
    case comparison
    /// The exact run behind the one of 8 bits on screen.
    case refinement
    case inspecting
    case reading(String)
  }

  package init(
    imageName: String, prompt: String, size: Size, capabilities: Capabilities = Capabilities(runsModel: true),
    glyphs: Glyphs = .unicode, depth: ColorDepth = .trueColor, themes: [Theme] = [.dark, .light, .highContrast],
    keyMap: KeyMap = .standard, takesMouse: Bool = true, workspace: Workspace = .explore
  ) {
    precondition(!themes.isEmpty)
    self.imageName = imageName
    self.prompt = prompt
    self.size = size
    self.capabilities = capabilities
    self.glyphs = glyphs
    self.depth = depth
    self.themes = themes
    self.keyMap = keyMap
    links = InspectorState.makeLinks(picture: nil, trace: nil, sequence: nil)
    view.prompt = prompt
    view.takesMouse = takesMouse
    view.workspace = workspace
    notice = keylessNotice
    work = capabilities.runsModel ? .run : nil
  }

  /// `the configuration leaves no key for cut; : finds commands by name`, of a configuration that took keys away.
  var keylessNotice: String? {
    let names = keyMap.keyless.map(\.title)
    return names.isEmpty
      ? nil
      : "the configuration leaves no key for \(names.joined(separator: ", ")); \(keyMap.hint(.palette, unicode: glyphs.isUnicode)) finds commands by name"
  }

  package var appearance: Appearance {
    Appearance(theme: themes[view.theme % themes.count], glyphs: glyphs, depth: depth)
  }

  /// The knock-out shown beside the run.
  package var shownKnockOut: KnockOutResult? {
    view.shownKnockOut.flatMap { id in knockOuts.first { $0.request.id == id } }
  }

  /// Parts whose weights are random or substituted; empty for a trained checkpoint.
  package var untrainedParts: [String] { trace?.model.untrainedParts ?? [] }
}

/// What the keyboard talks to.
package enum Mode: Sendable, Hashable {
  case normal
  case help(Search)
  case palette(Search)
  case find(Search)
  case prompt(TextField)
  /// The path of a picture to add to the conversation.
  case picturePath(TextField)
  /// The path of a picture whose anchors stand in for this one's.
  case donorPath(TextField)
  /// The chooser of pictures.
  case pictures(Search)
  /// The token whose attention is looked at, with the row that is marked.
  case inspect(Int)
  /// What to compare with, with the row that is marked; then its path or question.
  case compare(Int)
  case comparePath(CompareChoice, TextField)
  /// The export menu with the row that is marked.
  case export(Int)

  /// A text to search for, and the row that is marked among what was found.
  package struct Search: Sendable, Hashable {
    package var query = TextField()
    package var selected = 0

    package init() {}
  }
}

extension InspectorState {
  /// What the token is called whose row the panels look at.
  package var inspectedToken: String {
    switch view.inspected {
    case .lastPromptToken where statistics?.lastToken != nil: "the last prompt token"
    case .text(let token) where textRow(token) != nil: textAttention?.pieces[token] ?? ""
    default: trace?.model.inspectedToken ?? "<voco>"
    }
  }

  /// The same in a sentence: pieces of text in quotes.
  var inspectedName: String {
    if case .text(let token) = view.inspected, textRow(token) != nil { return "“\(shownPiece(inspectedToken))”" }
    return inspectedToken
  }

  /// Why there are no codes to look at.
  package var missingCodes: String {
    guard let model = trace?.model, model.groups == 0 else { return "The codes are not computed yet." }
    return model.anchors == 0
      ? "This checkpoint has no anchors: it is without a quantizer and its codes."
      : "This trace has no codes: its anchors stand in it without their quantizer."
  }

  /// The same as a command says it that does nothing.
  var codesObstacle: String {
    guard let model = trace?.model, model.groups == 0 else { return "the codes are not computed yet" }
    return model.anchors == 0 ? "this checkpoint has no anchors" : "this trace has no codes"
  }
}

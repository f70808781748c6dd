import TerminalUI
import Trace

/// The one list of commands.
package enum CommandTable {
  /// In the help's order.
  package static let all: [CommandEntry] = look + attention + cut + codes + ask + screen + program

  static let byCommand = Dictionary(uniqueKeysWithValues: all.map { ($0.command, $0) })

  private typealias Obstacle = @Sendable (InspectorState) -> String?

  /// A command that changes the state alone.
  private static func entry(
    _ command: Command, _ task: CommandTask, _ title: String, _ summary: String, _ keys: [Key] = [],
    unless obstacle: @escaping Obstacle = { _ in nil }, _ change: @escaping @Sendable (inout InspectorState) -> Void
  ) -> CommandEntry {
    CommandEntry(command: command, task: task, title: title, summary: summary, keys: keys, obstacle: obstacle) {
      change(&$0)
      return []
    }
  }

  /// A command that asks for something to be done outside.
  private static func request(
    _ command: Command, _ task: CommandTask, _ title: String, _ summary: String, _ keys: [Key] = [],
    unless obstacle: @escaping Obstacle = { _ in nil },
    effects action: @escaping @Sendable (inout InspectorState) -> [Effect]
  ) -> CommandEntry {
    CommandEntry(
      command: command, task: task, title: title, summary: summary, keys: keys, obstacle: obstacle, action: action)
  }

  private static let look: [CommandEntry] = [
    entry(.up, .look, "cursor up", "Moves the cursor up; it moves in every panel.", [.up, "k"]) { $0.move(.up) },
    entry(.down, .look, "cursor down", "Moves the cursor down; it moves in every panel.", [.down, "j"]) {
      $0.move(.down)
    },
    entry(
      .left, .look, "cursor left",
      "Moves the cursor left; from the anchors and tokens beside the map back to the patches.", [.left, "h"]
    ) { $0.move(.left) },
    entry(
      .right, .look, "cursor right", "Moves the cursor right; past the map's last column to the anchors and tokens.",
      [.right, "l"]
    ) { $0.move(.right) },
    entry(.first, .look, "first", "Goes to the first patch, key, row or tensor.", ["g", .home]) { $0.move(.first) },
    entry(.last, .look, "last", "Goes to the last patch, key, row or tensor.", ["G", .end]) { $0.move(.last) },
    entry(
      .pageUp, .look, "page up",
      "A quarter of the map, a segment of the mask, a page of a list; in Anchors the group before.", [.pageUp]
    ) { $0.move(.pageUp) },
    entry(
      .pageDown, .look, "page down",
      "A quarter of the map, a segment of the mask, a page of a list; in Anchors the next group.", [.pageDown]
    ) { $0.move(.pageDown) },
    request(
      .open, .look, "open",
      "In Mask: blocks or cells. In Verdict: controls and rules. In Checkpoint: reads the tensor. Elsewhere: zooms.",
      [.enter], effects: { $0.openHere() }),
    entry(.find, .look, "find", "Finds a token, patch, anchor or code; in Checkpoint a tensor.", ["/"]) {
      $0.mode = .find(Mode.Search())
    },
    request(
      .nextPicture, .look, "next picture", "Opens the next picture of the folder and runs the model on it.", ["n"],
      unless: \.folderObstacle, effects: { $0.openPicture(by: 1) }),
    request(
      .previousPicture, .look, "previous picture", "Opens the picture before it in the folder.", ["N"],
      unless: \.folderObstacle, effects: { $0.openPicture(by: -1) }),
    request(
      .choosePicture, .look, "pictures", "The pictures of the folder and the recent ones, small; Enter opens one.",
      ["O"], unless: \.folderObstacle, effects: { $0.choosePicture() }),
    entry(
      .overlay, .look, "overlay",
      "Over the picture: nothing, the patches' borders, the attention, what the codes decode to, or what drives the anchor.",
      ["o"],
      unless: \.overlayObstacle
    ) { state in state.change { [overlay = state.nextOverlay] in $0.overlay = overlay } },
  ]

  private static let attention: [CommandEntry] = [
    entry(
      .previousLayer, .attention, "previous layer", "One layer down; before the first: all layers.", ["["],
      unless: \.decoderObstacle
    ) { $0.stepLayer(by: -1) },
    entry(.nextLayer, .attention, "next layer", "One layer up.", ["]"], unless: \.decoderObstacle) {
      $0.stepLayer(by: 1)
    },
    entry(
      .previousHead, .attention, "previous head", "One head down; before the first: all heads, aggregated.", ["{"],
      unless: \.decoderObstacle
    ) { $0.stepHead(by: -1) },
    entry(.nextHead, .attention, "next head", "One head up.", ["}"], unless: \.decoderObstacle) { $0.stepHead(by: 1) },
    entry(
      .strongestHead, .attention, "strongest head", "Goes to the layer and head in which an anchor gets most.", ["*"],
      unless: \.strongestObstacle
    ) { state in
      state.change { [best = state.inspected?.strongest] in ($0.layer, $0.head) = (best?.layer, best?.head) }
      state.notice = state.strongestNotice
    },
    entry(
      .aggregation, .attention, "aggregation",
      "All heads together: their mean, or the largest of any; the formula is printed.", ["a"],
      unless: \.decoderObstacle
    ) { $0.change { $0.takesMaximum.toggle() } },
    entry(
      .metric, .attention, "metric", "Share, lift, norm-weighted, rollout; the formula is printed.", ["m"],
      unless: \.decoderObstacle
    ) { state in state.change { [metric = state.nextMetric] in $0.metric = metric } },
    entry(
      .scale, .attention, "scale", "Colours over a linear, a logarithmic or a rank scale.", ["s"],
      unless: \.decoderObstacle
    ) { $0.change { $0.scale = $0.scale.next } },
    entry(
      .sinks, .attention, "hide sinks", "Leaves attention sinks out and renormalizes; the rule is printed.", ["i"],
      unless: \.decoderObstacle
    ) { $0.change { $0.hidesSinks.toggle() } },
    entry(
      .visualOnly, .attention, "visual keys alone", "Keeps anchors and patches only, renormalized over them.",
      unless: \.decoderObstacle
    ) { $0.change { $0.visualOnly.toggle() } },
    request(
      .display, .attention, "view",
      "The next view: in Attention map, heads, layers, matrix, lens; in Anchors groups, one group, book; in Verdict claims, heat map, answer back, causal trace, probes, accuracy.",
      ["V"], unless: \.displayObstacle, effects: { $0.turnDisplay() }),
    entry(
      .inspected, .attention, "inspected token",
      "Whose attention is shown: of <voco>, of any token of the prompt or of the answer.", ["Q"],
      unless: \.inspectedObstacle
    ) { state in
      state.mode = .inspect(state.inspectedChoices.firstIndex { $0.row == state.view.inspected } ?? 0)
    },
    entry(
      .holdRange, .attention, "hold value range",
      "Keeps the printed range of values while layer, head or picture change; again: free.", ["H"],
      unless: \.decoderObstacle
    ) { state in state.change { [range = state.map?.range] in $0.heldRange = $0.heldRange == nil ? range : nil } },
    entry(
      .figure, .attention, "the paper's heat map",
      "In Verdict: <voco> over the anchors and the first patches, or the verdict again.", ["f"],
      unless: \.figureObstacle
    ) {
      $0.change { $0.verdictDisplay = $0.showsFigure ? .claims : .figure }
      $0.focus(.verdict)
    },
  ]

  private static let cut: [CommandEntry] = [
    entry(
      .pin, .cut, "pin", "Adds the key under the cursor to the selection, or takes it out.", [" "],
      unless: \.selectionObstacle
    ) { state in state.change { [key = state.cursor.key] in $0.selection.formSymmetricDifference([key]) } },
    entry(
      .range, .cut, "range", "Starts a selection at the cursor; moving extends it, v again keeps it, Esc drops it.",
      ["v"], unless: \.selectionObstacle
    ) { $0.toggleRange() },
    entry(
      .selectAnchors, .cut, "select the anchors", "Selects all anchors, for a cut.", ["&"],
      unless: \.anchorsObstacle
    ) { state in
      state.change { [anchors = state.links.anchors] in $0.selection = Set((0..<anchors).map(KeyReference.anchor)) }
    },
    request(
      .knockOut, .cut, "cut",
      "Cuts <voco> off the selected keys (or the one at the cursor) in every layer and head.", ["x"],
      unless: { $0.knockOutObstacle(.knockOut) }, effects: { $0.knockOut(layer: nil, head: nil) }),
    request(
      .knockOutLayer, .cut, "cut in this layer", "Cuts <voco> off the selection in the shown layer alone.", ["Z"],
      unless: { $0.knockOutObstacle(.knockOutLayer) }, effects: { $0.knockOut(layer: $0.view.layer, head: nil) }),
    request(
      .knockOutHead, .cut, "cut in this head",
      "Cuts <voco> off the selection, without one off the anchors, in the shown layer and head alone.", ["z"],
      unless: { $0.knockOutObstacle(.knockOutHead) },
      effects: { $0.knockOut(layer: $0.view.layer, head: $0.view.head) }),
    entry(
      .swapAnchors, .cut, "swap the anchors",
      "Runs with another picture's anchors in the place of this one's: whether the answer follows them.", ["S"],
      unless: \.swapObstacle
    ) { $0.mode = .donorPath(TextField()) },
    entry(
      .clear, .cut, "clear", "Clears the selection; again: puts the cut aside.", ["X"], unless: \.clearObstacle
    ) { $0.clear() },
    request(
      .matchedRandom, .cut, "matched random",
      "Cuts as many random patches, 200 times, to compare with the last cut.", ["r"],
      unless: \.matchedRandomObstacle, effects: { $0.drawMatchedRandom() }),
  ]

  private static let codes: [CommandEntry] = [
    entry(
      .previousGroup, .codes, "previous group", "The code grid of the group before.", [","], unless: \.groupObstacle
    ) { $0.stepGroup(by: -1) },
    entry(.nextGroup, .codes, "next group", "The code grid of the next group.", ["."], unless: \.groupObstacle) {
      $0.stepGroup(by: 1)
    },
    entry(
      .codePage, .codes, "code page",
      "In Anchors: the code at the cursor, what codes decode to, or what drives the anchor.", ["d"],
      unless: \.groupObstacle
    ) { $0.turnCodePage() },
    entry(
      .decodeKind, .codes, "decode other codes",
      "A code swapped, the first groups, without a group, a region shuffled; PSNR and SSIM.", ["D"],
      unless: \.labObstacle
    ) { $0.turnDecodeKind() },
    entry(
      .nextCandidate, .codes, "next candidate code",
      "What would stand at the cursor: the next farther code; / and a number picks any.", [")"],
      unless: \.candidateObstacle
    ) { $0.moveCandidate(by: 1) },
    entry(
      .previousCandidate, .codes, "previous candidate code", "The next nearer code.", ["("],
      unless: \.candidateObstacle
    ) { $0.moveCandidate(by: -1) },
    entry(
      .editCode, .codes, "edit the code", "Puts the candidate at the cursor and runs from there; undo takes it back.",
      ["E"], unless: \.editObstacle
    ) { $0.editCode() },
    request(
      .saveTrace, .codes, "save the trace",
      "Writes the run on screen to a trace file; its provenance tells the edits.", ["W"], unless: \.labObstacle,
      effects: { $0.saveTrace() }),
  ]

  private static let ask: [CommandEntry] = [
    entry(
      .prompt, .ask, "prompt", "Edits the question; the picture's keys and values are used again.", ["p"],
      unless: \.weightsObstacle
    ) { $0.mode = .prompt(TextField($0.prompt)) },
    request(
      .askAll, .ask, "ask from all sources",
      "Asks the question from all visual tokens, from <voco> and from no picture.", ["A"],
      unless: \.compressionObstacle, effects: { $0.compare($0.prompt) }),
    request(
      .askFamilies, .ask, "ask the families",
      "Asks one question a family from all sources: what <voco> kept and what it lost.", ["F"],
      unless: \.compressionObstacle, effects: { $0.askFamilies() }),
    entry(
      .addPicture, .ask, "add a picture", "Takes one more picture into the conversation: one more <voco>.", ["P"],
      unless: \.compressionObstacle
    ) { $0.mode = .picturePath(TextField()) },
    entry(
      .compare, .ask, "compare",
      "Holds the run on screen against another picture, question, checkpoint, trace file, or the last cut.", ["c"],
      unless: \.compareObstacle
    ) { $0.mode = .compare(0) },
    entry(
      .keepTurns, .ask, "keep earlier turns", "Whether the next question sees earlier questions and answers.", ["T"]
    ) { $0.compressionView.keepsTurns.toggle() },
    request(
      .newConversation, .ask, "new conversation", "Forgets turns and added pictures; the first picture stays.", ["R"],
      unless: \.compressionObstacle, effects: { $0.startConversation() }),
  ]

  private static let screen: [CommandEntry] = [
    request(.nextPanel, .screen, "next panel", "Focuses the next panel.", [.tab], effects: { $0.stepPanel(by: 1) }),
    request(
      .previousPanel, .screen, "previous panel", "Focuses the panel before.", [.backTab],
      effects: { $0.stepPanel(by: -1) }),
    panel(.image, .imagePanel, "The picture, its patches and the attention over it."),
    panel(.attention, .attentionPanel, "What <voco> attends to: map, anchors, layers and heads."),
    panel(.anchors, .anchorsPanel, "The anchor vectors, and the codes that they are made from."),
    panel(.mask, .maskPanel, "Who may attend to whom, and why."),
    panel(.verdict, .verdictPanel, "What this picture says about attends, contributes and causes."),
    panel(
      .compression, .compressionPanel,
      "Answers from all visual tokens, from <voco> and from no picture; what each keeps and costs."),
    panel(.checkpoint, .checkpointPanel, "The tensors of the checkpoint, and its configuration."),
    panel(
      .compare, .comparePanel, "The run on screen and a second one: two maps, their difference, what changed most."),
    entry(
      .zoomIn, .screen, "zoom in", "Gives the focused panel the whole screen.", ["+", "="],
      unless: \.zoomObstacle
    ) { $0.change { $0.isZoomed = true } },
    entry(
      .zoomOut, .screen, "zoom out", "Shows all panels again.", ["_", "-"],
      unless: \.unzoomObstacle
    ) { $0.change { $0.isZoomed = false } },
    entry(
      .workspace, .screen, "workspace", "The next set of panels: explore, attention, codebook, compression, all.", ["w"]
    ) { $0.turnWorkspace() },
    entry(.theme, .screen, "theme", "The next colour theme.", ["t"]) { state in
      state.change { [count = state.themes.count] in $0.theme = ($0.theme + 1) % count }
    },
    request(
      .mouse, .screen, "mouse", "Takes the mouse, or leaves it to the terminal.", ["M"], effects: { $0.toggleMouse() }),
    request(.redraw, .screen, "redraw", "Draws the whole screen anew.", [.control("l")], effects: { _ in [.redraw] }),
  ]

  private static func panel(_ panel: Panel, _ command: Command, _ summary: String) -> CommandEntry {
    request(
      command, .screen, "panel \(panel.rawValue) \(panel.title)", summary, [.character(Character("\(panel.rawValue)"))],
      effects: {
        $0.focus(panel)
        return $0.startShown()
      })
  }

  private static let program: [CommandEntry] = [
    entry(.palette, .program, "commands", "Every command by name.", [":"]) { $0.mode = .palette(Mode.Search()) },
    entry(.help, .program, "help", "What works here; type to search.", ["?"]) { $0.mode = .help(Mode.Search()) },
    entry(.export, .program, "export", "Writes this panel as a figure, as data or as text, or the screen.", ["e"]) {
      $0.mode = .export(0)
    },
    request(
      .copy, .program, "copy the number", "Copies the number under the cursor to the terminal's clipboard.", ["y"],
      unless: { $0.reading.copyableValue == nil ? "there is no number under the cursor" : nil },
      effects: { state in
        guard let value = state.reading.copyableValue else { return [] }
        state.notice = "copied \(value)"
        return [.copy(value)]
      }),
    request(
      .undo, .program, "undo", "Takes the last change back: of the view, a selection, a cut, a code or the question.",
      ["u"],
      unless: { $0.history.past.isEmpty ? "no change to take back" : nil },
      effects: { $0.restore { history, view in history.undo(view) } }),
    request(
      .redo, .program, "redo", "Makes the change again.", ["U"],
      unless: { $0.history.future.isEmpty ? "no change to make again" : nil },
      effects: { $0.restore { history, view in history.redo(view) } }),
    request(
      .cancel, .program, "cancel", "Stops what runs; closes what is open; drops a range.", [.escape],
      unless: { $0.work == nil && $0.rangeStart == nil ? "nothing runs" : nil }, effects: { $0.cancel() }),
    request(
      .suspend, .program, "suspend", "Back to the shell; fg returns.", [.control("z")], effects: { _ in [.suspend] }),
    request(
      .quit, .program, "quit", "Leaves, and restores the terminal.", ["q", .control("c")], effects: { _ in [.quit] }),
  ]
}

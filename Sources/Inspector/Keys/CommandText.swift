extension Command {
  /// The title and the sentence of each command.
  var text: (title: String, summary: String) {
    switch self {
    case .up: ("cursor up", "Moves the cursor up; it moves in every panel.")
    case .down: ("cursor down", "Moves the cursor down; it moves in every panel.")
    case .left:
      ("cursor left", "Moves the cursor left; from the anchors and tokens beside the map back to the patches.")
    case .right: ("cursor right", "Moves the cursor right; past the map's last column to the anchors and tokens.")
    case .first: ("first", "Goes to the first patch, key, row or tensor.")
    case .last: ("last", "Goes to the last patch, key, row or tensor.")
    case .pageUp:
      ("page up", "A quarter of the map, a segment of the mask, a page of a list; in Anchors the group before.")
    case .pageDown:
      ("page down", "A quarter of the map, a segment of the mask, a page of a list; in Anchors the next group.")
    case .open: ("open", "In Mask: from blocks to cells and back. In Verdict: unfolds controls and rules. Elsewhere: zooms the panel.")
    case .nextPanel: ("next panel", "Focuses the next panel.")
    case .previousPanel: ("previous panel", "Focuses the panel before.")
    case .imagePanel: ("panel 1 Image", "The picture, its patches and the attention over it.")
    case .attentionPanel: ("panel 2 Attention", "What <voco> attends to: map, anchors, layers and heads.")
    case .anchorsPanel: ("panel 3 Anchors", "The anchor vectors, and the codes that they are made from.")
    case .maskPanel: ("panel 4 Mask", "Who may attend to whom, and why.")
    case .verdictPanel: ("panel 5 Verdict", "What this picture says about attends, contributes and causes.")
    case .compressionPanel:
      (
        "panel 6 Compression",
        "Answers from all visual tokens, from <voco> and from no picture; what each keeps and costs."
      )
    case .askAll: ("ask from all sources", "Asks the question from all visual tokens, from <voco> and from no picture.")
    case .askFamilies:
      ("ask the families", "Asks one question a family from all sources: what <voco> kept and what it lost.")
    case .addPicture: ("add a picture", "Takes one more picture into the conversation: one more <voco>.")
    case .keepTurns: ("keep earlier turns", "Whether the next question sees earlier questions and answers.")
    case .newConversation: ("new conversation", "Forgets turns and added pictures; the first picture stays.")
    case .checkpointPanel: ("panel 7 Checkpoint", "The tensors of the checkpoint, and its configuration.")
    case .zoomIn: ("zoom in", "Gives the focused panel the whole screen.")
    case .zoomOut: ("zoom out", "Shows all panels again.")
    case .previousLayer: ("previous layer", "One layer down; before the first: all layers.")
    case .nextLayer: ("next layer", "One layer up.")
    case .previousHead: ("previous head", "One head down; before the first: all heads, aggregated.")
    case .nextHead: ("next head", "One head up.")
    case .previousGroup: ("previous group", "The code grid of the group before.")
    case .nextGroup: ("next group", "The code grid of the next group.")
    case .aggregation: ("aggregation", "All heads together: their mean, or the largest of any; the formula is printed.")
    case .metric: ("metric", "Share, lift, norm-weighted, rollout; the formula is printed.")
    case .scale: ("scale", "Colours over a linear, a logarithmic or a rank scale.")
    case .sinks: ("hide sinks", "Leaves attention sinks out and renormalises; the rule is printed.")
    case .visualOnly: ("visual keys alone", "Keeps anchors and patches only, renormalised over them.")
    case .overlay:
      ("overlay", "Over the picture: nothing, the attention, what the codes decode to, or what drives the anchor.")
    case .pin: ("pin", "Adds the key under the cursor to the selection, or takes it out.")
    case .range: ("range", "Starts a selection at the cursor; moving extends it, v again keeps it, Esc drops it.")
    case .holdRange:
      ("hold value range", "Keeps the printed range of values while layer, head or picture change; again: free.")
    case .selectAnchors: ("select the anchors", "Selects all anchors, for a knock-out.")
    case .knockOut:
      ("knock out", "Cuts <voco> off the selected keys (or the one at the cursor) in every layer and head.")
    case .knockOutLayer: ("knock out in this layer", "Cuts <voco> off the selection in the shown layer alone.")
    case .knockOutHead: ("knock out in this head", "Cuts <voco> off the selection in the shown layer and head alone.")
    case .clear: ("clear", "Clears the selection; again: puts the knock-out aside.")
    case .matchedRandom:
      ("matched random", "Knocks out as many random patches, 200 times, to compare with the last knock-out.")
    case .figure:
      ("the paper's heat map", "In Verdict: <voco> over the anchors and the first patches, or the verdict again.")
    case .prompt: ("prompt", "Edits the question; the picture's keys and values are used again.")
    case .find: ("find", "Finds a token, patch, anchor or code; in Checkpoint a tensor.")
    case .palette: ("commands", "Every command by name.")
    case .help: ("help", "What works here; type to search.")
    case .export: ("export", "Writes this panel as text, CSV or JSON, or the screen as text.")
    case .copy: ("copy the number", "Copies the number under the cursor to the terminal's clipboard.")
    case .codePage:
      ("code page", "In Anchors: the code at the cursor, what codes decode to, or what drives the anchor.")
    case .decodeKind:
      ("decode other codes", "A code swapped, the first groups, without a group, a region shuffled; PSNR and SSIM.")
    case .nextCandidate:
      ("next candidate code", "What would stand at the cursor: the next farther code; / and a number picks any.")
    case .previousCandidate: ("previous candidate code", "The next nearer code.")
    case .editCode: ("edit the code", "Puts the candidate at the cursor and runs from there; undo takes it back.")
    case .saveTrace: ("save the trace", "Writes the run on screen to a trace file; its provenance tells the edits.")
    case .theme: ("theme", "The next colour theme.")
    case .mouse: ("mouse", "Takes the mouse, or leaves it to the terminal.")
    case .undo: ("undo", "Takes the last change of the view back.")
    case .redo: ("redo", "Makes the change again.")
    case .redraw: ("redraw", "Draws the whole screen anew.")
    case .suspend: ("suspend", "Back to the shell; fg returns.")
    case .cancel: ("cancel", "Stops what runs; closes what is open; drops a range.")
    case .quit: ("quit", "Leaves, and restores the terminal.")
    }
  }
}

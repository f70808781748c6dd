package import Evidence
import Statistics
import Tensor
import TerminalUI
import Trace

extension InspectorState {
  mutating func turnCodePage() {
    if focus != .anchors { focus(.anchors) } else { codeLab.page = codeLab.page.next }
    refreshPicture()
  }

  mutating func turnDecodeKind() {
    focus(.anchors)
    if codeLab.page == .decoded { codeLab.kind = codeLab.kind.next } else { codeLab.page = .decoded }
  }

  /// Why the debugger does nothing here and now; `nil` when it works.
  var labObstacle: String? { weightsObstacle ?? decoderObstacle }

  var candidateObstacle: String? {
    if let obstacle = labObstacle { return obstacle }
    if codebook == nil { return "the codebook is not read yet" }
    return focus == .anchors ? nil : "go to the code in panel 3 first"
  }

  var editObstacle: String? { candidateObstacle ?? (work == nil ? nil : "the model is busy") }

  var groupObstacle: String? { trace?.mgvq == nil ? codesObstacle : nil }

  mutating func moveCandidate(by steps: Int) {
    codeLab.chosen = nil
    codeLab.candidate = min(max(1, codeLab.candidate + steps), max(1, codesPerGroup - 1))
    if codeLab.page == .provenance { codeLab.page = .code }
  }

  /// Puts the candidate in the cursor's place; the run follows from the view.
  mutating func editCode() {
    guard let candidate = candidateCode, let codes = trace?.mgvq?.codes else { return }
    let edit = CodeEdit(
      group: view.group, row: cursor.code.row, column: cursor.code.column, code: candidate)
    let old = codes[edit.group, edit.row, edit.column]
    change { $0.edits.append(edit) }
    codeLab.chosen = nil
    codeLab.candidate = 1
    notice = "code \(old) → \(candidate) at (\(edit.row),\(edit.column)) of group \(edit.group + 1)"
  }

  mutating func saveTrace() -> [Effect] {
    let stem = imageName.split(separator: ".").first.map(String.init) ?? "picture"
    notice = "writing the trace"
    return [.codeLab(.save(view.edits, name: "\(stem)\(view.edits.isEmpty ? "" : "-edited").safetensors"))]
  }

  /// A trace of a run on the picture's own codes: edits are over.
  mutating func startLab(_ trace: Trace) {
    codeLab.original = trace
    codeLab.shownEdits = []
    view.edits = []
    if codeLab.runs.all.contains(where: { $0.provenance.prompt != trace.provenance.prompt }) {
      codeLab.runs = CodeLab().runs
    }
  }

  mutating func take(_ event: CodeLabEvent) {
    codeLab.pending = nil
    switch event {
    case .decoded(let result):
      codeLab.decoded.add(result, for: result.request)
    case .provenance(let provenance, let edits):
      codeLab.provenance.add(provenance, for: edits)
      refreshPicture()
    case .edited(let trace, let edits):
      work = nil
      codeLab.runs.add(trace, for: edits)
    }
  }

  /// What was asked for and did not come back is not asked for again.
  mutating func refuseLabRequest() {
    guard let pending = codeLab.pending else { return }
    codeLab.refused.insert(pending)
    codeLab.pending = nil
    if case .run = pending { view.edits = codeLab.shownEdits }
  }

  /// What the state on screen still lacks: the run on its edits, then what the page shows. One request at a time.
  mutating func labEffects() -> [Effect] {
    if view.edits != codeLab.shownEdits { showKnownEdits() }
    guard capabilities.runsModel, codeLab.pending == nil, let request = labRequest, !codeLab.refused.contains(request)
    else { return [] }
    codeLab.pending = request
    if case .run = request { work = .edit }
    return [.codeLab(request)]
  }

  /// Shows the trace of the view's edits if it is there.
  private mutating func showKnownEdits() {
    guard let known = view.edits.isEmpty ? codeLab.original : codeLab.runs[view.edits] else { return }
    codeLab.shownEdits = view.edits
    view.shownKnockOut = nil
    knockOuts = []
    take(known)
  }

  /// The mean margin of each group over the picture, computed once for its latent.
  mutating func measureMargins() {
    guard let codebook, let latent = trace?.mgvq?.latent, codeLab.margins?.latent != latent, !codebook.groups.isEmpty,
      let book = try? Codebook(embedding: Tensor.concatenate(codebook.groups), groups: codebook.groups.count),
      let margins = try? book.margins(latent)
    else { return }
    codeLab.margins = (latent, margins.map { Moments($0.map(\.margin)).mean })
  }

  private var labRequest: CodeLabRequest? {
    guard let codes = trace?.mgvq?.codes, trace?.language != nil, work == nil else { return nil }
    if view.edits != codeLab.shownEdits { return .run(view.edits, prompt: prompt) }
    let wantsMap = view.overlay == .provenance || focus == .anchors && codeLab.page == .provenance
    if wantsMap, codeLab.provenance[view.edits] == nil, links.anchors > 0 { return .provenance(view.edits) }
    guard focus == .anchors, codeLab.page == .decoded, let request = decodeRequest(codes),
      codeLab.decoded[request] == nil
    else { return nil }
    return .decode(request)
  }

  /// What the decoded page shows now.
  func decodeRequest(_ codes: CodeGrid) -> DecodeRequest? {
    let variant: DecodeVariant
    switch codeLab.kind {
    case .firstGroups: variant = .firstGroups(view.group + 1)
    case .withoutGroup: variant = .withoutGroup(view.group)
    case .shuffled: variant = .shuffled(cells: shuffledCells, seed: 0)
    case .swapped:
      guard let candidate = candidateCode else { return nil }
      variant = .swapped(
        CodeEdit(group: view.group, row: cursor.code.row, column: cursor.code.column, code: candidate))
    }
    return DecodeRequest(variant: variant, edits: view.edits)
  }

  /// The latent cells under the selected patches, or five by five around the cursor.
  var shuffledCells: [Int] {
    let latent = links.geometry.latent
    var cells: Set<Int> = []
    for case .patch(let index) in view.selection {
      cells.insert(latent.index(links.geometry.latent(ofPatch: links.geometry.patches.point(index))))
    }
    if cells.count < 2 {
      for row in cursor.code.row - 2...cursor.code.row + 2 {
        for column in cursor.code.column - 2...cursor.code.column + 2 {
          cells.insert(latent.index(latent.clamp(GridPoint(column: column, row: row))))
        }
      }
    }
    return cells.sorted()
  }

  /// The code that would stand in the cursor's place: the chosen one, or one of the nearest to the code there.
  package var candidateCode: Int? {
    guard let neighbours = codeNeighbours, !neighbours.isEmpty else { return nil }
    if let chosen = codeLab.chosen, chosen < codesPerGroup { return chosen }
    return neighbours[min(codeLab.candidate, neighbours.count) - 1].code
  }

  /// The codes of the shown group by their distance from the one at the cursor, itself left out.
  package var codeNeighbours: [CodeNeighbour]? { codeAtCursor?.neighbours }

  /// What the codebook says of the code at the cursor, computed again when the cursor stands on another one.
  mutating func refreshCodeAtCursor() {
    guard let codebook, let mgvq = trace?.mgvq else {
      codeAtCursor = nil
      return
    }
    if let known = codeAtCursor, known.group == view.group, known.cell == cursor.code { return }
    codeAtCursor = CodeAtCursor(
      group: view.group, cell: cursor.code,
      choice: codebook.codebook.nearest(
        to: mgvq.latent, row: cursor.code.row, column: cursor.code.column, group: view.group),
      neighbours: measuredNeighbours)
  }

  private var measuredNeighbours: [CodeNeighbour]? {
    guard let codebook = codebook?.codebook, let codes = trace?.mgvq?.codes,
      codebook.normalized.indices.contains(view.group)
    else { return nil }
    let own = codes[view.group, cursor.code.row, cursor.code.column]
    guard own < codebook.codesPerGroup else { return nil }
    return codebook.nearest(to: own, group: view.group, count: codebook.codesPerGroup)
  }
}

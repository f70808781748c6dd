import FoundationInternationalization
import Statistics
package import TerminalUI
import Trace

/// One row of the help, the palette, the finder or the export menu.
package struct Choice: Sendable, Equatable {
  package let title: String
  /// The key, or what kind of thing was found.
  package let detail: String
  /// One sentence; empty where the title says it all.
  package let summary: String
  /// Why choosing it does nothing; `nil` when it works.
  package let obstacle: String?
  package let target: Target
  /// The heading that it stands under; empty for none.
  package var heading = ""

  package enum Target: Sendable, Equatable {
    case command(Command)
    case key(KeyReference)
    case code(group: Int, cell: GridPoint)
    case candidate(Int)
    case tensor(Int)
    case export(ExportFormat)
    /// A picture by its path.
    case picture(String)
    case compare(CompareChoice)
    case inspect(InspectedRow)
  }
}

/// What an export writes.
package enum ExportFormat: String, Sendable, CaseIterable {
  case png, svg, pdf, csv, json, npz, safetensors, text, frame, ansi

  var title: String {
    switch self {
    case .png: "this panel as a figure, pixels"
    case .svg: "this panel as a figure, SVG"
    case .pdf: "this panel as a figure, PDF"
    case .csv: "this panel as CSV"
    case .json: "this panel as JSON"
    case .npz: "this panel as arrays for NumPy"
    case .safetensors: "this panel as arrays, safetensors"
    case .text: "this panel as text"
    case .frame: "the screen as text"
    case .ansi: "the screen in colour"
    }
  }

  package var fileExtension: String {
    switch self {
    case .text, .frame: "txt"
    case .ansi: "ans"
    default: rawValue
    }
  }
}

extension InspectorState {
  /// The rows that the open menu offers, best first; empty while none is open.
  package var choices: [Choice] {
    switch mode {
    case .normal, .prompt, .picturePath, .donorPath, .comparePath: []
    case .inspect:
      inspectedChoices.map {
        Choice(title: $0.name, detail: $0.detail, summary: "", obstacle: nil, target: .inspect($0.row))
      }
    case .compare:
      CompareChoice.allCases.map {
        Choice(title: $0.title, detail: "", summary: $0.summary, obstacle: obstacle(to: $0), target: .compare($0))
      }
    case .help(let search): helpChoices(search.query.text)
    case .palette(let search): ranked(Command.allCases.map(choice), by: search.query.text)
    case .find(let search): found(search.query.text)
    case .pictures(let search): ranked(pictureChoices, by: search.query.text)
    case .export:
      ExportFormat.allCases.map {
        Choice(title: $0.title, detail: ".\($0.fileExtension)", summary: "", obstacle: nil, target: .export($0))
      }
    }
  }

  /// What works here under the task that it is for; a search also finds what does not, with the reason.
  private func helpChoices(_ query: String) -> [Choice] {
    guard query.isEmpty else { return ranked(Command.allCases.map(choice), by: query) }
    return CommandTable.all.compactMap { entry in
      var choice = choice(entry.command)
      guard choice.obstacle == nil, !choice.detail.isEmpty else { return nil }
      choice.heading = entry.task.rawValue
      return choice
    }
  }

  private func choice(_ command: Command) -> Choice {
    let keys = keyMap.keys(of: command).map { $0.label(unicode: glyphs.isUnicode) }
    return Choice(
      title: command.title, detail: keys.joined(separator: " "), summary: command.summary,
      obstacle: obstacle(to: command), target: .command(command))
  }

  private func ranked(_ choices: [Choice], by query: String) -> [Choice] {
    guard !query.isEmpty else { return choices }
    let scored = choices.enumerated().compactMap { index, choice -> (score: Int, index: Int, choice: Choice)? in
      let title = choice.detail == query ? Int.max : FuzzyMatch(query, in: choice.title)?.score
      let inSummary = choice.summary.lowercased().contains(query.lowercased()) ? Int.min : nil
      guard let score = title ?? inSummary else { return nil }
      return (score, index, choice)
    }
    return scored.sorted { ($1.score, $0.index) < ($0.score, $1.index) }.map(\.choice)
  }

  /// Tokens, anchors, patches and codes; in the Checkpoint panel tensors.
  private func found(_ query: String) -> [Choice] {
    switch focus {
    case .checkpoint: foundTensors(query)
    case .anchors: foundCodes(query) + foundKeys(query)
    default: foundKeys(query) + foundCodes(query)
    }
  }

  private func foundTensors(_ query: String) -> [Choice] {
    (checkpoint?.rows ?? []).enumerated()
      .filter { query.isEmpty || $0.element.name.localizedLowercase.contains(query.lowercased()) }
      .prefix(200)
      .map { index, row in
        Choice(
          title: row.name, detail: "\(Format.shape(row.shape)) \(row.dtype)", summary: "", obstacle: nil,
          target: .tensor(index))
      }
  }

  private func foundKeys(_ query: String) -> [Choice] {
    guard let index = links.sequence else { return [] }
    if let cell = coordinates(query) {
      let grid = links.geometry.patches
      let point = grid.clamp(cell)
      return [keyChoice(.patch(grid.index(point)), name: "patch (\(point.row),\(point.column))")]
    }
    var result = (0..<index.anchors.count).map { keyChoice(.anchor($0), name: "A\($0 + 1)") }
    result += index.others.map { keyChoice(.position($0), name: keyName($0)) }
    if let position = Int(query.drop { $0 == "#" }), (0..<index.length).contains(position) {
      result.insert(keyChoice(links.reference(at: position), name: keyName(position)), at: 0)
    }
    let lower = query.lowercased()
    return result.enumerated()
      .filter {
        query.isEmpty || $0.offset == 0 && Int(query.drop { $0 == "#" }) != nil
          || $0.element.title.lowercased().contains(lower)
      }
      .map(\.element)
  }

  private func keyChoice(_ key: KeyReference, name: String) -> Choice {
    let position = links.position(of: key)
    let kind = position.flatMap { links.sequence?.kinds[$0].rawValue } ?? ""
    return Choice(
      title: name, detail: position.map { "key \($0) \(kind)" } ?? kind, summary: "", obstacle: nil, target: .key(key))
  }

  /// `12,7` as row and column.
  private func coordinates(_ query: String) -> GridPoint? {
    let numbers = query.filter { !"() ".contains($0) }.split(separator: ",", omittingEmptySubsequences: false).map {
      Int($0)
    }
    guard numbers.count == 2, let row = numbers[0], let column = numbers[1] else { return nil }
    return GridPoint(column: column, row: row)
  }

  private func foundCodes(_ query: String) -> [Choice] {
    guard let codes = trace?.mgvq?.codes, let wanted = Int(query.drop { !$0.isNumber }) else { return [] }
    var result: [Choice] = []
    if focus == .anchors, wanted < codesPerGroup, capabilities.runsModel {
      result.append(
        Choice(
          title: "code \(wanted) as candidate", detail: "for (\(cursor.code.row),\(cursor.code.column))", summary: "",
          obstacle: nil, target: .candidate(wanted)))
    }
    for group in 0..<codes.groups {
      for row in 0..<codes.height {
        for column in 0..<codes.width where codes[group, row, column] == wanted {
          result.append(
            Choice(
              title: "code \(wanted)", detail: "group \(group + 1) at (\(row),\(column))", summary: "", obstacle: nil,
              target: .code(group: group, cell: GridPoint(column: column, row: row))))
          if result.count == 100 { return result }
        }
      }
    }
    return result
  }
}

/// What the run on screen can be held against.
package enum CompareChoice: String, Sendable, CaseIterable {
  case picture, prompt, file, cut, nothing

  var title: String {
    switch self {
    case .picture: "another picture"
    case .prompt: "another question"
    case .file: "another checkpoint, or a trace file"
    case .cut: "the last cut or swap"
    case .nothing: "nothing"
    }
  }

  /// The line under the field.
  var hint: String {
    switch self {
    case .picture: "The path of a PNG or JPEG file; an empty line takes the next picture of the folder. Esc leaves."
    case .prompt: "Enter asks it of the same picture. Esc leaves."
    case .file, .cut, .nothing: "A checkpoint's directory, or a file that 'vocoscope trace' or W wrote. Esc leaves."
    }
  }

  var summary: String {
    switch self {
    case .picture: "The same question about another picture."
    case .prompt: "Another question about this picture."
    case .file: "A checkpoint's directory runs on this picture and question; a trace file is opened."
    case .cut: "The run with edges cut, or anchors swapped, against the run before."
    case .nothing: "Puts the comparison away."
    }
  }
}

extension InspectorState {
  var compareObstacle: String? { decoderObstacle }

  /// Why a row of the chooser does nothing; `nil` when it works.
  func obstacle(to choice: CompareChoice) -> String? {
    switch choice {
    case .picture, .prompt: busyObstacle
    case .file: decoderObstacle ?? (work == nil ? nil : "the model is busy")
    case .cut: knockOuts.isEmpty ? "nothing was cut or swapped yet" : nil
    case .nothing: compared == nil ? "nothing is compared" : nil
    }
  }

  mutating func accept(_ choice: CompareChoice) -> [Effect] {
    if let obstacle = obstacle(to: choice) {
      notice = "\(choice.title): \(obstacle)"
      return []
    }
    switch choice {
    case .picture, .file: mode = .comparePath(choice, TextField())
    case .prompt: mode = .comparePath(choice, TextField(prompt))
    case .cut: if let cut = shownKnockOut ?? knockOuts.last { take(ComparedRun(cut)) }
    case .nothing: (compared, comparison, comparisonKey) = (nil, nil, nil)
    }
    return []
  }

  mutating func compare(_ choice: CompareChoice, _ text: String) -> [Effect] {
    mode = .normal
    let text = text.trimmingSpaces
    let request: CompareRequest
    switch choice {
    case .picture: request = .picture(path: text)
    case .prompt where !text.isEmpty: request = .prompt(text)
    case .file where !text.isEmpty: request = .file(path: text)
    default:
      notice = "nothing was given to compare with"
      return []
    }
    return compare(request)
  }

  package mutating func compare(_ request: CompareRequest) -> [Effect] {
    work = .comparison
    notice = "making the second run"
    return [.compare(request)]
  }
}

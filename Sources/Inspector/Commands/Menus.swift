import TerminalUI
import Trace

extension InspectorState {
  /// A key while a menu or a text field is open.
  mutating func handleInMode(_ key: Key) -> [Effect] {
    switch key {
    case .escape:
      mode = .normal
    case .control("c"): return [.quit]
    case .enter: return accept()
    case .left where isChoosingTiles: moveChoice(by: -1)
    case .right where isChoosingTiles: moveChoice(by: 1)
    case .up, .backTab: moveChoice(by: -choicesPerRow)
    case .down, .tab: moveChoice(by: choicesPerRow)
    case .pageUp: moveChoice(by: -8)
    case .pageDown: moveChoice(by: 8)
    default: editLine { _ = $0.handle(key) }
    }
    return []
  }

  /// Changes the text of the open field; the mark goes back to the first row.
  mutating func editLine(_ edit: (inout TextField) -> Void) {
    switch mode {
    case .normal, .export, .compare, .inspect: break
    case .comparePath(let choice, var line):
      edit(&line)
      mode = .comparePath(choice, line)
    case .prompt(var line):
      edit(&line)
      mode = .prompt(line)
    case .picturePath(var line):
      edit(&line)
      mode = .picturePath(line)
    case .donorPath(var line):
      edit(&line)
      mode = .donorPath(line)
    case .help(var search):
      edit(&search.query)
      search.selected = 0
      mode = .help(search)
    case .palette(var search):
      edit(&search.query)
      search.selected = 0
      mode = .palette(search)
    case .find(var search):
      edit(&search.query)
      search.selected = 0
      mode = .find(search)
    case .pictures(var search):
      edit(&search.query)
      search.selected = 0
      mode = .pictures(search)
    }
  }

  /// The marked row of the open menu.
  package var selectedChoice: Int {
    switch mode {
    case .normal, .prompt, .picturePath, .donorPath, .comparePath: 0
    case .help(let search), .palette(let search), .find(let search), .pictures(let search): search.selected
    case .export(let selected), .compare(let selected), .inspect(let selected): selected
    }
  }

  mutating func moveChoice(by steps: Int) { selectChoice(selectedChoice + steps) }

  mutating func selectChoice(_ row: Int) {
    let row = min(max(0, row), max(0, choices.count - 1))
    switch mode {
    case .normal, .prompt, .picturePath, .donorPath, .comparePath: break
    case .help(var search):
      search.selected = row
      mode = .help(search)
    case .palette(var search):
      search.selected = row
      mode = .palette(search)
    case .find(var search):
      search.selected = row
      mode = .find(search)
    case .pictures(var search):
      search.selected = row
      mode = .pictures(search)
    case .export: mode = .export(row)
    case .compare: mode = .compare(row)
    case .inspect: mode = .inspect(row)
    }
  }

  mutating func accept() -> [Effect] {
    if case .prompt(let line) = mode { return focus == .compression ? compare(line.text) : askTyped(line.text) }
    if case .picturePath(let line) = mode { return addPicture(line.text) }
    if case .donorPath(let line) = mode { return swapAnchors(line.text) }
    if case .comparePath(let choice, let line) = mode { return compare(choice, line.text) }
    let offered = choices
    let row = selectedChoice
    guard offered.indices.contains(row) else {
      mode = .normal
      return []
    }
    let target = offered[row].target
    mode = .normal
    switch target {
    case .command(let command): return perform(command)
    case .key(let key):
      cursor.move(to: key, links)
      if focus == .image || focus == .verdict { focus = .attention }
    case .code(let group, let cell):
      focus = .anchors
      change { $0.group = group }
      cursor.moveToCode(cell, links)
    case .candidate(let code): codeLab.chosen = code
    case .tensor(let row): tensorRow = row
    case .export(let format): return [.export(exportFile(format))]
    case .picture(let path): return openPicture(at: path)
    case .compare(let choice): return accept(choice)
    case .inspect(let row): return inspect(row)
    }
    return []
  }

  private mutating func askTyped(_ text: String) -> [Effect] {
    mode = .normal
    let question = text.trimmingSpaces
    guard !question.isEmpty else {
      notice = "the prompt is empty"
      return []
    }
    return ask(question)
  }
}

extension String {
  var trimmingSpaces: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

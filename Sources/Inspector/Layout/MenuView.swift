import Reports
import TerminalUI

extension Canvas {
  /// The open menu or text field, over the middle of the screen.
  mutating func drawMenu(_ state: InspectorState, in rect: Rect) {
    switch state.mode {
    case .normal: break
    case .prompt(let field):
      drawField(
        field, " Ask about the picture ", "Enter asks; the picture's keys and values are used again. Esc leaves.",
        in: rect)
    case .picturePath(let field):
      drawField(
        field, " Add a picture to the conversation ", "The path of a PNG or JPEG file. Enter adds it; Esc leaves.",
        in: rect)
    case .donorPath(let field):
      drawField(
        field, " Swap the anchors with another picture ",
        "The path of a PNG or JPEG file; an empty line takes the next picture of the folder. Enter swaps; Esc leaves.",
        in: rect)
    case .inspect: drawChoices(state, " Whose attention? ", nil, in: rect)
    case .compare: drawChoices(state, " Compare the run on screen with ", nil, in: rect)
    case .comparePath(let choice, let field):
      drawField(field, " Compare with \(choice.title) ", choice.hint, in: rect)
    case .help(let search): drawChoices(state, " What works here; type to search ", search.query, in: rect)
    case .palette(let search): drawChoices(state, " Commands ", search.query, in: rect)
    case .find(let search):
      let title = state.focus == .checkpoint ? " Find a tensor " : " Find a token, anchor, patch (row,col) or code "
      drawChoices(state, title, search.query, in: rect)
    case .pictures(let search): drawPictures(state, search.query, in: rect)
    case .export: drawChoices(state, " Export \(state.focus.title) ", nil, in: rect)
    }
  }

  /// A line to type in, and under it what Enter does.
  private mutating func drawField(_ field: TextField, _ title: String, _ hint: String, in rect: Rect) {
    let width = min(100, rect.width - 6)
    let rows = min(3, max(1, wrapped(hint, to: max(1, width)).count))
    let inside = dialog(title, Size(width: width, height: 1 + rows), in: rect)
    field.draw(in: inside, of: &frame, look)
    paragraph(hint, in: inside.dropping(top: 1), style: look.theme.dialog)
  }

  mutating func dialog(_ title: String, _ content: Size, in rect: Rect) -> Rect {
    let dialog = Dialog(title: title, content: content)
    draw(dialog, in: rect)
    hits.add(rect, .dialog)
    return dialog.room(in: rect)
  }

  /// A text field, the rows that answer it under their headings, and what the marked row does.
  private mutating func drawChoices(_ state: InspectorState, _ title: String, _ query: TextField?, in rect: Rect) {
    let choices = state.choices
    let (lines, places) = choiceLines(choices, width: min(112, rect.width - 6) - 1)
    let fieldRows = query == nil ? 0 : 1
    let wanted = fieldRows + max(1, lines.count) + 2
    let size = Size(width: min(112, rect.width - 6), height: min(wanted, max(3, rect.height - 4)))
    var room = dialog(title, size, in: rect)
    if let query {
      query.draw(in: room.top(1), of: &frame, look)
      room = room.dropping(top: 1)
    }
    if room.height >= 4, choices.indices.contains(state.selectedChoice) {
      let choice = choices[state.selectedChoice]
      let words = choice.obstacle.map { "Not now: \($0)." } ?? choice.summary
      let rows = room.height >= 8 ? min(2, wrapped(words, to: max(1, room.width)).count) : 1
      paragraph(words, in: room.bottom(rows), style: look.theme.dialog)
      room = room.dropping(bottom: rows)
    }
    guard !choices.isEmpty else { return line("nothing found", in: room, style: look.theme.dialog) }
    let selected = places.firstIndex(of: state.selectedChoice)
    for hit in ListView(lines, selected: selected).draw(in: room, of: &frame, look) {
      if let choice = places[hit.part] { hits.add(hit.rect, .choice(choice)) }
    }
  }

  /// Key, title and, where there is room, the sentence, in columns; beside each line the choice that it is, `nil` for a
  /// heading.
  private func choiceLines(_ choices: [Choice], width: Int) -> (lines: [[Span]], places: [Int?]) {
    let keys = min(16, choices.map { displayWidth($0.detail) }.max() ?? 0)
    let titles = choices.map { displayWidth($0.title) }.max() ?? 0
    let showsSummaries = width >= keys + titles + 34 && choices.contains { !$0.summary.isEmpty }
    var lines: [[Span]] = []
    var places: [Int?] = []
    var heading = ""
    for (index, choice) in choices.enumerated() {
      if choice.heading != heading {
        heading = choice.heading
        lines.append([Span(heading, look.theme.menuMatch)])
        places.append(nil)
      }
      var style = look.theme.menu
      if choice.obstacle != nil { style.attributes.insert(.dim) }
      let space = max(1, width - displayWidth(choice.title) - displayWidth(choice.detail))
      let text =
        showsSummaries
        ? " \(TextTable.padded(choice.detail, to: keys)) \(TextTable.padded(choice.title, to: titles))  \(choice.summary)"
        : choice.title + String(repeating: " ", count: space) + choice.detail
      lines.append([Span(text, style)])
      places.append(index)
    }
    return (lines, places)
  }
}

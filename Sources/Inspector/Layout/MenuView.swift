import TerminalUI

extension Canvas {
  /// The open menu or text field, over the middle of the screen.
  mutating func drawMenu(_ state: InspectorState, in rect: Rect) {
    switch state.mode {
    case .normal: break
    case .prompt(let field):
      let content = Size(width: min(100, rect.width - 6), height: 2)
      let inside = dialog(" Ask about the picture ", content, in: rect)
      field.draw(in: inside, of: &frame, look)
      line(
        "Enter asks; the picture's keys and values are used again. Esc leaves.", in: inside, row: 1,
        style: look.theme.dialog)
    case .picturePath(let field):
      let content = Size(width: min(100, rect.width - 6), height: 2)
      let inside = dialog(" Add a picture to the conversation ", content, in: rect)
      field.draw(in: inside, of: &frame, look)
      line("The path of a PNG or JPEG file. Enter adds it; Esc leaves.", in: inside, row: 1, style: look.theme.dialog)
    case .help(let search): drawChoices(state, " What works here; type to search ", search.query, in: rect)
    case .palette(let search): drawChoices(state, " Commands ", search.query, in: rect)
    case .find(let search):
      let title = state.focus == .checkpoint ? " Find a tensor " : " Find a token, anchor, patch (row,col) or code "
      drawChoices(state, title, search.query, in: rect)
    case .export: drawChoices(state, " Export \(state.focus.title) ", nil, in: rect)
    }
  }

  private mutating func dialog(_ title: String, _ content: Size, in rect: Rect) -> Rect {
    let dialog = Dialog(title: title, content: content)
    draw(dialog, in: rect)
    hits.add(rect, .dialog)
    return dialog.room(in: rect)
  }

  /// A text field, the rows that answer it, and what the marked row does.
  private mutating func drawChoices(_ state: InspectorState, _ title: String, _ query: TextField?, in rect: Rect) {
    let choices = state.choices
    let width = min(84, rect.width - 6)
    let fieldRows = query == nil ? 0 : 1
    let wanted = fieldRows + max(1, choices.count) + 2
    let inside = dialog(title, Size(width: width, height: min(wanted, max(3, rect.height - 4))), in: rect)
    var room = inside
    if let query {
      query.draw(in: Rect(x: room.x, y: room.y, width: room.width, height: min(1, room.height)), of: &frame, look)
      room = room.dropping(top: 1)
    }
    if room.height >= 4, choices.indices.contains(state.selectedChoice) {
      let choice = choices[state.selectedChoice]
      let words = choice.obstacle.map { "Not now: \($0)." } ?? choice.summary
      line(words, in: room.bottom(1), style: look.theme.dialog)
      room = room.dropping(bottom: 1)
    }
    guard !choices.isEmpty else { return line("nothing found", in: room, style: look.theme.dialog) }
    let lines = choices.map { choice -> [Span] in
      var style = look.theme.menu
      if choice.obstacle != nil { style.attributes.insert(.dim) }
      let detail = choice.detail
      let space = max(1, room.width - 1 - displayWidth(choice.title) - displayWidth(detail))
      return [Span(choice.title + String(repeating: " ", count: space), style), Span(detail, style)]
    }
    hits.add(ListView(lines, selected: state.selectedChoice).draw(in: room, of: &frame, look)) { .choice($0) }
  }
}

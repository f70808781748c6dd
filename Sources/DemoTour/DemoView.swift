import Inspector
import Tensor
package import TerminalUI

/// Draws the demo; a function of its arguments alone.
package func view(_ demo: DemoState, pictures: PictureRenderer? = nil) -> Frame {
  var canvas = Canvas(size: demo.size, look: demo.look)
  canvas.draw(demo, pictures: demo.look.drawsHalfBlocks ? pictures : nil)
  return canvas.screen.frame
}

extension Canvas {
  mutating func draw(_ demo: DemoState, pictures: PictureRenderer?) {
    let screen = Rect(demo.size)
    guard screen.width >= ScreenLayout.smallest.width, screen.height >= ScreenLayout.smallest.height else {
      paragraph("terminal too small: vocoscope needs 20×5", in: screen)
      return
    }
    var room = screen
    drawWay(demo, in: Rect(x: 0, y: 0, width: screen.width, height: 1))
    room = room.dropping(top: 1)
    if screen.height >= 8 {
      drawFooter(demo, in: room.bottom(1))
      room = room.dropping(bottom: 1)
    }
    let side = screen.width >= 40 ? 2 : 0
    let inner = Rect(x: side, y: room.y, width: screen.width - 2 * side, height: room.height)
    let visual = drawWords(demo, in: inner)
    guard visual.height >= 2 else { return }
    guard let content = demo.content else {
      if let picture = demo.pictures[demo.index] { drawPicture(picture, in: visual, pictures: pictures) }
      return
    }
    drawStage(demo, content, in: visual, pictures: pictures)
  }

  /// picture → patches → … with the stage that is shown; on narrow screens its number and name alone.
  private mutating func drawWay(_ demo: DemoState, in rect: Rect) {
    let stages = DemoStage.allCases
    let arrow = look.glyphs.isUnicode ? " → " : " > "
    let width = stages.reduce(0) { $0 + displayWidth($1.title) } + (stages.count - 1) * 3
    let name = demo.names[demo.index]
    frame.restyle(rect) { $0 = look.theme.statusLine }
    guard rect.width >= width + 4 else {
      let words = " \(demo.stage.rawValue + 1)/\(stages.count) \(demo.stage.title) · \(name)"
      return line(words, in: rect, style: look.theme.statusLine)
    }
    var x = 1
    for stage in stages {
      let style = stage == demo.stage ? look.theme.cursor : look.theme.statusLine
      x += frame.write(stage.title, at: Point(x: x, y: rect.y), style: style, clippedTo: rect)
      guard stage != stages.last else { continue }
      x += frame.write(arrow, at: Point(x: x, y: rect.y), style: look.theme.statusLine, clippedTo: rect)
    }
    let rest = rect.dropping(left: x + 2)
    let words = "\(name) \(demo.index + 1)/\(demo.names.count) "
    if displayWidth(words) <= rest.width { line(words, in: rest, style: look.theme.statusLine, alignment: .trailing) }
  }

  private mutating func drawFooter(_ demo: DemoState, in rect: Rect) {
    let keys = "space next · p \(demo.isPaused ? "go on" : "pause") · q quit"
    let words = demo.isPaused ? "paused" : demo.content == nil ? "the model is running" : ""
    let bar = rect.dropping(left: 0)
    line(" " + keys, in: bar, style: look.theme.dim)
    let used = displayWidth(keys) + 3
    let room = rect.dropping(left: used)
    guard room.width >= 12 else { return }
    if !words.isEmpty { return line(words + " ", in: room, style: look.theme.warning, alignment: .trailing) }
    let whole = Double(demo.stage.rawValue) + demo.fraction
    var style = look.theme.barFill
    if look.hasColor { style.background = look.theme.field.background }
    let track = Rect(x: room.x, y: room.y, width: room.width - 1, height: 1)
    frame.drawEighths(whole / Double(DemoStage.allCases.count), in: track, style: style, look)
  }

  /// Headline and caption; returns what they leave for the stage's drawing.
  private mutating func drawWords(_ demo: DemoState, in rect: Rect) -> Rect {
    let headline: String
    let caption: String
    if let content = demo.content {
      (headline, caption) = (content.headline(demo.stage), content.caption(demo.stage))
    } else {
      (headline, caption) = ("A picture", demo.names[demo.index])
    }
    if rect.height < 8 {
      // Hardly any room: words say more than a handful of cells.
      let used = paragraph(headline, in: rect, style: look.theme.title)
      let rest = rect.dropping(top: used)
      if rect.height < 6 || demo.stage == .answer {
        if demo.stage == .answer, let content = demo.content {
          return rest.height > 0 ? tinyAnswer(content, rest) : rest
        }
        paragraph(caption, in: rest, style: look.theme.dim)
        return rest.dropping(top: rest.height)
      }
      return rest
    }
    line(headline, in: rect, row: rect.height >= 14 ? 1 : 0, style: look.theme.title)
    var room = rect.dropping(top: rect.height >= 14 ? 2 : 1)
    let most = max(1, room.height / 4)
    let used = paragraph(
      caption, in: Rect(x: room.x, y: room.y, width: min(room.width, 110), height: most), style: look.theme.dim)
    room = room.dropping(top: used + (rect.height >= 14 ? 1 : 0))
    return room
  }

  private mutating func tinyAnswer(_ content: DemoContent, _ rect: Rect) -> Rect {
    guard let exchange = content.compression.latest, let facts = content.compression.facts else { return rect }
    for (row, answer) in exchange.answers.enumerated() {
      line("\(facts.title(of: answer.source)): \(answer.outcome)", in: rect, row: row)
    }
    return rect.dropping(top: rect.height)
  }

  /// A picture as large as fits, in the middle.
  @discardableResult
  mutating func drawPicture(_ picture: Picture, in rect: Rect, pictures: PictureRenderer?) -> Rect {
    let size = PictureRenderer.size(ofWidth: picture.width, height: picture.height, in: rect.size)
    guard size.width > 0 && size.height > 0 else { return rect }
    let place = Rect(
      x: rect.x + (rect.width - size.width) / 2, y: rect.y + (rect.height - size.height) / 2, width: size.width,
      height: size.height)
    let cells = (pictures ?? .best(for: look)).render(picture.pixels, picture.width, picture.height, size)
    frame.blit(cells, size: size, at: Point(x: place.x, y: place.y), clippedTo: place)
    return place
  }
}

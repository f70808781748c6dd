package import Tensor
import TerminalUI

/// The pictures that can be opened: those of the folder in the order of their names, then the recent ones of others.
package struct PictureShelf: Sendable, Equatable {
  package struct Item: Sendable, Hashable {
    package let path: String
    package let name: String
    /// Whether it lies in the folder of the picture on screen.
    package let isInFolder: Bool

    package init(path: String, name: String, isInFolder: Bool) {
      (self.path, self.name, self.isInFolder) = (path, name, isInFolder)
    }
  }

  package let items: [Item]
  /// Pictures reduced to at most `thumbnailSide` pixels, by path.
  package internal(set) var thumbnails: [String: Picture] = [:]

  package static let thumbnailSide = 48

  package init(items: [Item]) { self.items = items }
}

extension InspectorState {
  /// Opens the chooser; the model goes on with what it does.
  mutating func choosePicture() -> [Effect] {
    mode = .pictures(Mode.Search())
    return [.listPictures]
  }

  /// Takes the pictures; the one on screen is marked while nothing was typed.
  mutating func show(_ shelf: PictureShelf) {
    let known = self.shelf?.thumbnails ?? [:]
    self.shelf = shelf
    let paths = Set(shelf.items.map(\.path))
    self.shelf?.thumbnails = known.filter { paths.contains($0.key) }
    guard case .pictures(let search) = mode, search.query.text.isEmpty else { return }
    selectChoice(shelf.items.firstIndex { $0.isInFolder && $0.name == imageName } ?? 0)
  }

  var pictureChoices: [Choice] {
    (shelf?.items ?? []).map { item in
      Choice(
        title: item.name, detail: item.isInFolder ? "" : "recent", summary: item.isInFolder ? "" : item.path,
        obstacle: nil,
        target: .picture(item.path))
    }
  }

  mutating func openPicture(at path: String) -> [Effect] {
    work = .run
    notice = "opening \(path.split(separator: "/").last ?? "")"
    return [.openPictureAt(path: path)]
  }

  var isChoosingTiles: Bool {
    guard case .pictures = mode else { return false }
    return true
  }

  /// How many choices stand beside each other.
  var choicesPerRow: Int { isChoosingTiles ? Canvas.tilesPerRow(size) : 1 }
}

extension Canvas {
  private static let tile = Size(width: 18, height: 8)

  static func tilesPerRow(_ size: Size) -> Int { max(1, min(6, (size.width - 8) / (tile.width + 1))) }

  /// The chooser: a text field, the pictures with their names, the path of the marked one.
  mutating func drawPictures(_ state: InspectorState, _ query: TextField, in rect: Rect) {
    let (choices, columns) = (state.choices, Self.tilesPerRow(rect.size))
    let rows = (choices.count + columns - 1) / columns
    let wanted = Size(
      width: columns * (Self.tile.width + 1) - 1,
      height: min(max(1, rows) * Self.tile.height + 2, max(3, rect.height - 4)))
    var room = dialog(" Pictures of the folder, and recent ones; type to search ", wanted, in: rect)
    query.draw(in: room.top(1), of: &frame, look)
    room = room.dropping(top: 1)
    guard state.shelf != nil else { return line("looking for pictures", in: room, style: look.theme.dialog) }
    guard !choices.isEmpty else { return line("nothing found", in: room, style: look.theme.dialog) }
    let selected = state.selectedChoice
    if choices.indices.contains(selected), room.height >= 2 {
      line(choices[selected].summary, in: room.bottom(1), style: look.theme.dialog)
      room = room.dropping(bottom: 1)
    }
    let shownRows = max(1, room.height / Self.tile.height)
    let first = max(0, min(selected / columns - shownRows / 2, rows - shownRows))
    for index in first * columns..<min(choices.count, (first + shownRows) * columns) {
      let place = Rect(
        x: room.x + index % columns * (Self.tile.width + 1),
        y: room.y + (index / columns - first) * Self.tile.height, width: Self.tile.width,
        height: min(Self.tile.height, room.height))
      drawTile(choices[index], state, in: place, isMarked: index == selected)
      hits.add(place, .choice(index))
    }
  }

  private mutating func drawTile(_ choice: Choice, _ state: InspectorState, in rect: Rect, isMarked: Bool) {
    let style = isMarked ? look.theme.cursor : look.theme.dialog
    line(choice.detail.isEmpty ? choice.title : "\(choice.title) (recent)", in: rect.bottom(1), style: style)
    let room = rect.dropping(bottom: 1)
    guard case .picture(let path) = choice.target, let picture = state.shelf?.thumbnails[path], room.height >= 2 else {
      return
    }
    // Small pictures are drawn in characters everywhere: a terminal need not be sent a hundred of them in pixels.
    let renderer = PictureRenderer.best(for: look)
    let size = renderer.size(ofWidth: picture.width, height: picture.height, in: room.size)
    let cells = renderer.render(picture.pixels, picture.width, picture.height, size)
    frame.blit(
      cells, size: size, at: Point(x: room.x + (room.width - size.width) / 2, y: room.maxY - size.height),
      clippedTo: room)
  }
}

/// How a terminal shows pictures in real pixels, if it does.
package enum PixelGraphics: String, Sendable, Hashable, CaseIterable {
  /// kitty's graphics protocol.
  case kitty
  case sixel

  /// What a person asked for: `auto` asks the terminal, `symbols` are characters alone.
  package enum Request: String, Sendable, Hashable, CaseIterable {
    case auto
    case kitty
    case sixel
    case symbols
  }
}

/// A picture that a terminal with pixels draws over cells of a frame.
///
/// It shows wherever the frame still holds `Cell.picture`: what is drawn later (a mark, a dialog) covers it as it covers
/// text.
package struct PictureRegion: Sendable, Equatable {
  /// The cells over which the picture is stretched.
  package let rect: Rect
  /// `[height, width, 3]`.
  package let pixels: [UInt8]
  package let width: Int
  package let height: Int

  package init(rect: Rect, pixels: [UInt8], width: Int, height: Int) {
    precondition(pixels.count == width * height * 3 && width > 0 && height > 0, "RGB pixels fill the picture")
    (self.rect, self.pixels, self.width, self.height) = (rect, pixels, width, height)
  }

  /// Whether both show the same pixels, stretched over as many cells.
  package func hasSameContent(as other: PictureRegion) -> Bool {
    rect.size == other.rect.size && width == other.width && height == other.height && pixels == other.pixels
  }
}

extension Frame {
  /// Shows a picture `[height, width, 3]` stretched over `rect`: in pixels where the renderer leaves it to the terminal,
  /// else in characters. This is how panels draw pictures.
  package mutating func drawPicture(
    _ pixels: [UInt8], width: Int, height: Int, in rect: Rect, with renderer: PictureRenderer,
    clippedTo clip: Rect? = nil
  ) {
    guard !rect.isEmpty && width > 0 && height > 0 else { return }
    guard renderer.leavesPixelsToTerminal else {
      let cells = renderer.render(pixels, width, height, rect.size)
      return blit(cells, size: rect.size, at: Point(x: rect.x, y: rect.y), clippedTo: clip ?? rect)
    }
    // The ground stays, for terminals that draw the cells before the pixels.
    let shown = rect.intersection(clip ?? rect).intersection(bounds)
    for y in shown.y..<shown.maxY {
      for x in shown.x..<shown.maxX {
        put(Cell.picture.character, self[x, y].style, x: x, y: y, clip: shown)
      }
    }
    pictures.append(PictureRegion(rect: rect, pixels: pixels, width: width, height: height))
  }

  /// The cells in which a region of this frame shows, as rectangles that do not overlap, row by row.
  package func visibleRects(of index: Int) -> [Rect] {
    let region = pictures[index]
    let covering = pictures[(index + 1)...]
    return rectangles(in: region.rect.intersection(bounds)) { point in
      self[point.x, point.y].character == Cell.picture.character && !covering.contains { $0.rect.contains(point) }
    }
  }
}

/// The cells of `area` that `holds` is true of, as rectangles: runs of a row, joined with equal runs of the rows above.
package func rectangles(in area: Rect, where holds: (Point) -> Bool) -> [Rect] {
  var done: [Rect] = []
  var open: [Rect] = []
  for y in area.y..<area.maxY {
    var runs: [Rect] = []
    var x = area.x
    while x < area.maxX {
      let start = x
      while x < area.maxX && holds(Point(x: x, y: y)) { x += 1 }
      if x > start { runs.append(Rect(x: start, y: y, width: x - start, height: 1)) } else { x += 1 }
    }
    var next: [Rect] = []
    for run in runs {
      if let above = open.firstIndex(where: { $0.x == run.x && $0.width == run.width }) {
        next.append(Rect(x: run.x, y: open[above].y, width: run.width, height: open[above].height + 1))
        open.remove(at: above)
      } else {
        next.append(run)
      }
    }
    done += open
    open = next
  }
  return done + open
}

/// Which part of a long list is in sight.
package struct Scroll: Sendable, Hashable {
  /// The first visible line.
  package var offset: Int

  package init(offset: Int = 0) { self.offset = offset }

  /// The visible lines of `count` in `height` rows; an offset past the end is pulled back.
  package func range(count: Int, height: Int) -> Range<Int> {
    guard count > 0 && height > 0 else { return 0..<0 }
    let first = min(max(0, offset), max(0, count - height))
    return first..<min(count, first + height)
  }

  /// Moved by `lines`, within the list.
  package func moved(by lines: Int, count: Int, height: Int) -> Scroll {
    let (sum, overflows) = offset.addingReportingOverflow(lines)
    return Scroll(offset: min(max(0, overflows ? (lines < 0 ? 0 : count) : sum), max(0, count - height)))
  }

  /// Moved as little as needed for `line` to be in sight.
  package func revealing(_ line: Int?, count: Int, height: Int) -> Scroll {
    let visible = range(count: count, height: height)
    guard let line, !visible.isEmpty, !visible.contains(line) else { return Scroll(offset: visible.lowerBound) }
    return Scroll(offset: line < visible.lowerBound ? line : line - height + 1)
      .moved(by: 0, count: count, height: height)
  }
}

/// A vertical bar at a rectangle's right edge: which part of the whole is in sight.
package struct ScrollBar: Widget, Sendable, Hashable {
  package var visible: Range<Int>
  package var count: Int

  package init(visible: Range<Int>, count: Int) {
    self.visible = visible
    self.count = count
  }

  package func draw(in rect: Rect, of frame: inout Frame, _ look: Appearance) {
    guard !rect.isEmpty && count > visible.count else { return }
    let length = max(1, rect.height * visible.count / count)
    let travel = rect.height - length
    let start = rect.y + travel * visible.lowerBound / max(1, count - visible.count)
    for y in rect.y..<rect.maxY {
      let isThumb = (start..<start + length).contains(y)
      let glyph = isThumb ? look.glyphs.scrollThumb : look.glyphs.scrollTrack
      frame.put(glyph, isThumb ? look.theme.accent : look.theme.border, x: rect.maxX - 1, y: y, clip: rect)
    }
  }
}

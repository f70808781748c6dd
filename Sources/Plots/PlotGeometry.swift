/// A point of a figure, in its own units; y grows downwards.
package struct PlotPoint: Sendable, Hashable {
  package var x: Double
  package var y: Double

  package init(_ x: Double, _ y: Double) {
    self.x = x
    self.y = y
  }
}

/// A rectangle of a figure.
package struct PlotBox: Sendable, Hashable {
  package var x: Double
  package var y: Double
  package var width: Double
  package var height: Double

  package init(x: Double, y: Double, width: Double, height: Double) {
    self.x = x
    self.y = y
    self.width = max(0, width)
    self.height = max(0, height)
  }

  package var maxX: Double { x + width }
  package var maxY: Double { y + height }
  package var middle: PlotPoint { PlotPoint(x + width / 2, y + height / 2) }

  package func inset(left: Double = 0, top: Double = 0, right: Double = 0, bottom: Double = 0) -> PlotBox {
    PlotBox(x: x + left, y: y + top, width: width - left - right, height: height - top - bottom)
  }

  /// The largest box of this ratio (width / height) in the middle of the top edge.
  package func fitted(ratio: Double) -> PlotBox {
    let width = min(self.width, height * ratio)
    return PlotBox(x: x + (self.width - width) / 2, y: y, width: width, height: width / ratio)
  }
}

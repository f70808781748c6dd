package import ColorMaps

/// RGB pixels `[toHeight, toWidth, 3]`: each the mean of the source area it covers, parts of pixels by their share.
///
/// - Parameter rgb: `[height, width, 3]`.
package func boxFiltered(_ rgb: [UInt8], width: Int, height: Int, toWidth: Int, toHeight: Int) -> [UInt8] {
  precondition(width > 0 && height > 0 && toWidth > 0 && toHeight > 0, "a picture has pixels")
  precondition(rgb.count == width * height * 3, "RGB pixels fill the picture")
  if width == toWidth && height == toHeight { return rgb }
  let columns = BoxWeights(from: width, to: toWidth)
  let rows = BoxWeights(from: height, to: toHeight)
  let stride = width * 3
  return withUnsafeTemporaryAllocation(of: Float.self, capacity: stride) { line in
    [UInt8](unsafeUninitializedCapacity: toWidth * toHeight * 3) { result, count in
      rgb.withUnsafeBufferPointer { source in
        for y in 0..<toHeight {
          rows.sumRows(of: source, stride: stride, target: y, into: line)
          columns.sumColumns(of: line, into: UnsafeMutableBufferPointer(rebasing: result[(y * toWidth * 3)...]))
        }
      }
      count = toWidth * toHeight * 3
    }
  }
}

/// For each target pixel the source pixels it covers and their shares, which add up to 1.
private struct BoxWeights {
  private var firsts: [Int] = []
  /// Where each target's shares start; one more than there are targets.
  private var starts = [0]
  private var weights: [Float] = []

  init(from: Int, to: Int) {
    let step = Double(from) / Double(to)
    for target in 0..<to {
      let start = Double(target) * step
      let end = start + step
      let first = min(Int(start), from - 1)
      let last = min(max(first, Int(end.rounded(.up)) - 1), from - 1)
      firsts.append(first)
      for source in first...last {
        weights.append(Float((min(end, Double(source + 1)) - max(start, Double(source))) / step))
      }
      starts.append(weights.count)
    }
  }

  func sumRows(
    of source: UnsafeBufferPointer<UInt8>, stride: Int, target: Int, into line: UnsafeMutableBufferPointer<Float>
  ) {
    line.initialize(repeating: 0)
    for (offset, weight) in weights[starts[target]..<starts[target + 1]].enumerated() {
      let row = (firsts[target] + offset) * stride
      for index in 0..<stride { line[index] += weight * Float(source[row + index]) }
    }
  }

  /// Rounds to the nearest; shares of bytes add up to a byte, give or take the last bit.
  func sumColumns(of line: UnsafeMutableBufferPointer<Float>, into result: UnsafeMutableBufferPointer<UInt8>) {
    weights.withUnsafeBufferPointer { weights in
      for target in firsts.indices {
        var (r, g, b) = (Float(0.5), Float(0.5), Float(0.5))
        var at = firsts[target] * 3
        for index in starts[target]..<starts[target + 1] {
          let weight = weights[index]
          r += weight * line[at]
          g += weight * line[at + 1]
          b += weight * line[at + 2]
          at += 3
        }
        result[target * 3] = UInt8(min(r, 255))
        result[target * 3 + 1] = UInt8(min(g, 255))
        result[target * 3 + 2] = UInt8(min(b, 255))
      }
    }
  }
}

/// A picture with a map laid over it: pixel = picture · (1 − opacity) + map colour · opacity, by grid cell.
///
/// - Parameters:
///   - rgb: `[height, width, 3]`.
///   - colors: row-major `[rows, columns]`; a cell that is `nil` or the terminal's own colour leaves the picture.
///   - opacity: 0…1.
package func overlaid(
  _ rgb: [UInt8], width: Int, height: Int, colors: [Color?], columns: Int, rows: Int, opacity: Double
) -> [UInt8] {
  precondition(rgb.count == width * height * 3 && colors.count == columns * rows, "pixels and grid fill their sizes")
  var result = rgb
  for y in 0..<height {
    let row = y * rows / height
    for x in 0..<width {
      guard case .rgb(let r, let g, let b)? = colors[row * columns + x * columns / width] else { continue }
      let at = (y * width + x) * 3
      result[at] = blend(result[at], r, opacity)
      result[at + 1] = blend(result[at + 1], g, opacity)
      result[at + 2] = blend(result[at + 2], b, opacity)
    }
  }
  return result
}

/// The part of a picture under the visible part of a grid laid over it: RGB pixels `[height, width, 3]`.
///
/// Where the window ends in the middle of a character, the picture goes on below it as far as it can.
package func visiblePart(of rgb: [UInt8], width: Int, height: Int, under layout: GridLayout) -> (
  rgb: [UInt8], width: Int, height: Int
) {
  precondition(rgb.count == width * height * 3, "RGB pixels fill the picture")
  guard !layout.area.isEmpty && width > 0 && height > 0 else { return ([], 0, 0) }
  if layout.showsAll { return (rgb, width, height) }
  let left = layout.first.column * width / layout.columns
  let right = max(left + 1, (layout.first.column + layout.visible.width) * width / layout.columns)
  let top = layout.first.row * height / layout.rows
  let shownUnits = layout.area.height * layout.unitsPerRow
  let wanted = top + shownUnits * height / (layout.scaleY * layout.rows)
  let bottom = min(height, max(top + 1, wanted))
  var part: [UInt8] = []
  for y in top..<bottom { part += rgb[(y * width + left) * 3..<(y * width + min(right, width)) * 3] }
  return (part, min(right, width) - left, bottom - top)
}

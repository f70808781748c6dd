/// RGB pixels `[toHeight, toWidth, 3]`: each the mean of the source area it covers, parts of pixels by their share.
///
/// - Parameter rgb: `[height, width, 3]`.
package func boxFiltered(_ rgb: [UInt8], width: Int, height: Int, toWidth: Int, toHeight: Int) -> [UInt8] {
  precondition(width > 0 && height > 0 && toWidth > 0 && toHeight > 0, "a picture has pixels")
  precondition(rgb.count == width * height * 3, "RGB pixels fill the picture")
  if width == toWidth && height == toHeight { return rgb }
  let columns = boxWeights(from: width, to: toWidth)
  let rows = boxWeights(from: height, to: toHeight)
  var result = [UInt8](repeating: 0, count: toWidth * toHeight * 3)
  var line = [Float](repeating: 0, count: width * 3)
  rgb.withUnsafeBufferPointer { source in
    for y in 0..<toHeight {
      for index in line.indices { line[index] = 0 }
      for (offset, weight) in rows[y].weights.enumerated() {
        let start = (rows[y].first + offset) * width * 3
        for index in 0..<width * 3 { line[index] += weight * Float(source[start + index]) }
      }
      for x in 0..<toWidth {
        for channel in 0..<3 {
          var sum: Float = 0
          for (offset, weight) in columns[x].weights.enumerated() {
            sum += weight * line[(columns[x].first + offset) * 3 + channel]
          }
          result[(y * toWidth + x) * 3 + channel] = UInt8(min(max(sum.rounded(), 0), 255))
        }
      }
    }
  }
  return result
}

private struct BoxWeights {
  let first: Int
  let weights: [Float]
}

/// For each target pixel the source pixels it covers and their shares, which add up to 1.
private func boxWeights(from: Int, to: Int) -> [BoxWeights] {
  let step = Double(from) / Double(to)
  return (0..<to).map { target in
    let start = Double(target) * step
    let end = start + step
    let first = min(Int(start), from - 1)
    let last = min(max(first, Int(end.rounded(.up)) - 1), from - 1)
    let weights = (first...last).map { source in
      Float((min(end, Double(source + 1)) - max(start, Double(source))) / step)
    }
    return BoxWeights(first: first, weights: weights)
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

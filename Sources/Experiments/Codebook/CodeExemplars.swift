import Evidence
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Tensor
import Trace

/// A code named on the command line: `3:88` is code 88 of the third group.
package struct CodeName: Equatable {
  /// From 0.
  let group: Int
  let code: Int

  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let group = Int(parts[0]), let code = Int(parts[1]), group >= 1, code >= 0 else {
      return nil
    }
    self.group = group - 1
    self.code = code
  }
}

/// Where a code was chosen over pictures: the places whose latent lies nearest to it, with what is seen there.
struct CodeExemplars {
  struct Exemplar: Encodable {
    let picture: String
    let row: Int
    let column: Int
    /// From the normalized latent to the code, 0…2.
    let distance: Double
    let margin: Double
    /// The cell with one cell of context around it.
    let crop: Picture

    /// A document has no pixels.
    private enum CodingKeys: CodingKey { case picture, row, column, distance, margin }
  }

  let name: CodeName
  let limit: Int
  private(set) var count = 0
  private(set) var margins = Moments()
  /// Nearest first, at most `limit`.
  private(set) var exemplars: [Exemplar] = []

  init(name: CodeName, limit: Int) {
    self.name = name
    self.limit = limit
  }

  /// Adds a picture; only the best places keep their pixels.
  mutating func add(_ picture: String, _ square: Picture, _ codes: CodeGrid, margins places: [[CodeMargin]]) {
    let plane = codes.height * codes.width
    for place in 0..<plane where Int(codes.indices[name.group * plane + place]) == name.code {
      count += 1
      let choice = places[name.group][place]
      margins.add(choice.margin)
      guard exemplars.count < limit || choice.distance < exemplars[exemplars.count - 1].distance else { continue }
      let (row, column) = (place / codes.width, place % codes.width)
      let exemplar = Exemplar(
        picture: picture, row: row, column: column, distance: choice.distance, margin: choice.margin,
        crop: Self.crop(square, row: row, column: column, of: codes))
      let index = exemplars.firstIndex { choice.distance < $0.distance } ?? exemplars.count
      exemplars.insert(exemplar, at: index)
      if exemplars.count > limit { exemplars.removeLast() }
    }
  }

  /// Three by three cells around a cell, fewer at the edge.
  private static func crop(_ square: Picture, row: Int, column: Int, of codes: CodeGrid) -> Picture {
    let (cellWidth, cellHeight) = (square.width / codes.width, square.height / codes.height)
    let x = max(0, column - 1) * cellWidth
    let y = max(0, row - 1) * cellHeight
    let width = min(square.width, (min(codes.width, column + 2)) * cellWidth) - x
    let height = min(square.height, (min(codes.height, row + 2)) * cellHeight) - y
    return square.cropped(x: x, y: y, width: width, height: height)
  }
}

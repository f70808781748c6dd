package import Evidence
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Tensor
import Trace

/// Everything that `codebook` prints.
package struct CodebookDocument: Encodable {
  /// The quantizer's numbers.
  struct Shape {
    let groups: Int
    let codesPerGroup: Int
    let dimension: Int
    /// Places along a side; `nil` without an encoder.
    let latentSize: Int?
  }

  /// What it takes to make the report again.
  package struct Provenance: Encodable {
    let version: String
    package let modelName: String
    let configSHA256: String
    let weightsSHA256: String
    let untrainedParts: [String]
    let pictures: Int
    let picturesSHA256: String
    /// The side at which pictures are encoded, in pixels.
    let imageSize: Int?
    let shape: Shape

    private enum CodingKeys: String, CodingKey {
      case version, modelName, configSHA256, weightsSHA256, untrainedParts, pictures, picturesSHA256, imageSize
    }

    init(version: String, model: MGVQModel, pictures: VerifyPictures, shape: Shape, imageSize: Int?) {
      self.version = version
      modelName = model.name
      configSHA256 = model.configSHA256
      weightsSHA256 = model.weightsSHA256
      untrainedParts = model.untrainedParts
      self.pictures = pictures.entries.count
      picturesSHA256 = pictures.sha256
      self.imageSize = imageSize
      self.shape = shape
    }
  }

  package let report: CodebookReport
  package let comparisons: [CodebookComparison]
  /// The code that was asked about.
  let code: CodebookCode?
  /// What each further group adds to the pictures, if that was asked.
  package let reconstruction: ReconstructionCurve?
  package let provenance: Provenance

  private enum CodingKeys: String, CodingKey {
    case comparisons, code, reconstruction, provenance
  }

  /// The report's own keys beside those of the run.
  package func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(comparisons, forKey: .comparisons)
    try values.encode(code, forKey: .code)
    try values.encodeIfPresent(reconstruction, forKey: .reconstruction)
    try values.encode(provenance, forKey: .provenance)
  }
}

/// One code in `codebook`'s report: its vector, its neighbours and its exemplars.
struct CodebookCode: Encodable {
  /// From 0.
  let group: Int
  let code: Int
  let vector: [Float?]
  let nearest: [CodeNeighbour]
  /// How often it was chosen over the pictures.
  let count: Int
  let marginMean: Double?
  let exemplars: [CodeExemplars.Exemplar]

  private enum CodingKeys: String, CodingKey {
    case group, code, vector, nearest, count, exemplars
    case marginMean = "margin_mean"
  }

  init(_ codebook: Codebook, _ exemplars: CodeExemplars) {
    group = exemplars.name.group
    code = exemplars.name.code
    vector = codebook.stored[group][row: code].values.map { $0.isFinite ? $0 : nil }
    nearest = codebook.nearest(to: code, group: group)
    count = exemplars.count
    marginMean = exemplars.margins.count > 0 ? exemplars.margins.mean : nil
    self.exemplars = exemplars.exemplars
  }

  /// As text, one line after another.
  var lines: [String] {
    let values = vector.map { $0.map { significant(Double($0)) } ?? "not finite" }.joined(separator: ", ")
    let neighbours = nearest.map { "\($0.code) at \(significant($0.distance))" }.joined(separator: ", ")
    let margin = marginMean.map { ", margin on average \(significant($0))" } ?? ""
    return [
      "code \(code) of group \(group + 1)", "  vector (\(values))", "  nearest codes \(neighbours)",
      "  chosen \(count) times\(margin)",
    ]
      + exemplars.map {
        "  \($0.picture) at (\($0.row),\($0.column)): distance \(significant($0.distance)), margin "
          + significant($0.margin)
      }
  }
}

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

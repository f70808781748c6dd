import Evidence
import Statistics
import Tensor

/// One code in `codebook`'s report: its vector, its neighbours and its exemplars.
struct CodebookCode: Encodable {
  struct Exemplar: Encodable {
    let picture: String
    let row: Int
    let column: Int
    let distance: Double
    let margin: Double
  }

  /// From 0.
  let group: Int
  let code: Int
  let vector: [Float?]
  let nearest: [CodeNeighbour]
  /// How often it was chosen over the pictures.
  let count: Int
  let marginMean: Double?
  let exemplars: [Exemplar]

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
    self.exemplars = exemplars.exemplars.map {
      Exemplar(picture: $0.picture, row: $0.row, column: $0.column, distance: $0.distance, margin: $0.margin)
    }
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

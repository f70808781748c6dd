import Evidence
import HTCVLM

/// Everything that `codebook` prints.
struct CodebookDocument: Encodable {
  /// The quantizer's numbers.
  struct Shape {
    let groups: Int
    let codesPerGroup: Int
    let dimension: Int
    /// Places along a side; `nil` without an encoder.
    let latentSize: Int?
  }

  /// What it takes to make the report again.
  struct Provenance: Encodable {
    let version: String
    let modelName: String
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

    init(model: MGVQModel, pictures: VerifyPictures, shape: Shape, imageSize: Int?) {
      version = programVersion
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

  let report: CodebookReport
  let comparisons: [CodebookComparison]
  /// The code that was asked about.
  let code: CodebookCode?
  /// What each further group adds to the pictures, if that was asked.
  let reconstruction: ReconstructionCurve?
  let provenance: Provenance

  private enum CodingKeys: String, CodingKey {
    case comparisons, code, reconstruction, provenance
  }

  /// The report's own keys beside those of the run.
  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(comparisons, forKey: .comparisons)
    try values.encode(code, forKey: .code)
    try values.encodeIfPresent(reconstruction, forKey: .reconstruction)
    try values.encode(provenance, forKey: .provenance)
  }
}

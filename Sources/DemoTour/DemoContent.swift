package import Evidence
package import Inspector
import Statistics
import Tensor
package import Trace

/// One picture of the demo with everything that its stages show, worked out once.
package struct DemoContent: Sendable {
  package let name: String
  package let trace: Trace
  /// The question, its answers from every source and their bill.
  package let compression: CompressionState
  /// The right answer, where it is known.
  package let right: String?
  /// The square that the model sees.
  let square: Picture
  let decoded: DecodedCodes?
  /// The share of each patch, `[P]`, and of each anchor in the voco row, mean over live layers and heads.
  let patchShares: [Double]
  let anchorShares: [Double]

  package init?(name: String, trace: Trace, compression: CompressionState, right: String?) {
    guard let mgvq = trace.mgvq, trace.vision != nil, trace.anchors != nil, trace.sequence != nil,
      let attention = try? VocoAttention(trace),
      let view = AttentionView(
        attention, AttentionQuery(layer: .all, head: .mean, metric: .share, hidesSinks: false, visualOnly: false))
    else { return nil }
    self.name = name
    self.trace = trace
    self.compression = compression
    self.right = right
    square = Picture(signed: mgvq.pixelValues)
    decoded = DecodedCodes(trace)
    patchShares = view.patchValues
    anchorShares = view.anchorValues
  }

  var grid: GridSize { GridSize(rows: trace.model.patchRows, columns: trace.model.patchGrid) }
  var codes: CodeGrid? { trace.mgvq?.codes }

  /// The headline of a stage.
  func headline(_ stage: DemoStage) -> String {
    let model = trace.model
    switch stage {
    case .picture: return "A picture"
    case .patches: return "\(Format.integer(grid.count)) patches"
    case .codes: return "\(Format.integer(codeCount)) discrete codes"
    case .anchors: return "\(model.anchors) anchors"
    case .mask: return "The \(model.visualMask.rawValue) mask"
    case .voco: return "One <voco> token"
    case .answer: return "“\(trace.provenance.prompt)”"
    }
  }

  /// One or two sentences about a stage.
  func caption(_ stage: DemoStage) -> String {
    let model = trace.model
    switch stage {
    case .picture:
      return "\(name), seen as a square of \(model.visionImageSize)×\(model.visionImageSize) pixels. "
        + "A language model cannot read pixels: it reads vectors."
    case .patches:
      return "A vision transformer turns each square of the grid into a vector of \(model.hiddenSize) numbers: detail, "
        + "but \(Format.integer(grid.count)) tokens of it."
    case .codes:
      return
        "A second encoder names what stands where: \(model.groups) codebooks of \(Format.integer(model.codesPerGroup)) "
        + "entries, \(codeSide) positions each. At the right: the picture decoded from these names alone."
    case .anchors:
      return "All codes together become \(model.anchors) vectors that stand first in the sequence: what the picture is "
        + "about, in brief."
    case .mask:
      return model.visualMask == .star
        ? "No patch sees another. Only <voco> sees everything, and the question sees nothing of the picture but <voco>."
        : "Each token sees all before it; the question sees nothing of the picture but <voco>."
    case .voco: return vocoCaption
    case .answer: return answerCaption
    }
  }

  private var codeCount: Int { codes.map { $0.groups * $0.height * $0.width } ?? 0 }
  private var codeSide: String { codes.map { "\($0.height)×\($0.width)" } ?? "" }

  private var vocoCaption: String {
    let anchors = anchorShares.reduce(0, +)
    let shares =
      "Of what <voco> looks at, \(Format.percent(anchors)) are the anchors, "
      + "\(Format.percent(patchShares.reduce(0, +))) the patches (mean over live layers and heads). "
    guard let bill else { return shares }
    return shares + bill.sentence
  }

  private var answerCaption: String {
    "The same question from \(Format.integer(compression.facts?.prompt.visual ?? 0)) tokens, from one and from none. "
      + (compression.facts?.edges() ?? []).joined(separator: " ")
  }

  var bill: CompressionBill? {
    compression.facts.map { CompressionBill($0, pictures: compression.pictures, latest: compression.latest) }
  }
}

package import Evidence
import Files
import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Tensor
import Trace

/// A quantizer over the checkpoints of one training run, in the order of the numbers in their names: usage, perplexity,
/// dead codes, how far the codes moved, and the anchors.
package struct CodebookSeries: Sendable, Encodable {
  /// Where the numbers of usage come from.
  package enum UsageSource: String, Sendable, Encodable {
    case pictures
    /// The checkpoint's own `embed_prob` or `cluster_size`: a running record of training.
    case buffers
    case none
  }

  /// One group of one checkpoint.
  package struct Group: Sendable, Encodable {
    package let codes: Int
    /// Codes never chosen over the pictures, or by the buffers under a thousandth of an even share.
    package let dead: Int?
    /// 2^entropy of the frequencies.
    package let perplexity: Double?
    package let nearDuplicates: Int
    package let unreachable: Int
    package let effectiveRank: Double
    /// 1 − the mean cosine of each code with that of the same index in the checkpoint before.
    package let moved: Double?

    private enum CodingKeys: String, CodingKey {
      case codes, dead, perplexity, unreachable, moved
      case nearDuplicates = "near_duplicates"
      case effectiveRank = "effective_rank"
    }
  }

  /// The anchors of one checkpoint, over the pictures, or over draws of random codes.
  package struct Anchors: Sendable, Encodable {
    package let source: CodebookReport.AnchorSource
    /// Mean cosine of different anchors of one picture: near 1, they hold one vector.
    package let alike: Double?
    /// Mean cosine of an anchor with the same anchor of other pictures: near 1, it does not see them.
    package let acrossPictures: Double?
    /// Norms, effective rank and saturation of the projector that made them.
    package let health: AnchorHealth

    private enum CodingKeys: String, CodingKey {
      case source, alike, health
      case acrossPictures = "across_pictures"
    }
  }

  package struct Step: Sendable, Encodable {
    package let name: String
    package let weightsSHA256: String
    package let usage: UsageSource
    package let groups: [Group]
    /// nil without an anchor projector.
    package let anchors: Anchors?
    /// What `codebook` warns of.
    package let findings: [CodebookFinding]

    private enum CodingKeys: String, CodingKey {
      case name, usage, groups, anchors, findings
      case weightsSHA256 = "weights_sha256"
    }

    /// Dead codes of all groups; nil where usage is not known.
    package var dead: Int? { groups.first?.dead == nil ? nil : groups.reduce(0) { $0 + ($1.dead ?? 0) } }
    package var codes: Int { groups.reduce(0) { $0 + $1.codes } }
    /// The mean over groups of a number that all have.
    package func mean(_ value: (Group) -> Double?) -> Double? {
      let values = groups.compactMap(value)
      return values.count == groups.count ? Statistics.mean(values) : nil
    }
  }

  /// Something beside the checkpoints that holds no codebook, and why.
  package struct PassedOver: Sendable, Encodable {
    package let name: String
    package let reason: String
  }

  package let directory: String
  package let pictures: Int
  package let steps: [Step]
  package let passedOver: [PassedOver]

  private enum CodingKeys: String, CodingKey {
    case directory, pictures, steps
    case passedOver = "passed_over"
  }

  /// How checkpoints are looked at.
  package struct Settings: Sendable {
    /// Paths of pictures that every checkpoint encodes; without any, usage is that of the checkpoints' own buffers.
    package var pictures: [String] = []
    /// The side at which a bare MGVQ state dict encodes them.
    package var imageSize = MGVQSource.imageSize
    /// As in `MGVQSource`.
    package var codebook: String?
    package var metric: Codebook.Metric?

    package init(
      pictures: [String] = [], imageSize: Int = MGVQSource.imageSize, codebook: String? = nil,
      metric: Codebook.Metric? = nil
    ) {
      self.pictures = pictures
      self.imageSize = imageSize
      self.codebook = codebook
      self.metric = metric
    }
  }

  /// Measures what is in `directory`: checkpoint directories and files of weights.
  ///
  /// - Parameter progress: called with a checkpoint's name, checkpoints done and of all; what it throws ends the work.
  /// - Throws: a sentence naming the directory if it holds fewer than two codebooks, or a picture that cannot be read.
  package init(
    directory: String, _ settings: Settings, progress: (String, _ done: Int, _ of: Int) throws -> Void = { _, _, _ in }
  ) throws {
    self.directory = directory
    pictures = settings.pictures.count
    let names = try SeriesNames.inOrder(directory)
    var steps: [Step] = []
    var passedOver: [PassedOver] = []
    var previous: Codebook?
    for (index, name) in names.enumerated() {
      try progress(name, index, names.count)
      let model: MGVQModel
      do {
        let source = CheckpointSource.directory("\(directory)/\(name)")
        model = try MGVQModel(
          MGVQSource(opening: source, imageSize: settings.imageSize, codebook: settings.codebook))
      } catch {
        passedOver.append(PassedOver(name: name, reason: "\(error)"))
        continue
      }
      let (step, codebook) = try Self.step(name, model, settings, previous: previous)
      steps.append(step)
      previous = codebook
    }
    guard steps.count > 1 else {
      let why = passedOver.first.map { ": \($0.reason)" } ?? ""
      throw ExperimentError(
        "\(directory): holds \(steps.count == 1 ? "one codebook" : "no codebook"), a series is of several\(why)")
    }
    (self.steps, self.passedOver) = (steps, passedOver)
  }

  private static func step(
    _ name: String, _ model: MGVQModel, _ settings: Settings, previous: Codebook?
  ) throws -> (Step, Codebook) {
    let metric = model.stack == nil ? .cosine : settings.metric ?? Codebook.Metric.guessed(model.embedding)
    let codebook = try Codebook(embedding: model.embedding, groups: model.groups, metric: metric)
    var usage: PictureUsage?
    for path in settings.pictures {
      let codes = try model.encode(try ImageDecoder.decode(path: path).image)
      if usage == nil { usage = PictureUsage(codebook) }
      try usage?.add(
        codes.codes, latent: codes.latent, anchors: model.anchors(codes.quantized),
        beforeActivations: model.anchorPreActivations(codes.quantized))
    }
    let report = CodebookReport(
      codebook, pictures: usage, probes: try model.anchorProbes(codesPerGroup: codebook.codesPerGroup),
      buffers: UsageBuffers(
        used: model.codebookUsed, probabilities: model.embedProbabilities, groups: codebook.groups,
        codesPerGroup: codebook.codesPerGroup))
    let trained = model.trainedUsage(codesPerGroup: codebook.codesPerGroup)
    let drift = previous.flatMap { try? CodebookDrift($0, codebook) }
    let groups = report.groups.enumerated().map { index, group in
      Group(
        codes: group.geometry.codes, dead: group.usage?.dead ?? trained?[index].dead,
        perplexity: group.usage?.perplexity ?? trained?[index].perplexity,
        nearDuplicates: group.geometry.nearDuplicates, unreachable: group.geometry.unreachable,
        effectiveRank: group.geometry.effectiveRank, moved: drift.map { 1 - $0.groups[index].meanCosine })
    }
    let source: UsageSource = usage != nil ? .pictures : trained != nil ? .buffers : .none
    return (
      Step(
        name: name, weightsSHA256: model.weightsSHA256, usage: source, groups: groups, anchors: anchors(report),
        findings: report.findings.filter { $0.severity > .ok }), codebook
    )
  }

  private static func anchors(_ report: CodebookReport) -> Anchors? {
    guard let anchors = report.anchors, let mean = anchors.mean else { return nil }
    func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
    return Anchors(
      source: report.anchorSource, alike: finite(mean.meanCosine),
      acrossPictures: finite(anchors.acrossPictures.flatMap { Statistics.mean($0) }),
      health: anchors.health)
  }
}

/// The names of a series' checkpoints.
private enum SeriesNames {
  private static let endings = [".safetensors", ".pt", ".pth", ".bin", ".ckpt"]

  static func inOrder(_ directory: String) throws -> [String] {
    guard Directory.exists(directory) else {
      throw ExperimentError("\(directory): is no directory; a series is a directory of checkpoints")
    }
    guard !FileManager.default.fileExists(atPath: "\(directory)/config.json") else {
      throw ExperimentError("\(directory): is one checkpoint; a series is a directory of several")
    }
    let names = try Directory.ownNames(directory).filter { name in
      !name.hasPrefix(".")
        && (Directory.exists("\(directory)/\(name)") || endings.contains(where: name.hasSuffix))
    }
    return names.map { (key: numericOrder($0), name: $0) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(
      \.name)
  }
}

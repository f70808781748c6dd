package import Evidence
import Files
import Foundation
package import HTCVLM
import ImageLoading
import Safetensors
import Statistics
import Tensor
package import Trace

/// Measures a codebook alone and over pictures, one picture at a time in constant memory.
package struct CodebookRun {
  private let model: MGVQModel
  private let codebook: Codebook
  private let imageSize: Int
  private let wantsPatches: Bool
  private let version: String
  private let progress: (String) -> Void

  /// - Parameters:
  ///   - version: the program's, for the report's provenance.
  ///   - progress: called with what is under way.
  /// - Throws: a sentence that names the file and what is wrong with it.
  package init(
    _ source: MGVQSource, imageSize: Int, wantsPatches: Bool, metric: Codebook.Metric? = nil, version: String,
    progress: @escaping (String) -> Void = { _ in }
  ) throws {
    self.version = version
    self.progress = progress
    model = try MGVQModel(source)
    let metric = model.stack == nil ? .cosine : metric ?? Codebook.Metric.guessed(model.embedding)
    codebook = try Codebook(embedding: model.embedding, groups: model.groups, metric: metric)
    self.imageSize = imageSize
    self.wantsPatches = wantsPatches
    if wantsPatches && !model.hasPatches {
      throw ExperimentError("\(source.path): has no complete vision tower and projector, which --patches needs")
    }
  }

  /// Codebooks side by side.
  package var groups: Int { codebook.groups }

  /// What to report on.
  package struct Question {
    package let pictures: VerifyPictures
    /// Codes that another program chose, in the place of pictures.
    package var codes: [CodeGrid] = []
    /// Whether pictures are decoded from the first g groups.
    package var reconstructs = false
    /// Other pictures to compare with, and what they are called.
    package let against: VerifyPictures?
    package let label: String
    /// Another checkpoint to compare with.
    package let model: String?
    package let code: CodeName?
    package let exemplars: Int

    package init(
      pictures: VerifyPictures, codes: [CodeGrid] = [], reconstructs: Bool = false, against: VerifyPictures? = nil,
      label: String = "", model: String? = nil, code: CodeName? = nil, exemplars: Int = 12
    ) {
      self.pictures = pictures
      self.codes = codes
      self.reconstructs = reconstructs
      self.against = against
      self.label = label
      self.model = model
      self.code = code
      self.exemplars = exemplars
    }
  }

  /// The report, and the figures that show it.
  package struct Answer {
    package let document: CodebookDocument
    package let figures: CodebookFigures
  }

  /// Measures everything that is asked for.
  package func answer(_ question: Question) throws -> Answer {
    if let code = question.code, code.group >= codebook.groups || code.code >= codebook.codesPerGroup {
      throw ExperimentError(
        "--code \(code.group + 1):\(code.code): \(model.name) has groups 1 to \(codebook.groups) and codes 0 to "
          + "\(codebook.codesPerGroup - 1)")
    }
    let other = try question.model.map { try OtherModel(path: $0, imageSize: imageSize, beside: codebook) }
    var agreement = CodeAgreement(groups: model.groups)
    var otherUsage = CodeUsage(groups: model.groups, codesPerGroup: codebook.codesPerGroup)
    var exemplars = question.code.map { CodeExemplars(name: $0, limit: question.exemplars) }
    var curve = question.reconstructs ? ReconstructionCurve(groups: model.groups) : nil
    var first: (name: String, codes: CodeGrid)?
    var usage = try measure(question.pictures) { name, image, codes in
      if first == nil { first = (name, codes.codes) }
      try exemplars?.add(name, model.square(image), codes.codes, margins: codebook.margins(codes.latent))
      try curve?.add(codes.pixelValues) { try model.reconstruct(codes.codes, groups: $0) }
      guard let other else { return }
      let theirs = try other.model.encode(image).codes
      agreement.add(codes.codes.indices, theirs.indices)
      try otherUsage.add(theirs)
    }
    for grid in question.codes { try usage.add(grid) }
    var comparisons: [CodebookComparison] = []
    if let others = question.against {
      comparisons.append(try comparison(usage, measure(others) { _, _, _ in }, question.label))
    }
    let hasPictures = !question.pictures.entries.isEmpty || !question.codes.isEmpty
    if let other, let path = question.model {
      comparisons.append(
        CodebookComparison(
          against: path, pictures: otherUsage.pictures, usage: drift(usage.usage, otherUsage), codes: other.drift,
          agreement: hasPictures ? agreement.part : nil))
    }
    let report = CodebookReport(
      codebook, pictures: hasPictures ? usage : nil,
      probes: try model.anchorProbes(codesPerGroup: codebook.codesPerGroup), buffers: buffers,
      others: comparisons.flatMap(\.findings) + missingAnchors + kind)
    let document = CodebookDocument(
      report: report, comparisons: comparisons, code: exemplars.map { CodebookCode(codebook, $0) },
      reconstruction: curve,
      provenance: CodebookDocument.Provenance(
        version: version, model: model, pictures: question.pictures, shape: shape,
        imageSize: model.configuration?.imageSize))
    return Answer(
      document: document,
      figures: CodebookFigures(codebook: codebook, document: document, first: first, exemplars: exemplars))
  }

  /// Usage over pictures; `also` sees each picture with its name and codes.
  private func measure(
    _ pictures: VerifyPictures, also: (String, Picture, MGVQTrace) throws -> Void
  ) throws -> PictureUsage {
    var usage = PictureUsage(codebook)
    for (index, entry) in pictures.entries.enumerated() {
      let name = URL(fileURLWithPath: entry.path).lastPathComponent
      progress("picture \(index + 1)/\(pictures.entries.count) \(name)")
      let decoded = try ImageDecoder.decode(path: entry.path)
      guard decoded.fileSHA256 == entry.sha256 else { throw FileError(path: entry.path, reason: .changed) }
      let image = decoded.image
      let codes = try model.encode(image)
      try model.checkUnchanged()
      try usage.add(
        codes.codes, latent: codes.latent, anchors: try model.anchors(codes.quantized),
        beforeActivations: model.anchorPreActivations(codes.quantized),
        patches: wantsPatches ? try model.patchTokens(image) : nil)
      try also(name, image, codes)
    }
    return usage
  }

  private func comparison(
    _ usage: PictureUsage, _ other: PictureUsage, _ label: String
  ) throws -> CodebookComparison {
    CodebookComparison(against: label, pictures: other.pictures, usage: drift(usage.usage, other.usage))
  }

  private func drift(_ first: CodeUsage, _ second: CodeUsage) -> [UsageDrift] {
    zip(first.counts, second.counts).compactMap { UsageDrift($0, $1) }
  }

  private var buffers: UsageBuffers {
    UsageBuffers(
      used: model.codebookUsed, probabilities: model.embedProbabilities, groups: model.groups,
      codesPerGroup: codebook.codesPerGroup)
  }

  private var missingAnchors: [CodebookFinding] {
    model.anchorProblem.map {
      [CodebookFinding(.warning, .missingAnchors, "There are no anchors to look at: \($0).")]
    } ?? []
  }

  /// Of a quantizer that is no MGVQ: which tensors were taken for its codebooks, and how it measures distances.
  private var kind: [CodebookFinding] {
    guard let stack = model.stack else { return [] }
    let names = stack.names.count == 1 ? stack.names[0] : "\(stack.names[0]) and \(stack.names.count - 1) more"
    let how = codebook.metric == .cosine ? "angle" : "distance"
    return [
      CodebookFinding(
        .ok, .quantizerKind,
        "The codebook is \(printableName(names)); the nearest code is taken by \(how) (--distance says otherwise).")
    ]
  }

  private var shape: CodebookDocument.Shape {
    CodebookDocument.Shape(
      groups: codebook.groups, codesPerGroup: codebook.codesPerGroup, dimension: codebook.dimension,
      latentSize: model.configuration?.latentSize)
  }
}

/// The checkpoint that another is compared with.
private struct OtherModel {
  let model: MGVQModel
  let drift: CodebookDrift

  init(path: String, imageSize: Int, beside codebook: Codebook) throws {
    model = try MGVQModel(MGVQSource(path: path, imageSize: imageSize))
    let other = try Codebook(embedding: model.embedding, groups: model.groups)
    do {
      drift = try CodebookDrift(codebook, other)
    } catch {
      throw ExperimentError(
        "\(path): cannot be compared: it holds \(other.groups)×\(other.codesPerGroup) codes of \(other.dimension) values, "
          + "the model \(codebook.groups)×\(codebook.codesPerGroup) of \(codebook.dimension)")
    }
  }
}

extension MGVQModel {
  private static let probes = 8
  private static let probeSeed: UInt64 = 0

  /// Anchors of codes drawn at random: what a checkpoint alone shows of its projector; nil without one.
  package func anchorProbes(codesPerGroup: Int) throws -> AnchorAccumulator? {
    guard hasAnchors, let side = configuration?.latentSize else { return nil }
    var generator = SplitMix64(seed: Self.probeSeed)
    var accumulator: AnchorAccumulator?
    for _ in 0..<Self.probes {
      let indices = (0..<groups * side * side).map { _ in Int32(generator.below(codesPerGroup)) }
      let grid = CodeGrid(groups: groups, height: side, width: side, indices: indices)
      let quantized = try codeVectors(grid)
      guard let vectors = try anchors(quantized) else { return nil }
      if accumulator == nil { accumulator = AnchorAccumulator(anchors: vectors.shape[0], dimension: vectors.shape[1]) }
      accumulator?.add(vectors, beforeActivations: anchorPreActivations(quantized))
    }
    return accumulator
  }

  /// What the checkpoint's own record of training tells of one group.
  package struct TrainedUsage: Sendable {
    /// Codes under a thousandth of an even share.
    package let dead: Int
    package let perplexity: Double
  }

  /// By group, from `embed_prob`, or the moving counts of another quantizer; nil without such a buffer, or where it was
  /// never filled.
  package func trainedUsage(codesPerGroup: Int) -> [TrainedUsage]? {
    guard let record = embedProbabilities ?? stack?.clusterSizes, record.count == groups * codesPerGroup,
      record.allSatisfy({ $0.isFinite && $0 >= 0 })
    else { return nil }
    let all = (0..<groups).map { record[$0 * codesPerGroup..<($0 + 1) * codesPerGroup].map(Double.init) }
    guard all.allSatisfy({ $0.contains { $0 > 0 } }) else { return nil }
    return all.map { own in
      let even = own.reduce(0, +) / Double(codesPerGroup)
      return TrainedUsage(
        dead: own.count { $0 < UsageBuffers.hardly * even }, perplexity: effectiveCount(own))
    }
  }
}

import Checkpoint
import Evidence
import Foundation
import HTCVLM
import ImageLoading
import Tensor
import Trace

/// Measures a codebook alone and over pictures, one picture at a time in constant memory.
struct CodebookRun {
  private let model: MGVQModel
  private let codebook: Codebook
  private let imageSize: Int
  private let wantsPatches: Bool
  private let progress = ProgressLine()

  /// - Throws: a sentence that names the file and what is wrong with it.
  init(modelPath: String, imageSize: Int, wantsPatches: Bool) throws {
    model = try MGVQModel(MGVQSource(path: modelPath, imageSize: imageSize))
    codebook = try Codebook(embedding: model.embedding, groups: model.groups)
    self.imageSize = imageSize
    self.wantsPatches = wantsPatches
    if wantsPatches && !model.hasPatches {
      throw UsageProblem("\(modelPath): has no complete vision tower and projector, which --patches needs")
    }
  }

  /// The report over `pictures`, beside that over other pictures and another checkpoint.
  func document(
    of pictures: VerifyPictures, against others: VerifyPictures?, label: [String], model otherPath: String?
  ) throws -> CodebookDocument {
    defer { progress.clear() }
    let other = try otherPath.map { try OtherModel(path: $0, imageSize: imageSize, beside: codebook) }
    var agreement = CodeAgreement(groups: model.groups)
    var otherUsage = CodeUsage(groups: model.groups, codesPerGroup: codebook.codesPerGroup)
    let usage = try measure(pictures) { image, codes in
      guard let other else { return }
      let theirs = try other.model.encode(image).codes
      agreement.add(codes.indices, theirs.indices)
      try otherUsage.add(theirs)
    }
    var comparisons: [CodebookComparison] = []
    if let others {
      comparisons.append(try comparison(usage, measure(others) { _, _ in }, label.joined(separator: ", ")))
    }
    if let other, let otherPath {
      comparisons.append(
        CodebookComparison(
          against: otherPath, pictures: otherUsage.pictures, usage: drift(usage.usage, otherUsage), codes: other.drift,
          agreement: pictures.entries.isEmpty ? nil : agreement.part))
    }
    let report = CodebookReport(
      codebook, pictures: pictures.entries.isEmpty ? nil : usage, probes: try probes(), buffers: buffers,
      others: comparisons.flatMap(\.findings) + missingAnchors)
    return CodebookDocument(
      report: report, comparisons: comparisons,
      provenance: CodebookDocument.Provenance(
        model: model, pictures: pictures, shape: shape, imageSize: model.configuration?.imageSize))
  }

  /// Usage over pictures; `also` sees each picture with its codes.
  private func measure(
    _ pictures: VerifyPictures, also: (RGBImage, CodeGrid) throws -> Void
  ) throws -> PictureUsage {
    var usage = PictureUsage(codebook)
    for (index, entry) in pictures.entries.enumerated() {
      progress.show(
        "picture \(index + 1)/\(pictures.entries.count) \(URL(fileURLWithPath: entry.path).lastPathComponent)")
      let image = try ImageDecoder.decode(path: entry.path).image
      let codes = try model.encode(image)
      try usage.add(
        codes.codes, latent: codes.latent, anchors: model.anchors(codes.quantized),
        patches: wantsPatches ? try model.patchTokens(image) : nil)
      try also(image, codes.codes)
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

  /// Anchors of codes drawn at random: what the checkpoint alone shows of the projector.
  private func probes() throws -> AnchorAccumulator? {
    guard model.hasAnchors, let configuration = model.configuration else { return nil }
    let side = configuration.latentSize
    var generator = SplitMix64(seed: Self.probeSeed)
    var anchors: AnchorAccumulator?
    for _ in 0..<Self.probeCount {
      let indices = (0..<model.groups * side * side).map { _ in Int32(generator.below(codebook.codesPerGroup)) }
      let grid = CodeGrid(groups: model.groups, height: side, width: side, indices: indices)
      guard let vectors = try model.anchors(grid) else { return nil }
      if anchors == nil { anchors = AnchorAccumulator(anchors: vectors.shape[0], dimension: vectors.shape[1]) }
      anchors?.add(vectors)
    }
    return anchors
  }

  private static let probeCount = 8
  private static let probeSeed: UInt64 = 0

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
      throw UsageProblem(
        "\(path): cannot be compared: it holds \(other.groups)×\(other.codesPerGroup) codes of \(other.dimension) values, "
          + "the model \(codebook.groups)×\(codebook.codesPerGroup) of \(codebook.dimension)")
    }
  }
}

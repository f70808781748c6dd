import Evaluation
import Evidence
import Experiments
import Files
import Foundation
import Tensor

/// What all parts of a `verify` run share: parts with another plan are neither resumed nor merged.
struct VerifyPlan: Codable, Equatable {
  let run: EvidenceRun
  /// All pictures of the run, whichever part they are in.
  let inputs: EvidenceInputs
  /// Whether the anchors are cut in every single head.
  let cutsHeads: Bool

  /// The first difference in words; `nil` if there is none.
  func difference(_ other: VerifyPlan) -> String? {
    let fields: [(String, (VerifyPlan) -> String)] = [
      ("version", \.run.version), ("model", \.run.modelName), ("config SHA-256", \.run.configSHA256),
      ("weights SHA-256", \.run.weightsSHA256), ("prompt", \.run.prompt), ("seed", { "\($0.run.seed)" }),
      ("number of draws", { "\($0.inputs.draws)" }), ("number of pictures", { "\($0.inputs.pictures)" }),
      ("SHA-256 of the pictures", \.inputs.picturesSHA256),
      ("number of random models", { "\($0.inputs.randomModels)" }), ("cut in every head", { "\($0.cutsHeads)" }),
      ("draws of local cuts", { "\($0.inputs.localDraws)" }), ("model shape", { "\($0.run)" }),
    ]
    for (name, value) in fields where value(self) != value(other) {
      return "\(name) is \(value(self)) in it, expected \(value(other))"
    }
    return nil
  }
}

/// A part of a `verify` run, as far as it has come: a file of two lines, the plan and the evidence.
struct VerifyState {
  let plan: VerifyPlan
  let shard: Shard
  var summary: EvidenceSummary

  init(plan: VerifyPlan, shard: Shard) {
    self.plan = plan
    self.shard = shard
    summary = EvidenceSummary(run: plan.run)
  }

  /// The numbers of the pictures in this part.
  var pictures: Range<Int> { shard.range(of: plan.inputs.pictures) }
  /// The random models that this part runs, and the blank pictures.
  var randomModels: Range<Int> { shard.range(of: plan.inputs.randomModels) }
  var blanks: ArraySlice<String> { BlankPictures.names[shard.range(of: BlankPictures.names.count)] }

  /// What is left to do: pictures, blank pictures and random models.
  var remaining: Int {
    pictures.count - summary.pictures.count + blanks.count - summary.blanks.count + randomModels.count
      - summary.randomModels.count
  }

  private struct Head: Codable {
    var format: String
    var shard: String
    var plan: VerifyPlan
  }

  private static let format = "vocoscope-verify"
  private static let largestFile = 1 << 30

  /// Replaces the file at `path`, whole or not at all.
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes = try encoder.encode(Head(format: Self.format, shard: "\(shard)", plan: plan))
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(try encoder.encode(summary))
    bytes.append(UInt8(ascii: "\n"))
    try FileContents.write([UInt8](bytes), to: path)
  }

  /// Reads the file at `path`; throws a sentence that names it.
  init(path: String) throws {
    let lines = try FileContents.read(path: path, limit: Self.largestFile).split(separator: UInt8(ascii: "\n"))
    let decoder = JSONDecoder()
    guard lines.count == 2, let head = try? decoder.decode(Head.self, from: Data(lines[0])), head.format == Self.format
    else { throw UsageProblem("\(path): is not a file that 'vocoscope verify --out' wrote") }
    guard let summary = try? decoder.decode(EvidenceSummary.self, from: Data(lines[1])), summary.run == head.plan.run,
      let shard = try? Shard(head.shard)
    else { throw UsageProblem("\(path): is damaged: its evidence does not fit its plan") }
    self.plan = head.plan
    self.shard = shard
    self.summary = summary
  }

  /// Continues the part at `path` if there is one, else starts it there.
  static func resume(_ path: String, plan: VerifyPlan, shard: Shard) throws -> VerifyState {
    guard FileManager.default.fileExists(atPath: path) else {
      let state = VerifyState(plan: plan, shard: shard)
      try state.write(to: path)
      return state
    }
    let state = try VerifyState(path: path)
    InputFiles.forget(path)
    if let difference = state.plan.difference(plan) {
      throw UsageProblem("\(path): is of another run: \(difference)")
    }
    guard state.shard == shard else {
      throw UsageProblem("\(path): holds part \(state.shard) of the run, not part \(shard)")
    }
    return state
  }

  /// Puts the finished parts of one run together; throws a sentence that names the file at fault.
  static func merge(_ paths: [String]) throws -> VerifyState {
    let parts = try paths.map { (path: $0, state: try VerifyState(path: $0)) }
    guard let (_, first) = parts.first else { throw UsageProblem("there is no file to merge") }
    var merged = VerifyState(plan: first.plan, shard: .whole)
    var seen: Set<Int> = []
    for (path, state) in parts {
      if let difference = state.plan.difference(first.plan) {
        throw UsageProblem("\(path): is of another run than \(paths[0]): \(difference)")
      }
      guard state.shard.count == first.shard.count, seen.insert(state.shard.number).inserted else {
        throw UsageProblem("\(path): holds part \(state.shard), which does not fit beside the parts before it")
      }
      guard state.remaining == 0 else {
        throw UsageProblem("\(path): is not finished; the same command with --out \(path) goes on with it")
      }
      do {
        try merged.summary.merge(state.summary)
      } catch {
        throw UsageProblem("\(path): \(error)")
      }
    }
    let missing = (1...first.shard.count).filter { !seen.contains($0) }
    guard missing.isEmpty else {
      throw UsageProblem(
        "\(paths[0]): is one of \(first.shard.count) parts, and part \(missing[0])/\(first.shard.count) is missing")
    }
    return merged
  }
}

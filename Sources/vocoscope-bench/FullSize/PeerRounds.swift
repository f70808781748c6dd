import Foundation
import HTCVLM
import ImageLoading
import Statistics
import Tensor
import Trace

/// Rounds in which everybody takes a turn, so that whatever else the machine does slows all of them alike.
struct PeerRounds {
  /// Of the paper's model.
  static let layers = 32
  /// Of a picture and a question in the paper's shape: bos, 4 anchors, 576 patches, voco, 38 of text.
  static let tokens = 620
  static let promptTokens = 38

  let checkpoint: ShapedCheckpoint
  let picture: Picture
  let environment: PeerEnvironment
  let threads: Int
  /// Where the peers' files go.
  let folder: String

  private(set) var samples: [String: Sample] = [:]
  private(set) var versions: [String: String] = [:]
  /// Codes that PyTorch also found, of all.
  private(set) var sameCodes = (same: 0, of: 0)

  init(_ checkpoint: ShapedCheckpoint, picture: Picture, environment: PeerEnvironment, threads: Int, folder: String) {
    self.checkpoint = checkpoint
    self.picture = picture
    self.environment = environment
    self.threads = threads
    self.folder = folder
  }

  /// Models of one and of two layers: the difference is a layer, the rest what every model has.
  private struct Models {
    let one: HTCVLMModel
    let two: HTCVLMModel

    init(_ checkpoint: ShapedCheckpoint, precision: Precision) throws {
      let integers = precision == .int8 ? try checkpoint.integers() : nil
      func model(_ layers: Int) throws -> HTCVLMModel {
        var shape = checkpoint.shape
        shape.layers = layers
        return try checkpoint.model(shape, int8: integers)
      }
      (one, two) = (try model(1), try model(2))
    }
  }

  mutating func run(_ runs: Int) throws {
    let exact = try Models(checkpoint, precision: .exact)
    let int8 = try Models(checkpoint, precision: .int8)
    let visual = try exact.two.encode(picture)
    let (pixels, codes) = ("\(folder)/pixels.f32", "\(folder)/codes.i32")
    guard let mgvq = visual.mgvq else { preconditionFailure("the benchmark's model has a quantizer") }
    try mgvq.pixelValues.values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: pixels)) }
    let own = checkpoint.directory.path
    let torch = try Peer(
      python: environment.python, script: PackageResources.torch_peer_py, name: "torch_peer.py",
      arguments: [own, "\(threads)", "\(Self.tokens)", pixels, codes], folder: folder)
    let llama = try Peer(
      python: environment.python, script: PackageResources.llama_peer_py, name: "llama_peer.py",
      arguments: [own, "\(threads)", "\(Self.tokens)", folder], folder: folder)
    versions = torch.versions.merging(llama.versions) { $1 }
    // The first round reads files, makes code and reorders weights; it does not count.
    for round in -1..<runs {
      try ours(exact, "exact", keeps: round >= 0)
      try torchTurn(torch, keeps: round >= 0)
      try llamaTurn(llama, "F16", keeps: round >= 0)
      try ours(int8, "int8", keeps: round >= 0)
      try llamaTurn(llama, "Q8_0", keeps: round >= 0)
      FileHandle.standardError.write(Data("\rround \(round + 1) of \(runs)".utf8))
    }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    torch.finish()
    llama.finish()
    try compare(codes: codes, with: mgvq.codes.indices)
  }

  private mutating func add(_ name: String, _ seconds: Double, _ keeps: Bool) {
    if keeps { samples[name, default: Sample()].add(seconds) }
  }

  private mutating func ours(_ models: Models, _ name: String, keeps: Bool) throws {
    let (two, cache) = try RunTimes.measure(models.two, picture, promptTokens: Self.promptTokens)
    add("\(name).clip", two.clip, keeps)
    add("\(name).projector", two.projector, keeps)
    add("\(name).mgvq", two.mgvq, keeps)
    add("\(name).anchors", two.anchors, keeps)
    add("\(name).layer", two.context[0], keeps)
    add("\(name).layer.last", two.context[1], keeps)
    add("\(name).layer.voco", two.voco[0], keeps)
    add("\(name).decoder", two.decoder(layers: Self.layers), keeps)
    add("\(name).question", two.question(layers: Self.layers), keeps)
    let visual = cache.visual
    let prompt = try models.one.prompt(ofTokens: Self.promptTokens)
    let one = try models.one.answer(
      prompt, from: try models.one.compress(visual), options: GenerationOptions(maxNewTokens: 6))
    let token = one.generationSeconds / Double(max(1, one.tokenIDs.count - 1))
    add("\(name).token", token + Double(Self.layers - 1) * (two.token - token), keeps)
    add("\(name).token.two", two.token, keeps)
    // The same tokens after one voco, and with no picture before them.
    for source in [VisualSource.voco, .none] {
      let conversation = try models.two.conversation(on: cache, source: source)
      let start = ContinuousClock.now
      var turn = try models.two.ask(prompt, in: conversation)
      _ = try turn.next()
      add("\(name).ask.\(source.rawValue)", (ContinuousClock.now - start).seconds, keeps)
    }
  }

  private mutating func torchTurn(_ torch: Peer, keeps: Bool) throws {
    for stage in ["clip", "projector", "mgvq", "anchors"] { add("torch.\(stage)", try torch.seconds(stage), keeps) }
    let (one, two) = (try torch.seconds("layers1"), try torch.seconds("layers2"))
    add("torch.layer", two - one, keeps)
    add("torch.decoder", one + Double(Self.layers - 1) * (two - one), keeps)
  }

  private mutating func llamaTurn(_ llama: Peer, _ type: String, keeps: Bool) throws {
    let (one, two) = (try llama.seconds("\(type) 1 prefill"), try llama.seconds("\(type) 2 prefill"))
    add("llama.\(type).layer", two - one, keeps)
    add("llama.\(type).decoder", one + Double(Self.layers - 1) * (two - one), keeps)
    let tokens = try [1, 2].map { layers in
      try (0..<5).map { _ in try llama.seconds("\(type) \(layers) token") }.sorted()[2]
    }
    add("llama.\(type).token", tokens[0] + Double(Self.layers - 1) * (tokens[1] - tokens[0]), keeps)
    add("llama.\(type).token.two", tokens[1], keeps)
  }

  private mutating func compare(codes path: String, with own: [Int32]) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let theirs = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
    }
    sameCodes = (zip(own, theirs).count { $0 == $1 }, own.count)
  }

  /// The median of a sample.
  func median(_ name: String) -> Double { samples[name]?.quantile(0.5) ?? .nan }

  func sum(_ names: [String]) -> Double { names.reduce(0) { $0 + median($1) } }
}

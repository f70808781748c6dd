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
  /// Codes that each peer also found, of `codes`.
  private(set) var sameCodes: [StagePeer: Int] = [:]
  private(set) var codes = 0

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
    self.codes = mgvq.codes.indices.count
    try mgvq.pixelValues.values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: pixels)) }
    let own = checkpoint.directory.path
    let peers = try StagePeer.allCases.map { name in
      let peer = try Peer(
        python: environment.python, script: PackageResources.torch_peer_py, name: "torch_peer.py",
        arguments: [
          own, "\(threads)", "\(Self.tokens)", pixels, "\(codes)-\(name.rawValue)", folder, name.rawValue,
        ], folder: folder)
      return (name: name, peer: peer)
    }
    let llama = try Peer(
      python: environment.python, script: PackageResources.llama_peer_py, name: "llama_peer.py",
      arguments: [own, "\(threads)", "\(Self.tokens)", folder], folder: folder)
    versions = peers.reduce(llama.versions) { $0.merging($1.peer.versions) { $1 } }
    // The first round reads files, makes code and reorders weights; it does not count.
    for round in -1..<runs {
      try ours(exact, "exact", keeps: round >= 0)
      for (name, peer) in peers { try turn(of: name, peer, keeps: round >= 0) }
      try llamaTurn(llama, "F16", keeps: round >= 0)
      try ours(int8, "int8", keeps: round >= 0)
      try llamaTurn(llama, "Q8_0", keeps: round >= 0)
      FileHandle.standardError.write(Data("\rround \(round + 1) of \(runs)".utf8))
    }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
    for (_, peer) in peers { peer.finish() }
    llama.finish()
    for name in StagePeer.allCases {
      sameCodes[name] = try same(codes: "\(codes)-\(name.rawValue)", as: mgvq.codes.indices)
    }
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

  private mutating func turn(of name: StagePeer, _ peer: Peer, keeps: Bool) throws {
    for stage in StagePeer.stages { add("\(name.rawValue).\(stage)", try peer.seconds(stage), keeps) }
    let layer = try peer.seconds("layer")
    add("\(name.rawValue).layer", layer, keeps)
    add("\(name.rawValue).decoder", Double(Self.layers) * layer, keeps)
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

  /// Codes in a peer's file that are ours too.
  private func same(codes path: String, as own: [Int32]) throws -> Int {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let theirs = data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
    }
    return zip(own, theirs).count { $0 == $1 }
  }

  /// The median of a sample.
  func median(_ name: String) -> Double { samples[name]?.quantile(0.5) ?? .nan }

  func sum(_ names: [String]) -> Double { names.reduce(0) { $0 + median($1) } }
}

/// Who else runs every stage, converted from the same modules of PyTorch.
enum StagePeer: String, CaseIterable {
  case torch, openvino, openvino8, onnxruntime

  /// Before the decoder, in the order in which one's output is the next one's input.
  static let stages = ["clip", "projector", "mgvq", "anchors"]

  static let exact: [StagePeer] = [.torch, .openvino, .onnxruntime]

  var title: String {
    switch self {
    case .torch: "PyTorch f32"
    case .openvino: "OpenVINO f32"
    case .openvino8: "OpenVINO, weights of 8 bits"
    case .onnxruntime: "ONNX Runtime f32"
    }
  }
}

/// Another program that runs the same stages when told to, so that its turns can alternate with ours.
final class Peer {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending = Data()
  /// Package names and their versions, as the peer says.
  private(set) var versions: [String: String] = [:]

  /// Starts a script that prints its versions once it has loaded.
  init(python: String, script: [UInt8], name: String, arguments: [String], folder: String) throws {
    let path = "\(folder)/\(name)"
    try Data(script).write(to: URL(fileURLWithPath: path))
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [path] + arguments
    process.standardInput = input
    process.standardOutput = output
    let log = "\(folder)/\(name).log"
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
    versions = try JSONDecoder().decode([String: String].self, from: Data(try line().utf8))
  }

  /// Runs a stage; seconds.
  func seconds(_ stage: String) throws -> Double {
    input.fileHandleForWriting.write(Data("\(stage)\n".utf8))
    let text = try line()
    guard let seconds = Double(text) else { throw PeerFailure("\(stage): the peer says “\(text)”") }
    return seconds
  }

  /// Ends the process, by force if it does not go within ten seconds of being told that nothing more comes.
  func finish() {
    try? input.fileHandleForWriting.close()
    for _ in 0..<100 where process.isRunning { Thread.sleep(forTimeInterval: 0.1) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  private func line() throws -> String {
    while true {
      if let end = pending.firstIndex(of: 0x0A) {
        defer { pending.removeSubrange(...end) }
        return String(decoding: pending[..<end], as: UTF8.self)
      }
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw PeerFailure("\(process.arguments ?? []): ended; its log is beside it") }
      pending.append(more)
    }
  }
}

struct PeerFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The peers' packages, in an environment of their own that is made on first use.
struct PeerEnvironment {
  let folder: String

  var python: String { "\(folder)/bin/python" }

  /// PyTorch's index is asked for torch alone, without what torch needs: a network that cannot reach it would otherwise wait
  /// for every package, many times.
  private static let packages = [
    ["--retries", "1", "--no-deps", "--extra-index-url", "https://download.pytorch.org/whl/cpu", "torch==2.13.0+cpu"],
    ["--upgrade", "filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions"],
    ["numpy", "transformers", "safetensors", "gguf"],
    ["openvino", "nncf", "onnx", "onnxscript", "onnxruntime"],
    // From source, so that it uses what this processor has.
    ["--no-binary", "llama-cpp-python", "llama-cpp-python"],
  ]

  /// Makes the environment unless it is complete.
  func install() throws {
    let done = "\(folder)/installed-with-openvino"
    guard !FileManager.default.fileExists(atPath: done) else { return }
    print("installing the peers into \(folder): this builds llama.cpp and takes minutes")
    try call("/usr/bin/env", ["python3", "-m", "venv", folder])
    for packages in Self.packages {
      print("  \(packages.last ?? "")")
      try call("\(folder)/bin/pip", ["install", "--quiet"] + packages)
    }
    _ = FileManager.default.createFile(atPath: done, contents: nil)
  }

  private func call(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["CMAKE_ARGS": "-DGGML_NATIVE=ON"]) { $1 }
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw PeerFailure("\(program) \(arguments.joined(separator: " ")): exit status \(process.terminationStatus)")
    }
  }
}

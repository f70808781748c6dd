import Evidence
import Experiments
import Files
import Foundation
import HTCVLM
import Inspector
import JSON
import Tensor
import TerminalUI
import Trace

/// Readers of several files together, and what runs on what they read.
enum ModelTargets {
  /// - Parameter scratch: a folder in which directories of links to the fixtures are made.
  static func all(scratch: String) throws -> [Target] {
    try directories(scratch: scratch) + series(scratch: scratch) + states(scratch: scratch) + integers(scratch: scratch)
      + inspector(scratch: scratch)
  }

  /// Makes `scratch/name` a copy of `directory` by links.
  private static func link(_ directory: String, as name: String, in scratch: String) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: "\(scratch)/\(name)", withIntermediateDirectories: true)
    for file in try files.contentsOfDirectory(atPath: directory) {
      let place = "\(scratch)/\(name)/\(file)"
      try? files.removeItem(atPath: place)
      try files.createSymbolicLink(atPath: place, withDestinationPath: "\(directory)/\(file)")
    }
  }

  private static func directories(scratch: String) throws -> [Target] {
    /// A directory one of whose files is the input.
    func target(
      _ directory: String, _ file: String, _ format: Format, seed: String? = nil, text: String? = nil, weight: Int = 4,
      open: @escaping (String) -> CheckpointSource = { .directory($0) }
    ) throws -> Target {
      let path = "HTCVLMTests/Fixtures/\(directory)"
      let name = "\(directory.split(separator: "/").joined(separator: "-"))-\(file)"
      try link("\(Fixtures.root)/\(path)", as: name, in: scratch)
      let bytes = text.map { Array($0.utf8) } ?? Fixtures.bytes("\(path)/\(seed ?? file)")
      return Target(name, format, weight: weight, seeds: [bytes], file: file) { input in
        try run(open(URL(fileURLWithPath: input).deletingLastPathComponent().path))
      }
    }
    /// Where the tower is.
    func beside(_ tower: String) -> (String) -> CheckpointSource {
      { .parts(ModelParts(llm: $0, vision: "\(Fixtures.families)/\(tower)/vision")) }
    }
    let (original, bin) = (beside("original"), beside("bin"))
    func tower(_ path: String) -> CheckpointSource {
      .parts(ModelParts(llm: "\(Fixtures.families)/bin", vision: path))
    }
    func adapter(_ path: String) -> CheckpointSource {
      let base = "\(Fixtures.families)/lora"
      return .parts(ModelParts(llm: "\(base)/base", vision: "\(base)/vision", adapter: path))
    }
    let added = #"{"<voco>": 420, "<pad>": 421, "<im_start>": 422}"#
    let settings =
      #"{"legacy": true, "added_tokens_decoder": {"420": {"content": "<voco>"}, "421": {"content": "[PAD]"}}}"#
    let tokenizer = #"{"added_tokens": [{"id": 420, "content": "<voco>"}, {"id": 3, "content": "x"}], "model": {}}"#
    let special = #"{"additional_special_tokens": ["<voco>", {"content": "<x>"}], "bos_token": "<s>"}"#
    let generation = #"{"eos_token_id": [2, 3], "bos_token_id": 1, "temperature": 0.5, "max_length": 20}"#
    return try [
      target("parity/star-png", "config.json", .json), target("parity/sharded-f16-hwc", "config.json", .json),
      target("parity/sharded-f16-hwc", "model.safetensors.index.json", .json),
      target("parity/voco-causal-bf16", "preprocessor_config.json", .json),
      target("parity/voco-causal-bf16", "generation_config.json", .json, text: generation),
      target("parity/voco-causal-bf16", "tokenizer.model", .protobuf),
      target("parity/voco-causal-bf16", "model.safetensors", .weights, weight: 1),
      target("families/original", "config.json", .json, open: original),
      target("families/original", "added_tokens.json", .json, text: added, open: original),
      target("families/original", "tokenizer_config.json", .json, text: settings, open: original),
      target("families/original", "tokenizer.json", .json, text: tokenizer, open: original),
      target("families/original", "special_tokens_map.json", .json, text: special, open: original),
      target("families/original", "generation_config.json", .json, text: generation, open: original),
      target("families/original", "model.safetensors", .safetensors, weight: 1, open: original),
      target("families/hf", "config.json", .json), target("families/hf", "generation_config.json", .json),
      target("families/hf", "preprocessor_config.json", .json), target("families/bin", "config.json", .json, open: bin),
      target("families/bin", "pytorch_model.bin.index.json", .json, open: bin),
      target("families/bin/vision", "config.json", .json, open: tower),
      target("families/bin/vision", "preprocessor_config.json", .json, open: tower),
      target("families/lora/adapter", "adapter_config.json", .json, open: adapter),
      target("families/lora/adapter", "config.json", .json, open: adapter),
      target("families/lora/adapter", "adapter_model.safetensors", .safetensors, open: adapter),
      target("families/lora/adapter", "non_lora_trainables.bin", .pickle, open: adapter),
    ]
  }

  /// Opens a checkpoint, and runs it on a picture where it would be run.
  private static func run(_ source: CheckpointSource) throws {
    let picture = try PictureSource(path: "\(Fixtures.root)/ImageLoadingTests/Fixtures/rgb8.png")
    let pipeline = try Pipeline(opening: source, version: "fuzz", availableMemory: 64 << 20)
    let request = Pipeline.Request(prompt: "what?", options: GenerationOptions(maxNewTokens: 2))
    let trace = try pipeline.trace(picture, request)
    if let attention = trace.language?.attentionVoco.values, !attention.allSatisfy(\.isFinite) {
      throw FuzzFinding("a run ends with attention that is not finite")
    }
    show(trace)
  }

  /// Draws a trace in every panel, and writes its reports.
  private static func show(_ trace: Trace, actions: [Action] = []) {
    let size = Size(width: 100, height: 30)
    var state = InspectorState(
      imageName: trace.provenance.imageName, prompt: trace.provenance.prompt, size: size,
      capabilities: InspectorState.Capabilities(runsModel: false))
    let picture = trace.mgvq.map { [Action.picture(Picture(signed: $0.pixelValues), name: "picture")] } ?? []
    for action in picture + [.trace(trace), .finished] + actions { _ = update(&state, action) }
    for panel in Panel.allCases {
      _ = update(&state, .command(panel.command))
      _ = view(state, size: size)
    }
    let reports = state.reports
    _ = (ReportText.text(reports), ReportText.json(reports), ReportText.csv(reports))
  }

  /// States of verify: read, judged and printed, alone and merged.
  private static func states(scratch: String) throws -> [Target] {
    let seed = try recorded("verify.jsonl", in: scratch) { path in
      let pipeline = try Pipeline(opening: "\(Fixtures.parity)/star-png", version: "fuzz")
      let pictures = try VerifyPictures(
        ["star-png/image.png", "sharded-f16-hwc/image.png", "voco-causal-bf16/image.jpg"].map {
          "\(Fixtures.parity)/\($0)"
        })
      let subject = try VerifySubject(
        pipeline.checkpoint, model: pipeline.model, prompts: ["a?", "b?"], version: "fuzz")
      let run = VerifyRun(
        subject, pictures.files, tensors: pipeline.checkpoint.tensors, preprocessor: pipeline.checkpoint.preprocessor,
        picturesSHA256: pictures.sha256, seed: 0, randomModels: true, progress: { _ in })
      _ = try run.finish(savingTo: path)
    }
    return [
      Target("verify-state", .lines(separator: 0x0A), weight: 4, seeds: [seed], file: "state.jsonl") { path in
        let report = VerifyReport(try VerifyStateFile.load(path))
        _ = (report.text, report.csv)
        _ = try JSONValue(parsing: Array(try report.json.utf8))
        _ = try? VerifyStateFile.merge([path])
      }
    ]
  }

  /// The cache of 8-bit matrices: damaged or another's, it is made anew, and a run is as before.
  private static func integers(scratch: String) throws -> [Target] {
    let (folder, cache) = ("int8-cache", "vocoscope-int8.safetensors")
    func open(_ directory: String) throws -> Trace {
      let pipeline = try Pipeline(opening: directory, version: "fuzz", precision: .int8)
      let request = Pipeline.Request(prompt: "what?", options: GenerationOptions(maxNewTokens: 1))
      return try pipeline.trace(PictureSource(path: "\(Fixtures.parity)/star-png/image.png"), request)
    }
    let seed = try recorded("int8.safetensors", in: scratch) { path in
      try link("\(Fixtures.parity)/star-png", as: folder, in: scratch)
      _ = try open("\(scratch)/\(folder)")
      try FileManager.default.copyItem(atPath: "\(scratch)/\(folder)/\(cache)", toPath: path)
    }
    unlink("\(scratch)/\(folder)/\(cache)")
    let right = try open("\(scratch)/\(folder)").language
    return [
      Target(folder, .safetensors, weight: 2, seeds: [seed], file: cache) { path in
        let found = try open(URL(fileURLWithPath: path).deletingLastPathComponent().path).language
        guard found?.attentionVoco == right?.attentionVoco else {
          throw FuzzFinding("another result with a damaged cache of 8-bit matrices")
        }
      }
    ]
  }

  /// A checkpoint of a training run beside one as it should be, and codes that one may have chosen.
  private static func series(scratch: String) throws -> [Target] {
    let folder = "\(scratch)/codebook-series"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(FileTargets.codebooks).write(to: URL(fileURLWithPath: "\(folder)/step-1.safetensors"))
    return [
      Target("codebook-series", .safetensors, seeds: [FileTargets.codebooks], file: "step-2.safetensors") { path in
        let series = try CodebookSeries(
          directory: URL(fileURLWithPath: path).deletingLastPathComponent().path, CodebookSeries.Settings())
        _ = (series.text, series.csv)
        _ = try JSONValue(parsing: Array(try series.json.utf8))
      },
      Target("codes", .safetensors, seeds: [FileTargets.dumped], file: "input.safetensors") { path in
        let codes = try DumpedCodes(path: path, groups: 2).grids
        try FileTargets.judge(try MGVQSource(path: "\(folder)/step-1.safetensors"), codes: codes)
      },
    ]
  }

  /// Makes the file `name` of `scratch` where it is not there yet, and returns its bytes: recorded once, read by each worker.
  private static func recorded(_ name: String, in scratch: String, make: (String) throws -> Void) throws -> [UInt8] {
    let path = "\(scratch)/\(name)"
    if access(path, R_OK) != 0 { try make(path) }
    return try FileContents.read(path: path, limit: 1 << 24)
  }

  /// A run of a fixture, and what the inspector does with it and with what a person types.
  private static func inspector(scratch: String) throws -> [Target] {
    let seed = try recorded("trace.safetensors", in: scratch) { path in
      let directory = "\(Fixtures.parity)/voco-causal-bf16"
      let request = Pipeline.Request(prompt: "what?", options: GenerationOptions(maxNewTokens: 2))
      let pipeline = try Pipeline(opening: directory, version: "fuzz")
      try TraceFile.write(try pipeline.trace(PictureSource(path: "\(directory)/image.jpg"), request), to: path)
    }
    let trace = try TraceFile.read(path: "\(scratch)/trace.safetensors")
    let keys = #"{"keys": {"quit": ["Q", "ctrl-x"], "nextLayer": "n", "help": "f1", "palette": []}}"#
    return [
      Target("trace", .safetensors, weight: 4, seeds: [seed]) { show(try TraceFile.read(path: $0)) },
      Target("trace-values", .weights, weight: 2, seeds: [seed]) { show(try TraceFile.read(path: $0)) },
      Target("keys-file", .json, seeds: [Array(keys.utf8)]) { path in
        _ = try KeyMap(json: String(decoding: FileContents.read(path: path, limit: 1 << 24), as: UTF8.self), file: path)
      },
      Target(
        "input", .bytes, weight: 2, seeds: [Array("1234567jjkkhl]]}}:/x?+-n\u{1B}".utf8), Array("é\u{301}🙂".utf8)]
      ) {
        try type(try FileContents.read(path: $0, limit: 1 << 24), into: trace)
      },
      Target("session", .lines(separator: 0x0A), weight: 20, seeds: [Array(session.utf8)]) { path in
        let log = try SessionLog(parsing: FileContents.text(path: path, limit: 1 << 24), file: path)
        var state = try InspectorState(log.start, imageName: "a", runsModel: true, file: path)
        for action in [Action.trace(trace), .finished] + log.entries.compactMap(\.action) { _ = update(&state, action) }
        _ = view(state, size: state.size)
      },
      Target("text", .bytes, weight: 150, seeds: ByteMutation.texts.map { Array($0.utf8) }) { path in
        let text = String(decoding: try FileContents.read(path: path, limit: 1 << 24), as: UTF8.self)
        for shown in [printable(text), printable(json: text)] {
          if let wrong = shown.unicodeScalars.first(where: steers) {
            throw FuzzFinding("U+\(String(wrong.value, radix: 16)) passes")
          }
        }
        _ = (wrapped(text, to: 20), truncated(text, to: 7), textCells(text))
      },
    ]
  }

  /// As `--record` writes it, and a view as it was left.
  private static let session = #"""
    {"depth":"256","format":"vocoscope session","mouse":true,"options":[],"picture":{"path":"a.png"},"program":"1","prompt":"?","size":[100,30],"symbols":"half","theme":"dark","unicode":true,"version":1,"workspace":"explore"}
    {"key":"2"}
    {"done":[1,2],"got":"progress","job":1,"seconds":[0.5],"stage":"load"}
    {"got":"reopened","job":1,"kept":{"cursor":{"anchor":0,"code":{"column":2,"row":2},"key":{"patch":{"_0":21}},"patch":{"column":3,"row":3},"place":"code"},"focus":3,"view":{"anchorsDisplay":"overview","compareDisplay":"maps","display":"map","edits":[],"group":0,"hidesSinks":false,"inspected":{"voco":{}},"isZoomed":false,"layer":0,"metric":"share","overlay":"none","prompt":"?","scale":"log","selection":[{"patch":{"_0":3}}],"showsDiff":false,"showsMaskCells":false,"showsRules":false,"takesMaximum":false,"takesMouse":true,"theme":0,"verdictDisplay":"claims","visualOnly":false,"workspace":"explore"},"weightsSHA256":"b3"}}
    {"at":[5,6],"mouse":"press"}
    {"resize":[60,20]}
    {"command":"nextLayer"}
    {"paste":"a"}
    {"key":"3"}

    """#

  private static func steers(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A, 0x0D: false
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: true
    default: false
    }
  }

  /// Each byte is a key, a click, a resize or the beginning of a paste.
  private static func type(_ bytes: [UInt8], into trace: Trace) throws {
    var size = Size(width: 90, height: 28)
    var state = InspectorState(imageName: "a", prompt: "?", size: size, capabilities: .init(runsModel: true))
    for action in [Action.trace(trace), .finished] { _ = update(&state, action) }
    let keys: [Key] = [
      .up, .down, .left, .right, .home, .end, .pageUp, .pageDown, .enter, .escape, .tab, .backTab, .backspace, .delete,
    ]
    let kinds: [MouseEvent.Kind] = [.press, .release, .drag, .doubleClick, .scrollUp, .scrollDown]
    for (index, byte) in bytes.prefix(200).enumerated() {
      let event: InputEvent
      switch byte {
      case 0..<14: event = .key(keys[Int(byte)])
      case 14..<0x1B: event = .key(.control(Character(UnicodeScalar(0x61 + byte))))
      case 0x1B: event = .key(.escape)
      case 0x80..<0xA0:
        event = .mouse(
          MouseEvent(kinds[Int(byte) % kinds.count], at: Point(x: Int(byte) * 3 % size.width, y: index % size.height))
        )
      case 0xA0..<0xB0:
        size = Size(width: 1 + Int(byte) * 7 % 160, height: 1 + index * 5 % 60)
        event = .resize(size)
      case 0xB0..<0xC0: event = .paste(String(decoding: bytes, as: UTF8.self))
      default: event = .key(.character(Character(UnicodeScalar(byte))))
      }
      _ = update(&state, .input(event))
      if index % 8 == 0 { _ = view(state, size: size) }
    }
    _ = view(state, size: size)
  }
}

import Evaluation
import Experiments
import Files
import Foundation
import HTCVLM
import ImageLoading
import JSON
import Safetensors
import Tensor
import Tokenization
import Trace
import WeightFormats

/// Readers of one file each.
enum FileTargets {
  static var all: [Target] { weights + text + pictures + benchmarks }

  /// Looks at every tensor that a reader gave.
  static func touch(_ tensors: some Sequence<StoredTensor>) {
    for tensor in tensors.prefix(64) {
      tensor.withUnsafeBytes { bytes in precondition(bytes.count == tensor.byteCount) }
      if tensor.dtype.isWeight, tensor.count < 1 << 18 { _ = tensor.float32() }
    }
  }

  private static let tensors =
    [codebooks, dumped]
    + ["WeightFormatsTests", "TraceTests"].flatMap {
      Fixtures.all("\($0)/Fixtures", [".safetensors"], largest: 1 << 14)
    }
  private static let archives = Fixtures.all("WeightFormatsTests/Fixtures", [".pt"], largest: 1 << 14)

  private static var weights: [Target] {
    [
      Target("safetensors", .safetensors, weight: 300, seeds: tensors) { path in
        touch(try SafetensorsFile(path: path).tensors.values)
      },
      Target("pytorch", .pickle, weight: 300, seeds: archives) { path in
        touch(try PyTorchFile(path: path).tensors.values)
      },
      Target("weight-file", .bytes, seeds: tensors + archives) { path in
        touch(try WeightFiles(file: path).tensors.values)
      },
      Target("quantizer", .pickle, seeds: [Fixtures.bytes("WeightFormatsTests/Fixtures/pytorch/mgvq.pt")] + archives) {
        _ = try MGVQModel(try MGVQSource(path: $0))
      },
      Target("codebook", .safetensors, seeds: [codebooks]) { try judge(try MGVQSource(path: $0)) },
      Target("codes-numpy", .numpy, weight: 150, seeds: numpySeeds) { path in
        for groups in [1, 2] { _ = try? DumpedCodes(path: path, groups: groups) }
        _ = try DumpedCodes(path: path, groups: 3, axis: 1)
      },
    ]
  }

  /// What `codebook` prints of a file of weights, with codes that were dumped.
  static func judge(_ source: MGVQSource, codes: [CodeGrid]? = nil) throws {
    let run = try CodebookRun(source, imageSize: 28, wantsPatches: false, version: "fuzz")
    let two = CodeGrid(groups: run.groups, height: 1, width: 2, indices: (0..<2 * run.groups).map { Int32($0 & 1) })
    let question = CodebookRun.Question(pictures: try VerifyPictures([]), codes: codes ?? [two], against: nil)
    let answer = try run.answer(question)
    let report = CodebookText(answer.document)
    _ = (report.text, report.csv)
    _ = try JSONValue(parsing: Array(try report.json.utf8))
  }

  /// The codebooks of a residual quantizer, with the counts of training.
  static var codebooks: [UInt8] {
    func values(_ count: Int) -> [UInt8] { (0..<count).flatMap { Container.little(0x3F00_0000 + $0 * 7919 << 6, 4) } }
    return Container.safetensors([
      ("rvq.0.codebook", "F32", [16, 4], values(64)), ("rvq.1.codebook", "F32", [16, 4], values(64)),
      ("rvq.0.cluster_size", "F32", [16], values(16)), ("rvq.1.cluster_size", "F32", [16], values(16)),
    ])
  }

  static var dumped: [UInt8] {
    Container.safetensors([
      ("a", "I64", [3, 2, 4], (0..<24).flatMap { Container.little($0, 8) }),
      ("b", "U8", [2, 4], (0..<8).map { UInt8($0) }),
    ])
  }

  /// As NumPy writes them: an array of bytes, one of 64-bit integers, and an archive of both.
  private static var numpySeeds: [[UInt8]] {
    func array(_ type: String, _ shape: String, _ data: [UInt8]) -> [UInt8] {
      var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
      header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
      return [0x93] + Array("NUMPY".utf8) + [1, 0] + Container.little(header.utf8.count, 2) + Array(header.utf8) + data
    }
    let small = array("|u1", "2, 3, 4", (0..<24).map { UInt8($0) })
    let wide = array("<i8", "3, 2", (0..<6).flatMap { Container.little($0, 8) })
    return [small, wide, Container.archive(["a.npy": small, "b.npy": wide])]
  }

  private static var text: [Target] {
    let configurations = Fixtures.all("HTCVLMTests/Fixtures", [".json"])
    let model = Fixtures.all("HTCVLMTests/Fixtures/parity", ["config.json"])
    return [
      Target("json", .json, weight: 150, seeds: configurations) { path in
        let value = try JSONValue(file: path)
        let again = try JSONValue(parsing: Array(value.line.utf8))
        guard again == value || value.line.contains("null") else {
          throw FuzzFinding("JSON is read otherwise than written")
        }
      },
      Target("config", .json, weight: 300, seeds: model) { path in
        let configuration = try HTCVLMConfiguration(path: path)
        _ = try HTCVLMModel.expectedTensors(configuration)
        _ = MemoryEstimate(configuration: configuration, tensors: [:], precision: .exact)
      },
      Target(
        "preprocessor", .json, weight: 150, seeds: Fixtures.all("HTCVLMTests/Fixtures", ["preprocessor_config.json"])
      ) {
        let configuration = try ImageProcessorConfiguration(path: $0, imageSize: 84)
        let picture = Picture(width: 7, height: 5, pixels: [UInt8](repeating: 9, count: 105))
        _ = try ImagePreprocessor(imageSize: 84, steps: configuration.steps, aspect: .pad).pixelValues(picture)
      },
      Target(
        "tokenizer", .protobuf, weight: 150, seeds: [Fixtures.bytes("TokenizationTests/Fixtures/tokenizer.model")],
        read: readTokenizer),
      Target(
        "tokenizer-json", .json, weight: 150,
        seeds: Fixtures.all("TokenizationTests/Fixtures/documents", ["llama.json", "random-6.json", "random-8.json"]),
        read: readTokenizer),
    ]
  }

  private static func readTokenizer(_ path: String) throws {
    let tokenizer = try SentencePieceTokenizer(path: path)
    var detokenizer = StreamingDetokenizer(tokenizer: tokenizer)
    for text in ["what is in the picture?", "é\u{301}\u{1B}[2J\u{202E}", "<voco> <0x0A> </s>\n"] {
      let ids = try tokenizer.encode(text)
      _ = tokenizer.decode(ids)
      for id in ids { _ = (detokenizer.append(id), tokenizer.kind(id), tokenizer.byte(id)) }
      _ = detokenizer.finish()
    }
  }

  private static var pictures: [Target] {
    let folder = "ImageLoadingTests/Fixtures"
    func look(_ path: String) throws {
      let picture = try ImageDecoder.decode(path: path, limits: ImageLimits(side: 65536, pixels: 1 << 22))
      _ = picture.image.preview(maxSide: 64)
    }
    return [
      Target("png", .png, weight: 300, seeds: Fixtures.all(folder, [".png"], largest: 2048), read: look),
      Target("jpeg", .jpeg, weight: 300, seeds: Fixtures.all(folder, [".jpg"], largest: 2048), read: look),
    ]
  }

  private static var benchmarks: [Target] {
    let folder = "EvaluationTests/Fixtures"
    func target(_ benchmark: Benchmark, _ file: String, _ format: Format = .json, annotations: String? = nil) -> Target
    {
      let ending = file.split(separator: ".").last.map { ".\($0)" } ?? ""
      return Target(
        "benchmark-\(benchmark.rawValue)-\(file.split(separator: "/").last ?? "")", format,
        seeds: [Fixtures.bytes("\(folder)/\(file)")], file: "input\(ending)"
      ) { path in
        let set = try QuestionSet(
          benchmark, path: path,
          options: .init(annotations: annotations.map { "\(Fixtures.root)/\(folder)/\($0)" }))
        let answers = set.questions.map { ($0.index, $0.answers.first ?? "A") }
        let card = set.score(Dictionary(answers) { first, _ in first })
        guard card.items.allSatisfy({ (0...1).contains($0.score) }) else { throw FuzzFinding("a score outside 0…1") }
      }
    }
    return [
      target(.llava, "llava.jsonl", .lines(separator: 0x0A)),
      target(.pope, "pope/coco_pope_random.json", .lines(separator: 0x0A)),
      target(.pope, "pope/llava_pope_test.jsonl", .lines(separator: 0x0A), annotations: "pope"),
      target(.mme, "llava_mme.jsonl", .lines(separator: 0x0A), annotations: "mme"),
      target(.gqa, "gqa/testdev_balanced_questions.json"),
      target(
        .gqa, "gqa/llava_gqa_testdev_balanced.jsonl", .lines(separator: 0x0A),
        annotations: "gqa/testdev_balanced_questions.json"),
      target(.vqav2, "vqav2/questions.json", annotations: "vqav2/annotations.json"),
      target(.mmbench, "mmbench.tsv", .lines(separator: 0x09)),
      target(.mmbench, "mmbench_rotated.tsv", .lines(separator: 0x09)),
      target(.seedbench, "seedbench/SEED-Bench.json"), target(.scienceqa, "scienceqa/llava_test_CQM-A.json"),
      Target("results", .lines(separator: 0x0A), weight: 150, seeds: [Array(results.utf8)], file: "input.jsonl") {
        path in
        _ = try ResultsFile.merge([path], to: path + ".merged")
      },
    ]
  }

  private static let results = """
    {"vocoscope_results":1,"benchmark":"pope","questions":"q.json","questions_sha256":"00","question_count":3,"model":"m",\
    "model_sha256":"11","prompt_template":"{prompt}","settings":"s","shard":"1/1"}
    {"index":0,"question_id":1,"text":"yes","tokens":2,"image_sha256":"22"}
    {"index":1,"question_id":"b","text":"no","tokens":null,"image_sha256":null}
    {"index":2,"question_id":3,"text":"","tokens":0,"image_sha256":"33"}

    """
}

/// A wrong result that no precondition of the program stopped; it counts as a crash.
struct FuzzFinding: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

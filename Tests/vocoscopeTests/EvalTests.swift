import Foundation
import TerminalUI
import TestSupport
import Testing

/// A folder with a benchmark's files, the same picture under every name that they use.
private struct Benchmark {
  let folder: TemporaryFolder
  let name: String
  /// Arguments of `eval` up to the model.
  let arguments: [String]

  init(_ name: String, questions: String, files: [String: String], pictures: [String], more: [String] = []) throws {
    folder = try TemporaryFolder()
    self.name = name
    for (path, text) in files { try Self.write(Data(text.utf8), folder.path(path)) }
    let picture = try Data(contentsOf: URL(fileURLWithPath: ParityCase.image))
    for path in pictures { try Self.write(picture, folder.path(path)) }
    let folder = folder
    arguments =
      ["eval", folder.path(questions), "--benchmark", name, "--images", folder.root, "--max-new-tokens", "2"]
      + more.map { $0.hasPrefix("--") ? $0 : folder.path($0) }
  }

  private static func write(_ data: Data, _ path: String) throws {
    let url = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: url)
  }

  /// Two pictures, two questions each.
  static func llava() throws -> Benchmark {
    let lines = [
      ("q1", "a.png", ParityCase.prompt, "red", "which"), ("q2", "a.png", "how many?", "two", "count"),
      ("q3", "b.png", "what is it?", "cat", "which"), ("q4", "b.png", "how many cats?", "one", "count"),
    ].map { id, image, text, answer, category in
      #"{"question_id": "\#(id)", "image": "\#(image)", "text": "\#(text)", "answer": "\#(answer)", "category": "\#(category)"}"#
        + "\n"
    }
    return try Benchmark(
      "llava", questions: "questions.jsonl", files: ["questions.jsonl": lines.joined()], pictures: ["a.png", "b.png"])
  }

  static func all() throws -> [Benchmark] {
    let suffix = #"\nAnswer the question using a single word or phrase."#
    let png = try Data(contentsOf: URL(fileURLWithPath: ParityCase.image)).base64EncodedString()
    let answers = Array(repeating: #"{"answer": "down", "answer_confidence": "yes", "answer_id": 1}"#, count: 10)
    return [
      try llava(),
      try Benchmark(
        "pope", questions: "coco_pope_random.json",
        files: [
          "coco_pope_random.json":
            #"{"question_id": 1, "image": "a.png", "text": "Is there a dog in the image?", "label": "yes"}"#
        ], pictures: ["a.png"]),
      try Benchmark(
        "mme", questions: "mme",
        files: ["mme/existence/7.txt": "Is it a dog? Please answer yes or no.\tYes\nIs it a cat?\tNo\n"],
        pictures: ["existence/7.jpg"]),
      try Benchmark(
        "gqa", questions: "llava_gqa.jsonl",
        files: [
          "llava_gqa.jsonl": #"{"question_id": "201", "image": "n1.jpg", "text": "Is it overcast?\#(suffix)"}"#,
          "gqa.json":
            #"{"201": {"question": "Is it overcast?", "imageId": "n1", "isBalanced": true, "answer": "no", "types": {"structural": "verify"}}}"#,
        ], pictures: ["n1.jpg"], more: ["--annotations", "gqa.json"]),
      try Benchmark(
        "vqav2", questions: "v2.json",
        files: [
          "v2.json":
            #"{"data_subtype": "val2014", "questions": [{"image_id": 42, "question": "Where?", "question_id": 420}]}"#,
          "annotations.json":
            #"{"annotations": [{"question_id": 420, "answer_type": "other", "answers": [\#(answers.joined(separator: ", "))]}]}"#,
        ], pictures: ["COCO_val2014_000000000042.jpg"], more: ["--annotations", "annotations.json"]),
      try Benchmark(
        "mmbench", questions: "mmbench.tsv",
        files: [
          "mmbench.tsv": "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\n"
            + "5\tWhich is taller?\tnan\tthe tower\tthe hut\t\t\tA\tspatial\t\(png)\n"
        ], pictures: []),
      try Benchmark(
        "seedbench", questions: "SEED-Bench.json",
        files: [
          "SEED-Bench.json":
            #"{"questions": [{"answer": "A", "choice_a": "One", "choice_b": "Two", "choice_c": "Three", "choice_d": "Four", "data_id": "1_2", "data_type": "image", "question": "How many?", "question_id": "101669", "question_type_id": 5}], "question_type": {"Instances Counting": 5}}"#
        ], pictures: ["1_2", "SEED-Bench-image/1_2"]),
      try Benchmark(
        "scienceqa", questions: "problems.json",
        files: [
          "problems.json":
            #"{"5": {"question": "Which?", "choices": ["this", "that"], "answer": 1, "hint": "", "image": "image.png", "subject": "natural science"}}"#,
          "pid_splits.json": #"{"test": ["5"]}"#,
        ], pictures: ["5/image.png"]),
    ]
  }

  /// The name that a test of all benchmarks may pick one by.
  static let names = ["llava", "pope", "mme", "gqa", "vqav2", "mmbench", "seedbench", "scienceqa"]

  func run(_ more: [String] = [], model: String? = ParityCase.directory) throws -> Program.Result {
    try Program.run(arguments + (model.map { ["--model", $0] } ?? []) + more)
  }

  func object(_ more: [String], model: String? = ParityCase.directory) throws -> [String: Any] {
    let result = try run(more + ["--format", "json"], model: model)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  /// Writes a copy of the answers in `file` that say `texts` instead, in the order of the questions.
  func answers(_ texts: [String], like file: String, as name: String) throws -> String {
    var lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
    for (index, text) in texts.enumerated() {
      lines[index + 1] = lines[index + 1].replacing(/"text":"([^"\\]|\\.)*"/) { _ in "\"text\":\"\(text)\"" }
    }
    lines[0] = lines[0].replacing("\"model\":\"star-png\"", with: "\"model\":\"\(name)\"")
    let path = folder.path("\(name).jsonl")
    try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }
}

@Suite("Evaluation on benchmarks", .serialized)
struct EvalTests {
  @Test(
    "Each benchmark's own files are asked and scored, and right answers score all points", arguments: Benchmark.names)
  func formats(name: String) throws {
    let benchmark = try #require(try Benchmark.all().first { $0.name == name })
    let right: [String: [String]] = [
      "llava": ["Red.", "two", "cat", "one"], "pope": ["Yes"], "mme": ["Yes", "No"], "gqa": ["no"], "vqav2": ["down"],
      "mmbench": ["A", "B"], "seedbench": ["A"], "scienceqa": ["B"],
    ]
    let texts = try #require(right[name])
    let file = benchmark.folder.path("answers.jsonl")
    let report = try benchmark.object(["--out", file])
    #expect(report["benchmark"] as? String == name)
    #expect(report["question_count"] as? Int == texts.count)
    let provenance = try #require((report["provenance"] as? [String: Any])?["models"] as? [[String: Any]])
    #expect((provenance[0]["model_sha256"] as? String)?.count == 129)
    #expect((provenance[0]["pictures_sha256"] as? String)?.count == 64)
    #expect(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count == texts.count + 1)

    let perfect = try benchmark.object([], model: benchmark.answers(texts, like: file, as: "perfect"))
    let model = try #require((perfect["models"] as? [[String: Any]])?.first)
    #expect((model["overall"] as? [String: Any])?["score"] as? Double == 1)
    #expect((model["unanswered"] as? [Any])?.isEmpty == true)
    #expect(model["model"] as? String == "perfect")
  }

  @Test("A question is answered as the report of the same picture and prompt answers it")
  func sameAnswer() throws {
    let benchmark = try Benchmark.llava()
    let file = benchmark.folder.path("answers.jsonl")
    let result = try benchmark.run(["--max-new-tokens", "8", "--out", file])
    #expect(result.status == 0, "\(result.errors)")
    let recorded = try String(contentsOfFile: ParityCase.directory + "/answer.txt", encoding: .utf8)
    let line = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")[1]
    let answer = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    let trimmed = { (text: String) in text.trimmingCharacters(in: .whitespacesAndNewlines) }
    #expect(trimmed(try #require(answer["text"] as? String)) == trimmed(recorded))
    #expect(answer["question_id"] as? String == "q1" && answer["tokens"] as? Int == 8)
    #expect((answer["image_sha256"] as? String)?.count == 64)
  }

  @Test("An interrupted run goes on where it was, and other settings or another model are refused")
  func resumes() throws {
    let benchmark = try Benchmark.llava()
    let file = benchmark.folder.path("answers.jsonl")
    let whole = try benchmark.run(["--out", file])
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(whole.output.contains("overall") && whole.output.contains("which"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let torn = lines[0].count + lines[1].count + lines[2].count + 20
    try bytes.prefix(torn).write(to: URL(fileURLWithPath: file))
    let resumed = try benchmark.run(["--out", file])
    #expect(resumed.status == 0 && resumed.output == whole.output)
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
    #expect(try benchmark.run().output == whole.output)

    let causal = URL(fileURLWithPath: ParityCase.directory).deletingLastPathComponent()
      .appendingPathComponent("voco-causal-bf16").path
    let cases = [
      (["--from", "full"], ParityCase.directory, "the settings"), ([], causal, "a model whose SHA-256"),
      (["--shard", "1/2"], ParityCase.directory, "the shard"),
    ]
    for (more, model, sentence) in cases {
      let refused = try benchmark.run(["--out", file] + more, model: model)
      #expect(refused.status == 1 && refused.output.isEmpty)
      #expect(refused.errors.contains("answers.jsonl: was made with \(sentence)"), "\(refused.errors)")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
  }

  @Test("Parts put together are the file of one run, and a gap is named")
  func shards() throws {
    let benchmark = try Benchmark.llava()
    let parts = (1...3).map { benchmark.folder.path("part-\($0).jsonl") }
    for (index, part) in parts.enumerated() {
      let result = try benchmark.run(["--shard", "\(index + 1)/3", "--out", part])
      #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
    }
    let whole = benchmark.folder.path("whole.jsonl")
    let report = try benchmark.run(["--out", whole])
    for (index, words) in [["merge"] + parts.reversed(), ["--merge"] + parts].enumerated() {
      let out = benchmark.folder.path("all-\(index).jsonl")
      let merged = try Program.run(["eval"] + words + ["--out", out])
      #expect(merged.status == 0, "\(merged.errors)")
      #expect(merged.output.contains("4 answers of star-png"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: out)) == Data(contentsOf: URL(fileURLWithPath: whole)))
      #expect(try benchmark.run(model: out).output == report.output)
    }
    let gap = try Program.run(["eval", "merge", parts[0], parts[2], "--out", benchmark.folder.path("gap.jsonl")])
    #expect(gap.status == 1 && gap.errors.contains("1 of 4 questions have no answer"), "\(gap.errors)")
    #expect(!benchmark.folder.contents.contains("gap.jsonl"))
  }

  @Test("Retention leaves out the family whose bounds lie close together, and models stand side by side")
  func retention() throws {
    let benchmark = try Benchmark.llava()
    let file = benchmark.folder.path("answers.jsonl")
    #expect(try benchmark.run(["--out", file]).status == 0)
    let lower = try benchmark.answers(["no", "no", "no", "one"], like: file, as: "lower")
    let upper = try benchmark.answers(["red", "no", "cat", "one"], like: file, as: "upper")
    let half = try benchmark.answers(["red", "two", "no", "one"], like: file, as: "half")
    let arguments = ["--model", half, "--lower", lower, "--upper", upper]
    let report = try benchmark.object(arguments)
    let models = try #require(report["models"] as? [[String: Any]])
    #expect(models.map { $0["model"] as? String } == ["star-png", "half", "lower", "upper"])
    let retention = try #require(models[1]["retention"] as? [String: Any])
    #expect(retention["mean"] as? Double == 0.5)
    let families = try #require(retention["families"] as? [[String: Any]])
    #expect(families.map { $0["kept"] as? Bool } == [true, false])
    #expect(models[2]["retention"] is NSNull)

    let text = try benchmark.run(arguments)
    #expect(text.output.contains("left out") && text.output.contains("half"), "\(text.output)")
    let csv = try benchmark.run(arguments + ["--format", "csv"])
    #expect(csv.output.contains("llava,half,overall,retention,,0.5,"), "\(csv.output)")
    #expect(csv.output.contains("llava,lower,,model SHA-256,,"))
  }

  @Test("One checkpoint is asked from voco, from everything and from nothing, each into its own file")
  func sources() throws {
    let benchmark = try Benchmark.llava()
    let report = try benchmark.object(
      ["--from", "none", "--lower", ParityCase.directory, "--upper", ParityCase.directory, "--intervals", "pictures"]
        + ["--out", benchmark.folder.path("a.jsonl")])
    let models = try #require(report["models"] as? [[String: Any]])
    #expect(models.map { $0["model"] as? String } == ["star-png (none)", "star-png", "star-png (full)"])
    #expect((report["interval_method"] as? String)?.hasPrefix("bootstrap over images") == true)
    let files = Set(benchmark.folder.contents.filter { $0.hasPrefix("a-") })
    #expect(files == ["a-star-png--none-.jsonl", "a-star-png.jsonl", "a-star-png--full-.jsonl"])
  }

  @Test("On a terminal a bar shows how far it is, and goes away")
  func progress() throws {
    let benchmark = try Benchmark.llava()
    let program = try Program.open(
      benchmark.arguments + ["--model", ParityCase.directory], size: .init(width: 90, height: 30))
    #expect(program.wait(for: "overall"))
    #expect(program.waitForExit() == .code(0))
    let written = String(decoding: program.output, as: UTF8.self)
    #expect(written.contains("star-png [####") && written.contains("4/4"), "\(written)")
    #expect(!program.terminal.text.contains("4/4"), "\(program.terminal.text)")
  }

  @Test("What cannot be read is one sentence that names it, with exit code 1")
  func badInput() throws {
    let benchmark = try Benchmark.llava()
    let broken = benchmark.folder.path("broken.jsonl")
    try #"{"question_id": 1, "image": "a.png"}"#.write(toFile: broken, atomically: true, encoding: .utf8)
    let other = benchmark.folder.path("other.jsonl")
    try #"{"question_id": 1, "image": "none.png", "text": "?", "answer": "!"}"#
      .write(toFile: other, atomically: true, encoding: .utf8)
    let long = benchmark.folder.path("long.jsonl")
    let text = String(repeating: "red ", count: 1000)
    try #"{"question_id": "endless", "image": "a.png", "text": "\#(text)", "answer": "!"}"#
      .write(toFile: long, atomically: true, encoding: .utf8)
    let answers = benchmark.folder.path("answers.jsonl")
    #expect(try benchmark.run(["--out", answers]).status == 0)
    let model = ["--model", ParityCase.directory]
    let cases = [
      (["/no/such/questions.jsonl"] + model, "/no/such/questions.jsonl: cannot be read"),
      ([broken] + model, "broken.jsonl, line 1: the key \"answer\" is missing"),
      ([other] + model, "none.png: no such file"),
      ([long] + model, "question endless: the prompt takes"),
      ([other, "--model", answers], "answers.jsonl: was made with questions whose SHA-256"),
      ([other, "--model", ParityCase.image], "image.png, line 1: not JSON"),
      ([other, "--model", ParityCase.directory + "/model.safetensors"], "is a file of weights, not a checkpoint"),
      ([other, "--model", "/no/such/model"], "/no/such/model"),
      ([other, "--benchmark", "gqa"] + model, "GQA keeps its answers apart"),
      (["merge", answers, answers, "--out", benchmark.folder.path("m")], "question q1 is answered twice"),
      ([other, "--out", "/no/such/folder/a.jsonl"] + model, "/no/such/folder/a.jsonl"),
    ]
    for (arguments, sentence) in cases {
      let result = try Program.run(["eval"] + arguments)
      #expect(result.status == 1, "\(arguments)")
      #expect(result.errors.contains(sentence), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty, "\(result.errors)")
    }
    #expect(!benchmark.folder.contents.contains("m"))
  }

  @Test(
    "A wrong command line exits with 2",
    arguments: [
      ["a.jsonl", "b.jsonl"], ["a.jsonl", "--lower", "x"], ["a.jsonl", "--shard", "1/2"], ["merge", "a.jsonl"],
      ["--merge", "--out", "x"], ["a.jsonl", "--benchmark", "coco"], ["a.jsonl", "--max-new-tokens", "0"],
      ["a.jsonl", "--shard", "3/2", "--out", "x"], ["a.jsonl", "--from", "anchors"],
    ])
  func usage(arguments: [String]) throws {
    let result = try Program.run(["eval"] + arguments)
    #expect(result.status == 2, "\(result.errors)")
    #expect(!result.errors.isEmpty && result.output.isEmpty)
  }
}

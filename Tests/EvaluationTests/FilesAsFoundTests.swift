import Foundation
import JSON
import Testing

@testable import Evaluation

private let mark = "\u{FEFF}"
private let suffix = "\nAnswer with the option's letter from the given choices directly."
private let picture = String(repeating: "A", count: 80)

@Suite("Benchmark files as people have them")
struct FilesAsFoundTests {
  @Test("A byte order mark changes nothing in any file that is read")
  func byteOrderMarks() throws {
    try withTemporaryDirectory { directory in
      func read(_ benchmark: Benchmark, _ name: String, _ text: String, annotations: String? = nil) throws -> [Question]
      {
        let path = try write(text, as: name, in: directory)
        return try QuestionSet(benchmark, path: path, options: .init(annotations: annotations)).questions
      }
      let lines = #"{"question_id": 1, "image": "a.png", "text": "?", "answer": "yes"}"# + "\n"
      #expect(try read(.llava, "q.jsonl", mark + lines) == read(.llava, "p.jsonl", lines))
      let rows = "index\tquestion\tA\tB\tanswer\timage\n1\t?\tx\ty\tA\t"
      let marked = try read(.mmbench, "m.tsv", mark + rows + picture + "\n")
      #expect(marked.map(\.id) == [.integer(1), .integer(1_000_001)])
      // The picture's place counts the mark's three bytes.
      guard case .embedded(let image) = marked[0].image else {
        Issue.record("the picture is in the file")
        return
      }
      #expect(image.byteOffset == rows.utf8.count + 3 && image.byteCount == 80)
      let label = #"{"question_id": 1, "image": "a.png", "text": "?", "label": "yes"}"#
      #expect(try read(.pope, "coco_pope_random.json", mark + label).count == 1)
      try makeDirectory("\(directory)/mme/OCR")
      _ = try write(mark + "Is it?\tYes\nIs it not?\tNo\n", as: "1.txt", in: "\(directory)/mme/OCR")
      let pair = try QuestionSet(.mme, path: "\(directory)/mme").questions
      #expect(pair[0].text == "Is it?\nAnswer the question using a single word or phrase.")
    }
  }

  @Test("UTF-16 is called what it is", arguments: ["q.jsonl", "m.tsv", "gqa.json"])
  func utf16(name: String) throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/\(name)"
      try Data([0xFF, 0xFE, 0x7B, 0, 0x7D, 0, 0x0A, 0]).write(to: URL(fileURLWithPath: path))
      let benchmark: Benchmark = name == "q.jsonl" ? .llava : name == "m.tsv" ? .mmbench : .gqa
      let error = #expect(throws: EvaluationError.self) { try QuestionSet(benchmark, path: path) }
      #expect(error?.description.contains("UTF-16") == true, "\(error?.description ?? "")")
    }
  }

  @Test("A Git LFS pointer is called what it is")
  func pointer() throws {
    try withTemporaryDirectory { directory in
      let path = try write(
        "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4711\n", as: "q.jsonl", in: directory)
      let error = #expect(throws: EvaluationError.self) { try QuestionSet(.llava, path: path) }
      #expect(error?.description.contains("Git LFS pointer, and the file of 4711 bytes") == true)
    }
  }

  @Test("What systems leave in directories is passed over, and pictures' endings are read without case")
  func companions() throws {
    try withTemporaryDirectory { directory in
      try makeDirectory("\(directory)/existence/__MACOSX")
      for name in ["1", "2"] {
        _ = try write("Is it?\tYes\nIs it not?\tNo\n", as: "\(name).txt", in: "\(directory)/existence")
        _ = try write("\0\u{5}\u{16}\u{7}", as: "._\(name).txt", in: "\(directory)/existence")
      }
      for name in ["1.JPG", "2.Png", ".DS_Store", "Thumbs.db", "._1.JPG"] {
        _ = try write("x", as: name, in: "\(directory)/existence")
      }
      let set = try QuestionSet(.mme, path: directory)
      #expect(
        set.questions.map(\.image) == [
          .file("existence/1.JPG"), .file("existence/1.JPG"), .file("existence/2.Png"), .file("existence/2.Png"),
        ])
      let label = #"{"question_id": 1, "image": "a.png", "text": "?", "label": "yes"}"#
      try makeDirectory("\(directory)/pope")
      for name in ["coco_pope_random.json", "coco_pope_popular.json"] {
        _ = try write(label, as: name, in: "\(directory)/pope")
      }
      _ = try write("\0\u{5}\u{16}\u{7}", as: "._coco_pope_random.json", in: "\(directory)/pope")
      #expect(try QuestionSet(.pope, path: "\(directory)/pope").questions.count == 2)
    }
  }

  @Test(
    "Options end at the first that pandas or LLaVA takes for none, and no row is refused for it",
    arguments: [
      ("x", "y", "None", "z", "A", 2, ["A"]), ("x", "y", "nan", "", "B", 2, ["B"]),
      ("x", "y", "z", "None", "D", 3, ["D"]), ("x", "NONE", "z", "w", "C", 1, ["C"]),
      ("Na", "None of these", "nothing", "N/a", "D", 4, ["D"]), ("x", "NA", "z", "w", "A", 1, ["A"]),
    ])
  func noneOptions(a: String, b: String, c: String, d: String, answer: String, options: Int, expected: [String]) throws
  {
    try withTemporaryDirectory { directory in
      let row = ["7", "?", a, b, c, d, answer, picture].joined(separator: "\t")
      let path = try write("index\tquestion\tA\tB\tC\tD\tanswer\timage\n\(row)\n", as: "t.tsv", in: directory)
      let set = try QuestionSet(.mmbench, path: path)
      #expect(set.questions.count == options)
      #expect(set.questions[0].choices.count == options && set.questions[0].answers == expected)
      // An answer that is not among the options can be given by nobody.
      let isReachable = ["A", "B", "C", "D"].prefix(options).contains(answer)
      let right = set.questions.map { $0.answers[0] }
      let card = set.score(Dictionary(uniqueKeysWithValues: right.enumerated().map { ($0.offset, $0.element) }))
      #expect(card.items.map(\.score) == [isReachable ? 1 : 0])
    }
  }

  @Test("Options beyond D are asked for, letter by letter")
  func moreOptions() throws {
    try withTemporaryDirectory { directory in
      let header = ["index", "question", "A", "B", "C", "D", "E", "F", "answer", "image"].joined(separator: "\t")
      let row = ["1", "?", "a", "b", "c", "d", "e", "", "E", picture].joined(separator: "\t")
      let set = try QuestionSet(.mmbench, path: write("\(header)\n\(row)\n", as: "t.tsv", in: directory))
      #expect(set.questions.count == 5 && set.questions.map(\.answers) == [["E"], ["D"], ["C"], ["B"], ["A"]])
      #expect(set.questions[0].text == "?\nA. a\nB. b\nC. c\nD. d\nE. e" + suffix)
      #expect(MMBench.letter("The answer is E.", choices: ["a", "b", "c", "d", "e"]) == "E")
    }
  }

  @Test("Ids, pictures and texts are the same only byte for byte")
  func names() throws {
    try withTemporaryDirectory { directory in
      func line(_ id: String, _ image: String) -> String {
        #"{"question_id": "\#(id)", "image": "\#(image)", "text": "?", "answer": "yes"}"# + "\n"
      }
      let text = line("caf\u{e9}", "\u{e9}.png") + line("cafe\u{301}", "e\u{301}.png")
      let set = try QuestionSet(.llava, path: write(text, as: "q.jsonl", in: directory))
      #expect(Set(set.questions.map(\.id)).count == 2 && Set(set.questions.map(\.image)).count == 2)
      // Two pictures are two clusters of a bootstrap.
      let card = set.score([0: "yes", 1: "yes"])
      #expect(Set(card.items.map { ExactText($0.cluster) }).count == 2)
      let twice = try write(line("caf\u{e9}", "a.png") + line("caf\u{e9}", "b.png"), as: "r.jsonl", in: directory)
      #expect(throws: EvaluationError.self) { try QuestionSet(.llava, path: twice) }
      let entries = ["\u{e9}", "e\u{301}"].map { id in
        #""\#(id)": {"imageId": "1", "question": "?", "answer": "\#(id)", "types": {"structural": "query"}}"#
      }
      let gqa = "{" + entries.joined(separator: ", ") + "}"
      let path = try write(gqa, as: "gqa.json", in: directory)
      let asked = try write(line("e\u{301}", "1.jpg"), as: "gqa.jsonl", in: directory)
      let joined = try QuestionSet(.gqa, path: asked, options: .init(annotations: path))
      #expect(Array(joined.questions[0].answers[0].utf8) == Array("e\u{301}".utf8))
    }
  }

  @Test("A picture's path is taken as it is where it is absolute")
  func absolutePaths() {
    #expect(ImageReference.path(of: "/data/a.png", in: "images") == "/data/a.png")
    #expect(ImageReference.path(of: "b/a.png", in: "images") == "images/b/a.png")
    #expect(ImageReference.path(of: "./a.png", in: "/images") == "/images/./a.png")
  }
}

import Foundation
import JSON

/// MMBench: up to four options, and a point only for an answer that survives every rotation of them.
///
/// File: the TSV with the columns `index`, `question`, `hint`, `A` … `D`, `answer`, `category`, `image`. The image is
/// base64, or the index of a row that has it. Later releases hold the rotations as rows of index + k·1,000,000; in
/// others they are made here, as LLaVA's `--all-rounds` does.
/// Source: Liu et al., "MMBench"; LLaVA, `llava/eval/model_vqa_mmbench.py`; VLMEvalKit, `multiple_choice.py`.
enum MMBench {
  /// LLaVA asks for A to D; later files of the kind have more columns, which VLMEvalKit asks for too.
  private static let letters = OptionPrompt.letters(26)
  private static let rotationOffset = 1_000_000
  /// An image cell of at most this many bytes is an index, as VLMEvalKit tells them apart.
  private static let longestIndex = 64

  /// - Parameter circular: whether to ask every rotation; otherwise each question once, as it is written.
  static func read(_ path: String, circular: Bool) throws(EvaluationError) -> [Question] {
    let rows = try rows(path)
    let images = Dictionary(rows.map { ($0.index, $0.image) }, uniquingKeysWith: { first, _ in first })
    let isRotated = rows.contains { $0.index >= rotationOffset }
    var questions: [Question] = []
    for row in rows where circular || row.index < rotationOffset {
      let rounds = circular && !isRotated ? row.options.count : 1
      for round in 0..<rounds {
        questions.append(try question(row, round: round, image: try image(row, images: images, file: path)))
      }
    }
    return questions
  }

  /// Whether a question shows its options in another order than the one they are written in.
  static func isRotation(_ question: Question) -> Bool {
    if case .integer(let index) = question.id { index >= rotationOffset } else { false }
  }

  private struct Row {
    enum Picture {
      case embedded(EmbeddedImage)
      case index(Int)
    }
    let index: Int
    let question: String
    let options: [String]
    let answer: Int?
    let category: String
    let image: Picture
    let line: Int
  }

  private static func image(_ row: Row, images: [Int: Row.Picture], file: String) throws(EvaluationError)
    -> ImageReference
  {
    switch row.image {
    case .embedded(let image): return .embedded(image)
    case .index(let index):
      if case .embedded(let image)? = images[index] { return .embedded(image) }
      throw .wrongValue(
        file: file, line: row.line, key: "image", found: "the index \(index)", expected: "one of a row with a picture")
    }
  }

  /// In round r the option at place i is the one written at i + r, so the right letter moves down by r.
  private static func question(_ row: Row, round: Int, image: ImageReference) throws(EvaluationError) -> Question {
    let count = row.options.count
    let options = Array(row.options[round...] + row.options[..<round])
    let group = row.index % rotationOffset
    return Question(
      index: 0, id: .integer(row.index + round * rotationOffset), image: image,
      text: OptionPrompt.text(question: row.question, choices: options),
      // An answer that is none of the options, as where its text is "None", stays what it is: out of reach.
      answers: row.answer.map { [$0 < count ? letters[($0 + count - round) % count] : letters[$0]] } ?? [],
      category: row.category,
      choices: options, group: String(group))
  }

  private static func rows(_ path: String) throws(EvaluationError) -> [Row] {
    try withBytes(of: try readFile(path)) { bytes throws(EvaluationError) in
      var tsv = try TSV(bytes, file: path)
      guard let header = try tsv.next() else { throw .malformed(file: path, line: 1, reason: "it has no header") }
      let columns = Dictionary(
        header.cells.enumerated().map { (ExactText(tsv.text($0.element)), $0.offset) },
        uniquingKeysWith: { first, _ in first })
      for key in ["index", "question", "image"] + letters.prefix(2) where columns[ExactText(key)] == nil {
        throw .missingKey(file: path, line: 1, key: key)
      }
      var rows: [Row] = []
      var seen: Set<Int> = []
      while let cells = try tsv.next() {
        guard cells.cells.count == header.cells.count else {
          throw .malformed(
            file: path, line: cells.line,
            reason: "found \(cells.cells.count) cells, expected \(header.cells.count)")
        }
        let row = try row(RowReader(tsv: tsv, row: cells, columns: columns, file: path))
        guard seen.insert(row.index).inserted else {
          throw .duplicateQuestion(file: path, line: row.line, question: String(row.index))
        }
        rows.append(row)
      }
      return rows
    }
  }

  private static func row(_ reader: RowReader) throws(EvaluationError) -> Row {
    // LLaVA takes the options up to the first that is missing, to which a text "None" counts; so do its questions.
    let options = Array(letters.lazy.map { reader.text($0) }.prefix { $0 != nil }.compactMap { $0 })
    guard !options.isEmpty else { throw reader.wrong("A", "empty", expected: "an option") }
    var answer: Int?
    if let letter = reader.text("answer") {
      answer = letters.firstIndex(of: letter).flatMap { reader.hasColumn(letter) ? $0 : nil }
      if answer == nil { throw reader.wrong("answer", letter, expected: "the letter of an option") }
    }
    let hint = reader.text("hint").map { $0 + "\n" } ?? ""
    guard let question = reader.text("question") else { throw reader.wrong("question", "empty", expected: "text") }
    return Row(
      index: try reader.index("index"), question: hint + question, options: options, answer: answer,
      category: reader.text("category") ?? LLaVAQuestions.defaultCategory, image: try picture(reader), line: reader.line
    )
  }

  private static func picture(_ reader: RowReader) throws(EvaluationError) -> Row.Picture {
    let range = reader.range("image")
    guard range.count > longestIndex else { return .index(try reader.index("image")) }
    return .embedded(EmbeddedImage(file: reader.file, byteOffset: range.lowerBound, byteCount: range.count))
  }
}

/// A row of a TSV, by column name.
private struct RowReader {
  let tsv: TSV
  let row: TSV.Row
  let columns: [ExactText: Int]
  let file: String

  var line: Int { row.line }

  func hasColumn(_ key: String) -> Bool { columns[ExactText(key)] != nil }

  func wrong(_ key: String, _ found: String, expected: String) -> EvaluationError {
    .wrongValue(file: file, line: line, key: key, found: String(found.prefix(40)), expected: expected)
  }

  /// The cell's text; nil where the column is absent or the cell reads as missing to pandas or LLaVA.
  func text(_ key: String) -> String? {
    guard let column = columns[ExactText(key)] else { return nil }
    let text = tsv.text(row.cells[column])
    let isMissing = Self.missing.contains(text) || ["nan", "none"].contains(text.lowercased())
    return isMissing ? nil : text
  }

  /// What pandas reads as missing (`pandas/_libs/parsers.pyx`, `STR_NA_VALUES`).
  private static let missing: Set<String> = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
  ]

  func range(_ key: String) -> Range<Int> {
    columns[ExactText(key)].map { row.cells[$0].range } ?? 0..<0
  }

  /// A non-negative whole number, which pandas may have written as `12.0`.
  func index(_ key: String) throws(EvaluationError) -> Int {
    let text = text(key) ?? ""
    let digits = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    guard let index = Int(digits), index >= 0 else {
      throw wrong(key, text.isEmpty ? "empty" : text, expected: "a whole number")
    }
    return index
  }
}

extension MMBench {
  /// An item for each group of rotations: right only if all of its questions are asked, answered and right.
  ///
  /// - Parameter questions: every question of the set, so that a group with an answer missing is left out.
  static func items(_ answered: [AnsweredQuestion], of questions: [Question]) -> [ScoredItem] {
    let sizes = Dictionary(grouping: questions, by: \.group).mapValues(\.count)
    return answered.grouped(by: \.question.group).compactMap { group, rotations in
      guard rotations.count == sizes[group] else { return nil }
      return ScoredItem(rotations[0], score: rotations.allSatisfy(isRight) ? 1 : 0)
    }
  }

  /// Accuracy of the questions as they are written, and over all rotations.
  static func metrics(_ answered: [AnsweredQuestion], items: [ScoredItem]) -> [Metric] {
    let first = answered.filter { !isRotation($0.question) }
    let isCircular = first.count < answered.count
    func share(_ answered: [AnsweredQuestion]) -> Double? {
      answered.isEmpty ? nil : Double(answered.count(where: isRight)) / Double(answered.count)
    }
    let vanilla = Metric(name: "vanilla accuracy", value: share(first), isHeadline: !isCircular)
    guard isCircular else { return [vanilla] }
    return [
      Metric(name: "circular accuracy", value: items.meanScore, isHeadline: true), vanilla,
      Metric(name: "accuracy over rotations", value: share(answered)),
    ]
  }

  private static func isRight(_ answered: AnsweredQuestion) -> Bool {
    letter(answered.answer, choices: answered.question.choices) == answered.question.answers.first
  }

  private static let ignoredMarks: Set<Character> = [".", "(", ")", "[", "]", ",", ":", ";", "!", "*", "#", "{", "}"]

  /// The letter of an answer by VLMEvalKit's exact matching: the only option letter that stands as a word among the
  /// last four; else the letter after "answer is"; else the only option whose text the answer holds.
  static func letter(_ answer: String, choices: [String]) -> String? {
    let letters = OptionPrompt.letters(choices.count)
    let words = String(answer.map { ignoredMarks.contains($0) ? " " : $0 }).split(whereSeparator: \.isWhitespace)
      .map(String.init)
    let found = letters.filter(words.contains)
    if found.count == 1, let place = words.firstIndex(of: found[0]), place + 5 > words.count { return found[0] }
    return letterAfterPhrase(answer, letters: letters) ?? onlyChoice(answer, choices: choices, letters: letters)
  }

  private static func letterAfterPhrase(_ answer: String, letters: [String]) -> String? {
    let lowercased = Array(answer.lowercased().unicodeScalars.map(String.init))
    let phrase = "answer".map(String.init)
    for start in lowercased.indices where lowercased[start...].starts(with: phrase) {
      var rest = lowercased[(start + phrase.count)...]
      guard rest.dropLeading(while: \.isBlank), rest.starts(with: ["i", "s"]) else { continue }
      rest = rest.dropFirst(2)
      guard rest.dropLeading(while: \.isBlank) else { continue }
      _ = rest.dropLeading { $0 == "*" }
      guard let letter = rest.first?.uppercased(), letters.contains(letter) || ["A", "B", "C", "D"].contains(letter)
      else {
        continue
      }
      return letters.contains(letter) ? letter : nil
    }
    return nil
  }

  private static func onlyChoice(_ answer: String, choices: [String], letters: [String]) -> String? {
    let answer = answer.lowercased()
    let longest = 2 * choices.reduce(0) { $0 + $1.unicodeScalars.count }
    guard answer.unicodeScalars.count <= longest else { return nil }
    let found = zip(letters, choices).filter { answer.contains($1.lowercased()) }
    return found.count == 1 ? found[0].0 : nil
  }
}

extension ArraySlice<String> {
  /// Drops the leading elements that satisfy `condition`; whether there were any.
  fileprivate mutating func dropLeading(while condition: (String) -> Bool) -> Bool {
    let before = count
    self = drop(while: condition)
    return count < before
  }
}

extension String {
  fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
}

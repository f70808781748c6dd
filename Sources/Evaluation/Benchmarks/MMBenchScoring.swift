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

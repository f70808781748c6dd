import Evidence
import TestSupport
import Testing

/// One bos key, two anchors, four patches and voco; anchors get `anchor`, each patch `patch`.
private func picture(anchor: Float, patch: Float, shape: SampleAttention = SampleAttention()) -> [Float] {
  var row = [Float](repeating: 0, count: shape.length)
  for key in shape.anchorStart..<shape.anchorStart + shape.anchors { row[key] = anchor }
  for key in shape.patchStart..<shape.patchStart + shape.patches { row[key] = patch }
  row[0] = 1 - row.reduce(0, +)
  return row
}

private var moved: SampleAttention {
  var shape = SampleAttention()
  shape.anchorsLast = true
  return shape
}

@Test("One picture is an anecdote and, without the moved order, never a yes")
func anecdote() throws {
  let trace = SampleAttention().trace { _, _ in picture(anchor: 0.3, patch: 0.05) }
  let verdict = try VerdictEngine().verdict(picture: trace)
  #expect(verdict.anecdote && verdict.n == 1 && verdict.attends.word == .undecided)
  #expect(close(verdict.attends.effect, 6) && verdict.attends.effectText == "×6" && verdict.attends.interval == nil)
  #expect(verdict.attends.sentence.contains("only moving them tells"))
  #expect(verdict.attends.rule.contains("lift = (anchor share/2)/(patch share/4)"))
  #expect(verdict.contributes.word == .notMeasured && verdict.causes.word == .notMeasured)
  #expect(verdict.controls.map(\.name) == [.order, .content, .blank, .randomWeights])
  #expect(verdict.controls.allSatisfy { !$0.passed })
}

@Test("A share that stays with the anchors when they move is a yes, one that stays with the position a no")
func movedPicture() throws {
  let trace = SampleAttention().trace { _, _ in picture(anchor: 0.3, patch: 0.05) }
  let followed = moved.trace { _, _ in picture(anchor: 0.3, patch: 0.05, shape: moved) }
  let verdict = try VerdictEngine().verdict(picture: trace, moved: [followed])
  #expect(verdict.attends.word == .yes && verdict.controls[0].passed)

  // The same two positions keep the attention, whatever stands there.
  let stayed = moved.trace { _, _ in picture(anchor: 0.3, patch: 0.05) }
  let position = try VerdictEngine().verdict(picture: trace, moved: [stayed])
  #expect(position.attends.word == .no && position.controls[0].outcome == false)
  #expect(position.attends.sentence.contains("follows the position"))
}

@Test("Attention that favours both ends of the sequence is seen through by comparing the same positions")
func bothEnds() throws {
  // Positions 1, 2 and 5, 6 get 0.2 each, 3 and 4 get 0.01, whatever stands there.
  let row: [Float] = [0.18, 0.2, 0.2, 0.01, 0.01, 0.2, 0.2, 0, 0, 0]
  let trace = SampleAttention().trace { _, _ in row }
  let verdict = try VerdictEngine().verdict(picture: trace, moved: [moved.trace { _, _ in row }])
  #expect(close(verdict.attends.effect, 0.2 / 0.105))
  #expect(verdict.attends.word == .no)
}

@Test("Untrained parts never yield a yes, and even attention is a no")
func untrained() throws {
  var shape = SampleAttention()
  shape.untrainedParts = ["decoder"]
  let trace = shape.trace { _, _ in picture(anchor: 0.3, patch: 0.05) }
  let followed = moved.trace { _, _ in picture(anchor: 0.3, patch: 0.05, shape: moved) }
  let verdict = try VerdictEngine().verdict(picture: trace, moved: [followed])
  #expect(verdict.attends.word == .undecided && verdict.attends.sentence.contains("untrained"))
  #expect(verdict.untrainedParts == ["decoder"])
  let even = SampleAttention().trace { _, _ in picture(anchor: 0.1, patch: 0.1) }
  #expect(try VerdictEngine().verdict(picture: even).attends.word == .no)
}

@Test("Contributes weighs attention by the values' norms")
func contributes() throws {
  let norms: [Float] = [0, 0.1, 0.1, 1, 1, 1, 1, 0, 0, 0]
  let trace = SampleAttention().trace(
    valueNorms: { _, _ in norms }, rows: { _, _ in picture(anchor: 0.3, patch: 0.05) })
  let verdict = try VerdictEngine().verdict(picture: trace)
  #expect(close(verdict.contributes.effect, 0.6) && verdict.contributes.word == .no)
}

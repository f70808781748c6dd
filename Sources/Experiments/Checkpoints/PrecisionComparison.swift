import Evidence
package import HTCVLM
import Reports
import Statistics
import Tensor
package import Trace

/// What `Precision.int8` changes: the same pictures and prompt through both models.
package struct PrecisionComparison: Sendable {
  package private(set) var pictures = 0
  /// `[L][H]`, sums over pictures of the absolute difference of the anchors' share.
  private var shareDifferences: [[Double]] = []
  private var largestShareDifference = 0.0
  private var sameTokens = 0
  private var divergences: [Double] = []

  /// Runs the pictures in the files `paths` through a checkpoint in both precisions.
  ///
  /// - Parameters:
  ///   - open: opens the checkpoint in a precision.
  ///   - progress: called with a line before each step.
  package init(
    pictures paths: [String], prompt: String, cancellation: CancellationFlag = CancellationFlag(),
    progress: (String) -> Void = { _ in }, open: (Precision) throws -> Pipeline
  ) throws {
    progress("opening")
    let exact = try open(.exact)
    let rounded = try open(.int8)
    let request = Pipeline.Request(
      prompt: prompt, options: GenerationOptions(maxNewTokens: 1), reconstructs: false)
    for (index, path) in paths.enumerated() {
      progress("picture \(index + 1) of \(paths.count)")
      let picture = try PictureSource(path: path)
      try add(
        try exact.trace(picture, request, cancellation: cancellation),
        try rounded.trace(picture, request, cancellation: cancellation))
    }
  }

  private mutating func add(_ exact: Trace, _ rounded: Trace) throws {
    let differences = try Self.shareDifferences(exact, rounded).map { $0.map { $0 ?? 0 } }
    if shareDifferences.isEmpty { shareDifferences = differences.map { $0.map { _ in 0 } } }
    for (layer, row) in differences.enumerated() {
      for (head, difference) in row.enumerated() { shareDifferences[layer][head] += difference }
    }
    largestShareDifference = max(largestShareDifference, differences.flatMap { $0 }.max() ?? 0)
    if let before = exact.language?.logits, let after = rounded.language?.logits {
      divergences.append(Divergence.kl(reference: before, changed: after))
      sameTokens += Self.likeliest(before) == Self.likeliest(after) ? 1 : 0
    }
    pictures += 1
  }

  /// What the exact run changed against the rounded one, in one line: the answer, the next token's distribution and the
  /// heads' shares of anchors.
  package static func words(exact: Trace, rounded: Trace) -> String {
    var parts: [String] = []
    if let before = rounded.generation?.text, let after = exact.generation?.text {
      parts.append(before == after ? "the same answer" : "another answer than “\(before)”")
    }
    if let before = exact.language?.logits, let after = rounded.language?.logits {
      parts.append("next token KL \(Format.number(Divergence.kl(reference: before, changed: after)))")
    }
    let differences = (try? shareDifferences(exact, rounded)) ?? []
    if let largest = differences.joined().compactMap({ $0 }).max() {
      parts.append("anchors' shares within \(Format.number(largest))")
    }
    return "exact in the place of int8: " + (parts.isEmpty ? "no answer to compare" : parts.joined(separator: ", "))
  }

  /// `[L][H]`, |difference| of the anchors' share; `nil` where a run has none.
  private static func shareDifferences(_ exact: Trace, _ rounded: Trace) throws -> [[Double?]] {
    let (before, after) = (try VocoAttention(exact), try VocoAttention(rounded))
    return zip(before.matrix(.anchorShare), after.matrix(.anchorShare)).map { rows in
      zip(rows.0, rows.1).map { a, b in a.flatMap { a in b.map { abs(a - $0) } } }
    }
  }

  private static func likeliest(_ logits: Tensor) -> Int? {
    logits.values.indices.max { logits.values[$0] < logits.values[$1] }
  }

  /// The tables as text: what `check --precision int8` prints.
  package var lines: [String] {
    let number = { (value: Double) in Format.fixed(value, digits: 5) }
    let mean = divergences.reduce(0, +) / Double(max(1, divergences.count))
    var lines = [
      "int8 against exact weights, \(pictures) pictures",
      "next token     the same on \(sameTokens) of \(divergences.count); KL mean \(number(mean)), "
        + "largest \(number(divergences.max() ?? 0)) nat",
      "anchor share   absolute difference, mean over pictures, by layer (rows) and head; "
        + "largest of any picture \(number(largestShareDifference))",
    ]
    for (layer, row) in shareDifferences.enumerated() {
      let cells = row.map { number($0 / Double(max(1, pictures))) }.joined(separator: " ")
      lines.append(TextTable.padded("  L\(layer + 1)", to: 7) + cells)
    }
    return lines
  }
}

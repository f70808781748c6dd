import Statistics
package import Tensor
import Trace

/// Which edges from `<voco>` to cut.
package struct KnockOutRequest: Sendable, Hashable {
  /// Counts up; results carry it back.
  package let id: Int
  /// What was cut, in words: “A1–A4”, “4 patches”.
  package let label: String
  /// Positions of the keys, ascending.
  package let keys: [Int]
  /// The one layer to cut in, from 0; `nil` cuts in all.
  package let layer: Int?
  /// The one head to cut in, from 0; `nil` cuts in all.
  package let head: Int?
  /// Where the picture lies whose anchors stand in for this one's; empty for the next one of the folder, `nil` for a cut.
  package let donor: String?

  package init(id: Int, label: String, keys: [Int], layer: Int?, head: Int?, donor: String? = nil) {
    self.id = id
    self.label = label
    self.keys = keys
    self.layer = layer
    self.head = head
    self.donor = donor
  }

  /// The same request with the name of the donor, once it is known.
  package func named(_ donor: String) -> KnockOutRequest {
    KnockOutRequest(id: id, label: "anchors of \(donor)", keys: keys, layer: layer, head: head, donor: donor)
  }

  /// What was done, in words: “cut A1–A4 in every layer and head”, “anchors of scene-2.png instead of its own”.
  package var words: String { donor == nil ? "cut \(label) in \(scope)" : "\(label) instead of its own" }

  /// Where it was cut: “every layer”, “layer 3”, “layer 3 head 2”.
  package var scope: String {
    if donor != nil { return "the whole run" }
    return switch (layer, head) {
    case (nil, nil): "every layer and head"
    case (let layer?, nil): "layer \(layer + 1)"
    case (nil, let head?): "head \(head + 1) of every layer"
    case (let layer?, let head?): "layer \(layer + 1) head \(head + 1)"
    }
  }
}

/// What the model did without the edges.
package struct KnockOutResult: Sendable, Equatable {
  /// Of a question, the latest ones: at 7B the row of each takes five megabytes.
  package static let kept = 64

  package let request: KnockOutRequest
  /// The answer to the same prompt.
  package let answer: String
  /// KL(p ‖ p_cut) over the token after the prompt, in nats.
  package let kl: Double
  /// The lead of the uncut run's first answer token over the best other one, in logits: cut minus uncut.
  package let leadChange: Double
  /// `[L, H, S]`, the voco row of the cut run.
  package let attentionVoco: Tensor

  package init(request: KnockOutRequest, answer: String, kl: Double, leadChange: Double, attentionVoco: Tensor) {
    self.request = request
    self.answer = answer
    self.kl = kl
    self.leadChange = leadChange
    self.attentionVoco = attentionVoco
  }
}

/// As many random patches as a knock-out cut keys, drawn again and again: what any such cut does.
package struct MatchedRandomRequest: Sendable, Hashable {
  package let knockOut: KnockOutRequest
  /// How many draws.
  package let draws: Int
  /// The patches to draw from, as positions: the cut keys are not among them.
  package let candidates: [Int]
  package let seed: UInt64

  package init(knockOut: KnockOutRequest, draws: Int, candidates: [Int], seed: UInt64) {
    self.knockOut = knockOut
    self.draws = draws
    self.candidates = candidates
    self.seed = seed
  }
}

/// The draws so far.
package struct MatchedRandomResult: Sendable, Equatable {
  package let request: MatchedRandomRequest
  /// KL(p ‖ p_cut) of each finished draw, in nats.
  package let kls: [Double]

  package init(request: MatchedRandomRequest, kls: [Double]) {
    self.request = request
    self.kls = kls
  }

  package var isFinished: Bool { kls.count >= request.draws }

  /// The percentage of draws whose KL lies below `kl`; `nil` without draws. Ties count half.
  package func percentile(of kl: Double) -> Double? {
    guard !kls.isEmpty else { return nil }
    let below = kls.reduce(0.0) { $0 + ($1 < kl ? 1 : $1 == kl ? 0.5 : 0) }
    return 100 * below / Double(kls.count)
  }
}

extension InspectorState {
  mutating func knockOut(layer: Int?, head: Int?) -> [Effect] {
    let keys = head == nil ? cuttableKeys : cuttableHeadKeys
    knockOutCount += 1
    let request = KnockOutRequest(id: knockOutCount, label: label(of: keys), keys: keys, layer: layer, head: head)
    work = .knockOut(request.label)
    notice = "cutting <voco> off \(request.label) in \(request.scope)"
    return [.knockOut(request)]
  }

  mutating func drawMatchedRandom() -> [Effect] {
    guard let result = shownKnockOut ?? knockOuts.last else { return [] }
    let candidates = matchedRandomCandidates(for: result.request)
    work = .matchedRandom
    notice = "cutting \(result.request.keys.count) random patches, 200 times"
    return [
      .matchedRandom(
        MatchedRandomRequest(
          knockOut: result.request, draws: 200, candidates: candidates, seed: UInt64(result.request.id)))
    ]
  }

  /// Runs the model with the anchors of another picture in the place of this one's.
  mutating func swapAnchors(_ path: String) -> [Effect] {
    mode = .normal
    knockOutCount += 1
    let keys = (0..<links.anchors).compactMap { links.position(of: .anchor($0)) }
    work = .knockOut("anchors")
    notice = "running with the anchors of another picture"
    return [
      .knockOut(
        KnockOutRequest(
          id: knockOutCount, label: "anchors", keys: keys, layer: nil, head: nil, donor: path.trimmingSpaces))
    ]
  }

  var swapObstacle: String? { anchorsObstacle ?? busyObstacle }

  func knockOutObstacle(_ command: Command) -> String? {
    if let obstacle = weightsObstacle ?? decoderObstacle { return obstacle }
    if !codeLab.shownEdits.isEmpty { return "the codes are edited; take the edits back first" }
    if let obstacle = busyObstacle { return obstacle }
    if command != .knockOut && view.layer == nil { return "choose one layer first" }
    if command == .knockOutHead && view.head == nil { return "choose one head first" }
    let keys = command == .knockOutHead ? cuttableHeadKeys : cuttableKeys
    return keys.isEmpty ? "<voco> sees none of the selected keys" : nil
  }

  var matchedRandomObstacle: String? {
    if let obstacle = weightsObstacle { return obstacle }
    if work != nil { return "the model is busy" }
    guard let result = shownKnockOut ?? knockOuts.last else { return "cut something first" }
    if result.request.donor != nil { return "random draws go with cuts, not with swapped anchors" }
    let candidates = matchedRandomCandidates(for: result.request)
    return candidates.count < result.request.keys.count ? "there are too few other patches to draw from" : nil
  }

  /// Positions of the selection, or of the key at the cursor, that `<voco>` may attend to; ascending.
  ///
  /// `<voco>` keeps itself: a row without any key has no softmax.
  package var cuttableKeys: [Int] { cuttable(view.selection.isEmpty ? [cursor.key] : Array(view.selection)) }

  /// The same of a cut in one head, which without a selection is of the anchors (what a head gives them is what it is
  /// chosen by), unless the cursor stands on a key beside the patches.
  private var cuttableHeadKeys: [Int] {
    guard view.selection.isEmpty, links.anchors > 0, case .patch = cursor.key else { return cuttableKeys }
    return cuttable((0..<links.anchors).map(KeyReference.anchor))
  }

  private func cuttable(_ keys: [KeyReference]) -> [Int] {
    guard let sequence = trace?.sequence, let voco = links.sequence?.vocoPosition else { return [] }
    return keys.compactMap(links.position).filter { $0 != voco && sequence.allows(row: voco, column: $0) }.sorted()
  }

  /// The visible patches that a knock-out left alone, as positions.
  package func matchedRandomCandidates(for request: KnockOutRequest) -> [Int] {
    guard let sequence = trace?.sequence, let index = links.sequence, let voco = index.vocoPosition else { return [] }
    let cut = Set(request.keys)
    return index.patches.filter { !cut.contains($0) && sequence.allows(row: voco, column: $0) }
  }
}

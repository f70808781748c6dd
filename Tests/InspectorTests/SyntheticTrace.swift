import ColorMaps
import Evidence
import Inspector
import Statistics
import Tensor
import TerminalUI
import Trace

/// A deterministic trace of a model that never was: what it should show is known.
struct SyntheticTrace {
  var grid = 6
  var layers = 3
  var heads = 2
  var anchors = 4
  var groups = 2
  var codesPerGroup = 16
  var latent = 5
  var text = 5
  var visualMask = VisualMask.star
  var untrained: [String] = []
  var prompt = "what is in the picture?"
  /// Other values of everything: another picture.
  var salt: UInt64 = 0
  var imageName = "chelsea.png"

  /// The design's shapes, so that snapshots look like the real thing.
  static let large = SyntheticTrace(
    grid: 24, layers: 6, heads: 8, groups: 8, codesPerGroup: 2048, latent: 21, text: 9)

  private let width = 16

  var patches: Int { grid * grid }
  var length: Int { 1 + anchors + patches + 1 + text }
  var voco: Int { 1 + anchors + patches }

  var picture: Picture {
    let (width, height) = (grid * 6, grid * 4)
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        let isDisc = (x - width / 2) * (x - width / 2) + (y - height / 2) * (y - height / 2) < height * height / 9
        pixels += isDisc ? [220, 140, 40] : [UInt8(40 + 120 * x / width), UInt8(60 + 120 * y / height), 150]
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// The whole trace.
  var trace: Trace {
    var trace = start
    trace.mgvq = mgvq
    trace.anchors = noise([anchors, width], seed: 3)
    trace.vision = VisionTrace(
      pixelValues: noise([3, grid, grid], seed: 5), features: noise([patches, 4], seed: 6),
      patches: noise([patches, width], seed: 7))
    trace.sequence = sequence
    trace.language = language
    trace.generation = GenerationTrace(tokenIDs: [5, 6], text: "a cat", probabilities: [0.9, 0.8])
    return trace
  }

  /// The trace before the first stage.
  var start: Trace {
    Trace(
      provenance: Provenance(
        version: "1", imageName: imageName, imageWidth: grid * 6, imageHeight: grid * 4, imageSHA256: "00",
        modelName: "htc-demo", configSHA256: "11", weightsSHA256: "22", prompt: prompt),
      model: ModelDescription(
        layers: layers, heads: heads, keyValueHeads: heads, hiddenSize: width, vocabularySize: 20, anchors: anchors,
        patchGrid: grid, visionImageSize: grid * 14, mgvqImageSize: latent * 4, groups: groups,
        codesPerGroup: codesPerGroup, vocoTokens: 1, visualMask: visualMask, imageAspectRatio: .pad,
        precision: .own(.exact), untrainedParts: untrained))
  }

  var mgvq: MGVQTrace {
    let side = latent * 4
    return MGVQTrace(
      pixelValues: noise([3, side, side], seed: 1), latent: noise([groups * 4, latent, latent], seed: 2),
      codes: CodeGrid(
        groups: groups, height: latent, width: latent,
        indices: (0..<groups * latent * latent).map { Int32(hash($0, seed: 4 &+ salt) % UInt64(codesPerGroup)) }),
      quantized: noise([groups * 4, latent, latent], seed: 8), reconstruction: noise([3, side, side], seed: 9))
  }

  var codebook: CodebookView {
    CodebookView(
      groups: (0..<groups).map { group in
        let raw = noise([codesPerGroup, 4], seed: UInt64(20 + group))
        return Tensor(
          shape: raw.shape,
          values: (0..<codesPerGroup).flatMap { row -> [Float] in
            let vector = raw.values[row * 4..<row * 4 + 4]
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / norm }
          })
      })
  }

  var sequence: SequenceTrace {
    var spans = [SequenceSpan(kind: .bos, start: 0, count: 1)]
    if anchors > 0 { spans.append(SequenceSpan(kind: .anchors, start: 1, count: anchors)) }
    spans += [
      SequenceSpan(kind: .patches, start: 1 + anchors, count: patches),
      SequenceSpan(kind: .voco, start: voco, count: 1), SequenceSpan(kind: .text, start: voco + 1, count: text),
    ]
    let words = ["▁what", "▁is", "▁in", "▁the", "▁picture", "?"]
    let pieces =
      ["<s>"] + (0..<anchors).map { "A\($0 + 1)" } + (0..<patches).map { _ in "patch" } + ["<voco>"]
      + (0..<text).map { words[$0 % words.count] }
    let ids = [1] + (0..<anchors).map { _ in -2 } + (0..<patches).map { _ in -1 } + [3] + (0..<text).map { 4 + $0 % 6 }
    var mask = [UInt8](repeating: 0, count: length * length)
    for row in 0..<length {
      for column in 0...row where allows(row, column) { mask[row * length + column] = 1 }
    }
    return SequenceTrace(
      spans: spans, tokenIDs: ids.map(Int32.init), pieces: pieces, embeddings: noise([length, width], seed: 10),
      mask: mask)
  }

  private func allows(_ row: Int, _ column: Int) -> Bool {
    if row > voco { return column >= voco }
    if row == voco || row == 0 || visualMask == .causal { return true }
    return column == row || column == 0
  }

  /// Each anchor gets `2 / (layer + 1)` times a patch's mean logit weight, and patches in the middle more than others.
  var language: LanguageTrace {
    let (sequence, length) = (sequence, length)
    func rows(_ query: Int, seed: UInt64) -> Tensor {
      var values: [Float] = []
      for layer in 0..<layers {
        for head in 0..<heads {
          var row = (0..<length).map { key -> Float in
            guard sequence.allows(row: query, column: key) else { return 0 }
            let noise = Float(hash(key * 31 + layer * 7 + head, seed: seed &+ salt) % 100) / 100 + 0.1
            if (1...max(1, anchors)).contains(key) && anchors > 0 { return noise * 8 / Float(layer + 1) }
            return noise * (isMiddle(key) ? 3 : 1)
          }
          let sum = row.reduce(0, +)
          row = row.map { $0 / sum }
          values += row
        }
      }
      return Tensor(shape: [layers, heads, length], values: values)
    }
    let attention = rows(voco, seed: 11)
    let rollout = (0..<layers).flatMap { layer in
      attention.values[layer * heads * length..<(layer * heads + 1) * length]
    }
    return LanguageTrace(
      attentionVoco: attention, attentionLast: rows(length - 1, seed: 12),
      hiddenVoco: noise([layers + 1, width], seed: 13),
      logits: noise([20], seed: 14),
      valueNorms: Tensor(shape: attention.shape, values: attention.values.map { $0 > 0 ? 1 + $0 : 0 }),
      rolloutVoco: Tensor(shape: [layers, length], values: Array(rollout)))
  }

  private func isMiddle(_ key: Int) -> Bool {
    let patch = key - 1 - anchors
    guard (0..<patches).contains(patch) else { return false }
    let (row, column) = (patch / grid, patch % grid)
    return abs(2 * row - grid) < grid / 2 && abs(2 * column - grid) < grid / 2
  }

  func knockOut(_ request: KnockOutRequest) -> KnockOutResult {
    let attention = language.attentionVoco
    let cut = Set(request.keys)
    var values = attention.values
    for row in 0..<layers * heads {
      for key in cut { values[row * length + key] = 0 }
      let sum = values[row * length..<(row + 1) * length].reduce(0, +)
      for key in 0..<length { values[row * length + key] /= sum }
    }
    return KnockOutResult(
      request: request, answer: "a dog", kl: 0.0213, leadChange: -1.25,
      attentionVoco: Tensor(shape: attention.shape, values: values))
  }

  /// Values in −1…1 that depend on index and seed alone.
  func noise(_ shape: [Int], seed: UInt64) -> Tensor {
    Tensor(
      shape: shape,
      values: (0..<shape.reduce(1, *)).map { Float(Double(hash($0, seed: seed &+ salt) % 2001) / 1000 - 1) })
  }
}

/// SplitMix64's finaliser.
func hash(_ index: Int, seed: UInt64) -> UInt64 {
  var z = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15 &+ seed &* 0xD1B5_4A32_D192_ED03
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

let listing = CheckpointListing(
  name: "htc-demo", facts: [.init("hidden size", "192"), .init("layers", "6"), .init("visual mask", "star")],
  rows: (0..<40).map { index in
    CheckpointListing.Row(
      name: "model.layers.\(index / 8).part\(index % 8).weight", shape: [192, 192 + index], dtype: "F16",
      byteCount: 192 * (192 + index) * 2, status: index == 7 ? "missing" : "ok",
      isProblem: index == 7)
  }, tally: "39 tensors ok, 1 missing")

extension EvidenceVerdict {
  /// What `verify` might have found; its words are fixed, so that recorded frames do not change with the rules.
  static var recorded: EvidenceVerdict {
    let attends = TierVerdict(
      tier: .attends, word: .yes, effect: 8.2, interval: Interval(low: 6.9, high: 9.7), n: 32,
      sentence: "An anchor gets more than a patch.", rule: "the interval lies above ×1.25",
      nulls: [0.8, 0.9, 1, 1, 1.1, 1.4])
    let contributes = TierVerdict(
      tier: .contributes, word: .undecided, effect: 1.1, interval: Interval(low: 0.9, high: 1.3), n: 32,
      sentence: "The interval holds ×1.25.", rule: "the interval lies above ×1.25")
    let causes = TierVerdict(
      tier: .causes, word: .no, effect: 0.02, interval: Interval(low: -0.01, high: 0.04), n: 32,
      sentence: "Both scales' intervals lie inside ±0.05.", rule: "the interval lies above 0.05")
    return EvidenceVerdict(
      attends: attends, contributes: contributes, causes: causes, vocos: [], headlineVoco: 0,
      prompts: ["what is in the picture?"],
      controls: ControlName.allCases.map { name in
        ControlResult(
          name: name, outcome: name == .order ? true : name == .blank ? false : nil, sentence: "Recorded.")
      }, heads: [], headline: "voco attends to the anchors but does not use what they hold.",
      conclusion: "Attends, but does not cause.", n: 32, anecdote: false, seed: 1, untrainedParts: [], liveLayers: 3)
  }
}

extension InspectorState {
  /// A state after the run, with everything posted that the executable posts.
  static func complete(
    _ synthetic: SyntheticTrace = SyntheticTrace(), size: Size = Size(width: 120, height: 36),
    glyphs: Glyphs = .unicode, depth: ColorDepth = .trueColor
  ) -> InspectorState {
    var state = InspectorState(
      imageName: "chelsea.png", prompt: synthetic.prompt, size: size, glyphs: glyphs, depth: depth)
    state.post(.picture(synthetic.picture, name: "chelsea.png"))
    for stage in PipelineStage.allCases {
      state.post(.progress(StageProgress(stage: stage, state: .finished, seconds: 0.25)))
    }
    state.post(.trace(synthetic.trace))
    state.post(.codebook(synthetic.codebook))
    state.post(.checkpoint(listing))
    state.post(.finished)
    // The first patch, wherever the cursor came to stand.
    state.post(.command(.first))
    return state
  }

  @discardableResult
  mutating func post(_ action: Action) -> [Effect] {
    // A mouse points at what was drawn last.
    if case .input(.mouse) = action { hits = Inspector.view(self, size: size).hits }
    return update(&self, action)
  }

  @discardableResult
  mutating func press(_ keys: Key...) -> [Effect] { keys.flatMap { post(.input(.key($0))) } }

  @discardableResult
  mutating func type(_ text: String) -> [Effect] { text.flatMap { post(.input(.key(.character($0)))) } }
}

package import Evidence
import Inspector
import Statistics
package import Tensor
package import TerminalUI
package import Trace

/// The demo: which picture and stage is on screen, and since when.
package struct DemoState: Sendable {
  /// File names of the pictures, in order.
  package let names: [String]
  package let look: Appearance
  /// Seconds that a stage is held.
  package let seconds: Double
  /// Whether it begins again after the last picture.
  package let loops: Bool
  package internal(set) var size: Size
  package internal(set) var index = 0
  package internal(set) var stage = DemoStage.picture
  /// Seconds since the stage began.
  package internal(set) var elapsed = 0.0
  package internal(set) var isPaused = false
  /// What is ready to be shown, by picture.
  package internal(set) var contents: [Int: DemoContent] = [:]
  /// Decoded pictures that are still computed.
  package internal(set) var pictures: [Int: Picture] = [:]

  package init(names: [String], size: Size, look: Appearance, seconds: Double, loops: Bool) {
    precondition(!names.isEmpty && seconds > 0)
    self.names = names
    self.size = size
    self.look = look
    self.seconds = seconds
    self.loops = loops
  }

  package var content: DemoContent? { contents[index] }

  /// How much of the stage is over, 0…1.
  package var fraction: Double { min(1, elapsed / seconds) }

  /// How much of what the stage shows is revealed: all of it after the first six tenths, so that it can be looked at.
  package var revealed: Double { isPaused ? 1 : min(1, fraction / 0.6) }
}

package enum DemoAction: Sendable {
  case input(InputEvent)
  /// Time has passed.
  case tick(Double)
  /// The picture is decoded.
  case picture(Int, Picture)
  /// The model has run on it.
  case content(Int, DemoContent)
}

package enum DemoEffect: Sendable, Equatable {
  /// The picture and its content will be needed next.
  case prepare(Int)
  case redraw, suspend, quit
}

/// Takes an action into the demo.
package func update(_ demo: inout DemoState, _ action: DemoAction) -> [DemoEffect] {
  switch action {
  case .picture(let index, let picture): demo.pictures[index] = picture
  case .content(let index, let content): demo.contents[index] = content
  case .tick(let seconds):
    guard !demo.isPaused else { return [] }
    // The first stage needs the picture alone; the others wait until the model has run.
    demo.elapsed += seconds
    if demo.elapsed >= demo.seconds { return demo.step(1) }
  case .input(.resize(let size)): demo.size = size
  case .input(.key(let key)): return demo.handle(key)
  case .input(.mouse(let event)) where event.kind == .press: return demo.step(1)
  case .input: break
  }
  return []
}

extension DemoState {
  /// The first picture, and the one after it.
  package mutating func begin() -> [DemoEffect] { show(0) }

  mutating func handle(_ key: Key) -> [DemoEffect] {
    switch key {
    case .character("q"), .escape, .control("c"): return [.quit]
    case .character(" "), .right, .enter, .character("l"), .pageDown: return step(1)
    case .left, .character("h"), .backspace, .pageUp: return step(-1)
    case .character("p"): isPaused.toggle()
    case .down, .character("j"), .tab: return show(index + 1)
    case .up, .character("k"), .backTab: return show(index - 1)
    case .control("l"): return [.redraw]
    case .control("z"): return [.suspend]
    default: break
    }
    return []
  }

  /// The next stage, or the one before; after the last one the next picture.
  mutating func step(_ direction: Int) -> [DemoEffect] {
    if content == nil, direction > 0 {
      elapsed = min(elapsed, seconds)
      return []
    }
    if let next = DemoStage(rawValue: stage.rawValue + direction) {
      stage = next
      elapsed = 0
      return []
    }
    guard direction > 0 else {
      let effects = show(index - 1)
      stage = content == nil ? .picture : .answer
      return effects
    }
    if index == names.count - 1 && !loops { return [.quit] }
    return show(index + 1)
  }

  /// A picture from its first stage; the one after it is prepared meanwhile, and those far away are forgotten.
  mutating func show(_ picture: Int) -> [DemoEffect] {
    index = (picture + names.count) % names.count
    stage = .picture
    elapsed = 0
    let next = (index + 1) % names.count
    let near = [index, next, (index + names.count - 1) % names.count]
    contents = contents.filter { near.contains($0.key) }
    pictures = pictures.filter { near.contains($0.key) }
    return [index, next].filter { contents[$0] == nil }.map(DemoEffect.prepare)
  }
}

/// The way of a picture through the model, one stage after another.
package enum DemoStage: Int, Sendable, CaseIterable {
  case picture, patches, codes, anchors, mask, voco, answer

  package var title: String {
    switch self {
    case .picture: "picture"
    case .patches: "patches"
    case .codes: "codes"
    case .anchors: "anchors"
    case .mask: "mask"
    case .voco: "voco"
    case .answer: "answer"
    }
  }
}

/// One picture of the demo with everything that its stages show, worked out once.
package struct DemoContent: Sendable {
  package let name: String
  package let trace: Trace
  /// The question, its answers from every source and their bill.
  package let compression: CompressionState
  /// The right answer, where it is known.
  package let right: String?
  /// The square that the model sees.
  let square: Picture
  let decoded: DecodedCodes?
  /// The share of each patch, `[P]`, and of each anchor in the voco row, mean over live layers and heads.
  let patchShares: [Double]
  let anchorShares: [Double]

  package init?(name: String, trace: Trace, compression: CompressionState, right: String?) {
    guard let mgvq = trace.mgvq, trace.vision != nil, trace.anchors != nil, trace.sequence != nil,
      let attention = try? VocoAttention(trace),
      let view = AttentionView(
        attention, AttentionQuery(layer: .all, head: .mean, metric: .share, hidesSinks: false, visualOnly: false))
    else { return nil }
    self.name = name
    self.trace = trace
    self.compression = compression
    self.right = right
    square = Picture(signed: mgvq.pixelValues)
    decoded = DecodedCodes(trace)
    patchShares = view.patchValues
    anchorShares = view.anchorValues
  }

  var grid: GridSize { GridSize(rows: trace.model.patchRows, columns: trace.model.patchGrid) }
  var codes: CodeGrid? { trace.mgvq?.codes }

  /// The headline of a stage.
  func headline(_ stage: DemoStage) -> String {
    let model = trace.model
    switch stage {
    case .picture: return "A picture"
    case .patches: return "\(Format.integer(grid.count)) patches"
    case .codes: return "\(Format.integer(codeCount)) discrete codes"
    case .anchors: return "\(model.anchors) anchors"
    case .mask: return "The \(model.visualMask.rawValue) mask"
    case .voco: return "One <voco> token"
    case .answer: return "“\(trace.provenance.prompt)”"
    }
  }

  /// One or two sentences about a stage.
  func caption(_ stage: DemoStage) -> String {
    let model = trace.model
    switch stage {
    case .picture:
      return "\(name), seen as a square of \(model.visionImageSize)×\(model.visionImageSize) pixels. "
        + "A language model cannot read pixels: it reads vectors."
    case .patches:
      return "A vision transformer turns each square of the grid into a vector of \(model.hiddenSize) numbers: detail, "
        + "but \(Format.integer(grid.count)) tokens of it."
    case .codes:
      return
        "A second encoder names what stands where: \(model.groups) codebooks of \(Format.integer(model.codesPerGroup)) "
        + "entries, \(codeSide) positions each. At the right: the picture decoded from these names alone."
    case .anchors:
      return "All codes together become \(model.anchors) vectors that stand first in the sequence: what the picture is "
        + "about, in brief."
    case .mask:
      return model.visualMask == .star
        ? "No patch sees another. Only <voco> sees everything, and the question sees nothing of the picture but <voco>."
        : "Each token sees all before it; the question sees nothing of the picture but <voco>."
    case .voco: return vocoCaption
    case .answer: return answerCaption
    }
  }

  private var codeCount: Int { codes.map { $0.groups * $0.height * $0.width } ?? 0 }
  private var codeSide: String { codes.map { "\($0.height)×\($0.width)" } ?? "" }

  private var vocoCaption: String {
    let anchors = anchorShares.reduce(0, +)
    let shares =
      "Of what <voco> looks at, \(Format.percent(anchors)) are the anchors, "
      + "\(Format.percent(patchShares.reduce(0, +))) the patches (mean over live layers and heads). "
    guard let bill else { return shares }
    return shares + bill.sentence
  }

  private var answerCaption: String {
    "The same question from \(Format.integer(compression.facts?.prompt.visual ?? 0)) tokens, from one and from none. "
      + (compression.facts?.edges() ?? []).joined(separator: " ")
  }

  var bill: CompressionBill? {
    compression.facts.map { CompressionBill($0, pictures: compression.pictures, latest: compression.latest) }
  }
}

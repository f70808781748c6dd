import Inspector
package import Tensor
package import TerminalUI

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
